import { type Claims, encodeUtf8 } from 'relayapi-token';
import { describe, expect, it } from 'vitest';
import { makeArrival, makeClaims, makeEndpoint, makeRoute } from '../../test/support/policy.ts';
import type { Route } from '../exchange.ts';
import type { FeatureRule, ModelPlace } from '../providers/provider.ts';
import { checkBody, checkEncoding, isJsonType } from './body.ts';
import { checkHeadModels } from './checks/models.ts';

const JSON_TYPE = 'application/json';
const CHAT = makeRoute(makeEndpoint());
const MINI = makeClaims({ models: ['gpt-4o-mini', 'o4-*'] });

/** What comes of a body: `ok` or the denial's code. */
function verdict(
  body: string | Uint8Array,
  claims: Claims = MINI,
  route: Route = CHAT,
  contentType: string | null = JSON_TYPE,
  fields: ReadonlyMap<string, string> | null = null,
): string {
  const bytes = typeof body === 'string' ? encodeUtf8(body) : body;
  return checkBody(claims, route, bytes, contentType, fields)?.denied ?? 'ok';
}

function routeWith(models: readonly ModelPlace[] | null, more: Partial<Route> = {}): Route {
  return makeRoute(makeEndpoint({ models }), more);
}

describe('models in the body', () => {
  it('admits listed ones, exactly or by a trailing star', () => {
    expect(verdict('{"model":"gpt-4o-mini","messages":[]}')).toBe('ok');
    expect(verdict('{"model":"o4-mini"}')).toBe('ok');
    expect(verdict('{"model":"o4-"}')).toBe('ok');
    expect(verdict('{"model":"mod\\u0065l"}')).toBe('model_denied');
    expect(verdict('{"mod\\u0065l":"gpt-4o-mini"}')).toBe('ok');
    expect(verdict('{"model":"gpt-4o-m\\u0069ni"}')).toBe('ok');
  });

  it.each([
    '{"model":"gpt-4o"}',
    '{"model":"gpt-4o-mini-2"}',
    '{"model":"GPT-4o-mini"}',
    '{"model":" gpt-4o-mini"}',
    '{"model":"gpt-4o-mini\\u0000"}',
    '{"model":"o4"}',
    '{"model":""}',
    '{"model":"*"}',
    '{"model":null}',
    '{"model":7}',
    '{"model":true}',
    '{"model":["gpt-4o-mini"]}',
    '{"model":{"id":"gpt-4o-mini"}}',
    '{}',
    '{"messages":[{"model":"gpt-4o-mini"}]}',
    '[{"model":"gpt-4o-mini"}]',
    '"gpt-4o-mini"',
    '',
  ])('A31 refuses %s', (body) => {
    expect(verdict(body)).toBe('model_denied');
  });

  it.each([
    ['a duplicate', '{"model":"gpt-4o-mini","model":"gpt-4o"}'],
    ['an escaped duplicate', '{"model":"gpt-4o-mini","mod\\u0065l":"gpt-4o"}'],
    ['a duplicate deep inside', '{"model":"gpt-4o-mini","a":{"b":[{"c":1,"c":2}]}}'],
    ['another case', '{"model":"gpt-4o-mini","Model":"gpt-4o"}'],
    ['another case alone', '{"MODEL":"gpt-4o-mini"}'],
    ['an escaped other case', '{"model":"gpt-4o-mini","\\u004dodel":"gpt-4o"}'],
    ['a byte order mark', '\ufeff{"model":"gpt-4o-mini"}'],
    ['a trailing comma', '{"model":"gpt-4o-mini",}'],
    ['a comment', '{"model":"gpt-4o-mini"/**/}'],
    ['single quotes', "{'model':'gpt-4o-mini'}"],
    ['a second text', '{"model":"gpt-4o-mini"}{"model":"gpt-4o"}'],
    ['NaN', '{"model":"gpt-4o-mini","n":NaN}'],
    ['a cut end', '{"model":"gpt-4o-mini"'],
    ['too deep', `{"model":"gpt-4o-mini","a":${'['.repeat(64)}${']'.repeat(64)}}`],
  ])('A31 refuses %s as bad_body', (_what, body) => {
    expect(verdict(body)).toBe('bad_body');
  });

  it('A31 refuses other encodings than UTF-8', () => {
    const latin = Uint8Array.from([...encodeUtf8('{"model":"gpt-4o-mini","a":"'), 0xe9, ...encodeUtf8('"}')]);
    expect(verdict(latin)).toBe('bad_body');
    const text = '{"model":"gpt-4o-mini"}';
    expect(verdict(Uint8Array.from([...text].flatMap((c) => [c.charCodeAt(0), 0])))).toBe('bad_body');
    expect(verdict(Uint8Array.from([0xff, 0xfe, ...[...text].flatMap((c) => [c.charCodeAt(0), 0])]))).toBe(
      'bad_body',
    );
  });

  it('takes 64 levels, long numbers, and member names that are traps elsewhere', () => {
    expect(verdict(`{"model":"gpt-4o-mini","a":${'['.repeat(63)}${']'.repeat(63)}}`)).toBe('ok');
    expect(verdict('{"model":"gpt-4o-mini","seed":123456789012345678901234567890,"x":1e400}')).toBe('ok');
    expect(verdict('{"model":"gpt-4o-mini","constructor":{"prototype":1},"__proto__":{"model":"x"}}')).toBe(
      'ok',
    );
  });

  it('looks at every place the registry lists', () => {
    const route = routeWith([
      { in: 'body', at: ['model'] },
      { in: 'body', at: ['models', '*'] },
      { in: 'body', at: ['tools', '*', 'model'] },
      { in: 'body', at: ['moderation', 'model'] },
    ]);
    const ok = '"model":"gpt-4o-mini"';
    const all = (rest: string) => verdict(`{${ok},${rest}}`, MINI, route);
    expect(all('"models":["o4-mini","gpt-4o-mini"]')).toBe('ok');
    expect(all('"models":["o4-mini","gpt-4o"]')).toBe('model_denied');
    expect(all('"models":[]')).toBe('ok');
    expect(all('"models":null')).toBe('ok');
    expect(all('"models":"gpt-4o"')).toBe('model_denied');
    expect(all('"models":"gpt-4o-mini"')).toBe('model_denied');
    expect(all('"models":{"0":"gpt-4o"}')).toBe('model_denied');
    expect(all('"models":[["gpt-4o"]]')).toBe('model_denied');
    expect(all('"tools":[{"type":"x"},{"model":"gpt-4o"}]')).toBe('model_denied');
    expect(all('"tools":[{"type":"x"},{"model":"o4-mini"}]')).toBe('ok');
    expect(all('"tools":{"model":"gpt-4o"}')).toBe('model_denied');
    expect(all('"moderation":{"model":"gpt-4o"}')).toBe('model_denied');
    expect(all('"moderation":{"Model":"gpt-4o"}')).toBe('bad_body');
    expect(all('"moderation":null')).toBe('ok');
    expect(verdict('{"models":["o4-mini"]}', MINI, route)).toBe('ok');
    expect(verdict('{"models":[]}', MINI, route)).toBe('model_denied');
  });

  it("holds the vault entry's list on top of the token's, or alone", () => {
    const route = routeWith([{ in: 'body', at: ['model'] }], { vaultModels: ['o4-mini'] });
    expect(verdict('{"model":"o4-mini"}', MINI, route)).toBe('ok');
    expect(verdict('{"model":"gpt-4o-mini"}', MINI, route)).toBe('model_denied');
    expect(verdict('{"model":"o4-mini"}', makeClaims(), route)).toBe('ok');
    expect(verdict('{"model":"gpt-4o"}', makeClaims(), route)).toBe('model_denied');
  });

  it('an empty list admits none', () => {
    expect(verdict('{"model":"gpt-4o-mini"}', makeClaims({ models: [] }))).toBe('model_denied');
  });
});

describe('models in path and query', () => {
  const PATH: ModelPlace = { in: 'path', segment: 'model' };
  const BODY: ModelPlace = { in: 'body', at: ['model'] };
  const QUERY: ModelPlace = { in: 'query', name: 'model' };
  const head = (route: Route, claims = MINI) => checkHeadModels(claims, route)?.denied ?? 'ok';

  it('are decided before a body is read', () => {
    expect(head(routeWith([PATH], { segments: { model: 'gpt-4o-mini' } }))).toBe('ok');
    expect(head(routeWith([PATH], { segments: { model: 'gpt-4o' } }))).toBe('model_denied');
    expect(head(routeWith([PATH]))).toBe('model_denied');
    expect(head(routeWith([QUERY], { query: [['model', 'gpt-4o-mini']] }))).toBe('ok');
    expect(head(routeWith([QUERY], { query: [['model', 'gpt-4o']] }))).toBe('model_denied');
    expect(head(routeWith([QUERY], { query: [['Model', 'gpt-4o-mini']] }))).toBe('model_denied');
    expect(head(routeWith([QUERY]))).toBe('model_denied');
  });

  it('must agree with one another', () => {
    const both = { segments: { model: 'gpt-4o-mini' }, query: [['model', 'o4-mini']] as const };
    expect(head(routeWith([PATH, QUERY], both))).toBe('model_denied');
    expect(head(routeWith([PATH, QUERY], { ...both, query: [['model', 'gpt-4o-mini']] }))).toBe('ok');
  });

  it('A35 an endpoint whose places are unknown is refused, one that names no model is not', () => {
    expect(head(routeWith(null))).toBe('model_denied');
    expect(head(makeRoute(null))).toBe('model_denied');
    expect(head(routeWith([]))).toBe('ok');
    expect(head(routeWith(null), makeClaims())).toBe('ok');
    expect(head(routeWith([BODY]))).toBe('ok');
  });

  it('A31 an empty segment names no model, and a body does not make up for a missing one', () => {
    const any = makeClaims({ models: ['*'] });
    expect(head(routeWith([PATH], { segments: { model: '' } }), any)).toBe('model_denied');
    for (const segments of [{ model: '' }, {}] as Record<string, string>[])
      expect(verdict('{"model":"a"}', any, routeWith([PATH, BODY], { segments }))).toBe('model_denied');
  });

  it('leave a model to the body where it may stand there as well, form fields included', () => {
    expect(head(routeWith([QUERY, BODY]))).toBe('ok');
    const form = routeWith([{ in: 'form', name: 'model' }]);
    expect(head(form)).toBe('ok');
    // A name of the query is no field of a form.
    expect(head({ ...form, query: [['model', 'gpt-4o']] })).toBe('ok');
  });

  it('A31 path and body must agree; the body may put the registry prefix in front', () => {
    const endpoint = makeEndpoint({ models: [PATH, BODY], modelPrefix: 'models/' });
    const route = makeRoute(endpoint, { segments: { model: 'gpt-4o-mini' } });
    expect(verdict('{"model":"gpt-4o-mini"}', MINI, route)).toBe('ok');
    expect(verdict('{"model":"models/gpt-4o-mini"}', MINI, route)).toBe('ok');
    expect(verdict('{"contents":[]}', MINI, route)).toBe('ok');
    expect(verdict('', MINI, route)).toBe('ok');
    expect(verdict('{"model":"o4-mini"}', MINI, route)).toBe('model_denied');
    expect(verdict('{"model":"models/o4-mini"}', MINI, route)).toBe('model_denied');
    expect(verdict('{"model":"models/models/gpt-4o-mini"}', MINI, route)).toBe('model_denied');
    expect(verdict('{"model":"gpt-4o"}', makeClaims({ models: ['*'] }), route)).toBe('model_denied');
  });
});

describe('content types', () => {
  it.each([
    'application/json',
    'Application/JSON',
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"',
    'application/problem+json',
    'application/json; odata=verbose',
    'application/json ; Charset = utf-8 ',
    'application/json;charset=utf8',
    'application/json;',
  ])('%s is JSON', (type) => {
    expect(isJsonType(type)).toBe(true);
  });

  it.each([
    null,
    '',
    'text/plain',
    'text/json',
    'application/jsonl',
    'application/json, text/plain',
    'application/json; charset=utf-16',
    'application/json; charset=latin1',
    'application/json; charset=x-utf-8',
    'application/json; charset=utf-88',
    'application/json; charset',
    'application/json; charset=',
    'multipart/form-data; boundary=x',
    'xapplication/json',
    'application/x-json-stream',
  ])('%s is not', (type) => {
    expect(isJsonType(type)).toBe(false);
    expect(verdict('{"model":"gpt-4o-mini"}', MINI, CHAT, type)).toBe('unsupported_body');
  });

  it('a body that must be read may not be encoded', () => {
    const encoding = (value: string | null) =>
      checkEncoding(makeArrival({ headers: value === null ? [] : ['Content-Encoding', value] }))?.denied ??
      'ok';
    expect(encoding(null)).toBe('ok');
    expect(encoding('identity')).toBe('ok');
    for (const value of ['gzip', 'GZIP', 'br', 'identity, gzip', 'x'])
      expect(encoding(value)).toBe('unsupported_body');
  });
});

describe('forms', () => {
  const FORM = makeRoute(makeEndpoint({ body: 'multipart', models: [{ in: 'form', name: 'model' }] }));
  const TYPE = 'multipart/form-data; boundary=x';
  const form = (fields: Record<string, string>, claims = MINI, route = FORM) =>
    verdict('--x', claims, route, TYPE, new Map(Object.entries(fields)));

  it('are judged by their fields where the registry lists them', () => {
    expect(form({ model: 'gpt-4o-mini', prompt: 'x' })).toBe('ok');
    expect(form({ model: 'gpt-4o' })).toBe('model_denied');
    expect(form({ Model: 'gpt-4o-mini' })).toBe('model_denied');
    expect(form({})).toBe('model_denied');
  });

  it('are refused where they were not parsed or are not listed', () => {
    expect(verdict('--x', MINI, FORM, TYPE)).toBe('unsupported_body');
    expect(form({ model: 'gpt-4o-mini' }, MINI, CHAT)).toBe('unsupported_body');
  });

  it('A31 are judged by what a JSON body would hold there, one level deep', () => {
    const both = makeRoute(
      makeEndpoint({
        body: 'any',
        models: [
          { in: 'body', at: ['model'] },
          { in: 'body', at: ['moderation', 'model'] },
        ],
      }),
    );
    expect(form({ model: 'gpt-4o-mini', moderation: 'x' }, MINI, both)).toBe('ok');
    expect(form({ model: 'gpt-4o', moderation: 'x' }, MINI, both)).toBe('model_denied');
    expect(form({ moderation: 'gpt-4o-mini' }, MINI, both)).toBe('model_denied');
  });

  it('A31 may only repeat the model that the path names', () => {
    const places: ModelPlace[] = [
      { in: 'path', segment: 'model' },
      { in: 'form', name: 'model' },
    ];
    const route = makeRoute(makeEndpoint({ body: 'multipart', models: places }), {
      segments: { model: 'gpt-4o-mini' },
    });
    expect(form({ prompt: 'x' }, MINI, route)).toBe('ok');
    expect(form({ model: 'gpt-4o-mini' }, MINI, route)).toBe('ok');
    expect(form({ model: 'o4-mini' }, MINI, route)).toBe('model_denied');
  });

  it('are read where the endpoint takes any form or is not known, and nowhere else', () => {
    const set = makeClaims({ set: { a: '1' } });
    for (const body of ['form', 'multipart', 'any'] as const)
      expect(form({ a: '1' }, set, makeRoute(makeEndpoint({ body })))).toBe('ok');
    expect(form({ a: '1' }, set, makeRoute(null))).toBe('ok');
    expect(form({ a: '1' }, set, makeRoute(makeEndpoint({ body: 'json' })))).toBe('unsupported_body');
  });

  it('a JSON body on a form endpoint is judged by the same names', () => {
    expect(verdict('{"model":"gpt-4o-mini"}', MINI, FORM)).toBe('ok');
    expect(verdict('{"model":"gpt-4o"}', MINI, FORM)).toBe('model_denied');
  });

  it('hold features too', () => {
    const features: FeatureRule[] = [
      { feature: 'n', at: ['n'], when: 'above-one' },
      { feature: 'store', at: ['store'], when: 'true' },
      { feature: 'service_tier', at: ['service_tier'], when: { not: ['default'] } },
      { feature: 'include', at: ['include', '*'], when: 'present' },
      { feature: 'mode', at: ['mode'], when: { is: ['v1', '1b'] } },
    ];
    const route = makeRoute(makeEndpoint({ body: 'multipart', models: [], features }));
    const plain = makeClaims({ features: [] });
    expect(form({ n: '1', store: 'false', service_tier: 'default' }, plain, route)).toBe('ok');
    expect(form({ n: '01' }, plain, route)).toBe('ok');
    for (const fields of [
      { n: '2' },
      { n: 'x' },
      { n: '12' },
      { store: 'true' },
      { service_tier: 'priority' },
      { include: 'logprobs' },
      { mode: 'v1' },
      { mode: '1b' },
      { prompt: 'x', n: '2' },
    ]) {
      expect(form(fields as unknown as Record<string, string>, plain, route)).toBe('feature_denied');
    }
    expect(form({ n: '2' }, makeClaims({ features: ['n'] }), route)).toBe('ok');
  });
});

describe('features', () => {
  const features: FeatureRule[] = [
    { feature: 'previous_response_id', at: ['previous_response_id'], when: 'present' },
    { feature: 'background', at: ['background'], when: 'true' },
    { feature: 'n', at: ['n'], when: 'above-one' },
    { feature: 'service_tier', at: ['service_tier'], when: { not: ['auto', 'default'] } },
    { feature: 'item_reference', at: ['input', '*', 'type'], when: { is: ['item_reference'] } },
    { feature: 'file_id', at: ['input', '**', 'file_id'], when: 'present' },
    { feature: 'hosted_tools', at: ['tools', '*', 'type'], when: { not: ['function', 'true'] } },
  ];
  const route = makeRoute(makeEndpoint({ models: [], features }));
  const used = (body: string, allowed: readonly string[] = []) => {
    const denial = checkBody(makeClaims({ features: allowed }), route, encodeUtf8(body), JSON_TYPE, null);
    return denial === null ? 'none' : `${denial.denied} ${denial.param}`;
  };

  it.each([
    ['{"previous_response_id":"r1"}', 'previous_response_id'],
    ['{"previous_response_id":""}', 'previous_response_id'],
    ['{"previous_response_id":false}', 'previous_response_id'],
    ['{"previous_response_id":{}}', 'previous_response_id'],
    ['{"background":true}', 'background'],
    ['{"background":"true"}', 'background'],
    ['{"background":1}', 'background'],
    ['{"n":2}', 'n'],
    ['{"n":1.5}', 'n'],
    ['{"n":1e1}', 'n'],
    ['{"n":"2"}', 'n'],
    ['{"n":[2]}', 'n'],
    ['{"service_tier":"priority"}', 'service_tier'],
    ['{"service_tier":"Default"}', 'service_tier'],
    ['{"service_tier":7}', 'service_tier'],
    ['{"tools":[{"type":true}]}', 'hosted_tools'],
    ['{"input":[{"type":"message"},{"type":"item_reference","id":"x"}]}', 'item_reference'],
    ['{"input":[{"content":[{"type":"input_file","file_id":"f"}]}]}', 'file_id'],
    ['{"input":{"file_id":"f"}}', 'file_id'],
    ['{"input":[[[{"file_id":"f"}]]]}', 'file_id'],
    ['{"tools":[{"type":"function"},{"type":"web_search"}]}', 'hosted_tools'],
    ['{"tools":{"type":"web_search"}}', 'hosted_tools'],
    ['{"previous_r\\u0065sponse_id":"r1"}', 'previous_response_id'],
  ])('%s uses %s', (body, feature) => {
    expect(used(body)).toBe(`feature_denied ${feature}`);
    expect(used(body, [feature])).toBe('none');
  });

  it.each([
    '{}',
    '{"previous_response_id":null,"background":null,"n":null,"service_tier":null}',
    '{"background":false,"n":1,"service_tier":"auto"}',
    '{"n":0}',
    '{"input":"a text with file_id and item_reference"}',
    '{"input":[{"type":"message","content":"x"}],"tools":[]}',
    '{"tools":[{"type":"function"}]}',
    '{"metadata":{"file_id":"f","background":true}}',
  ])('%s uses none', (body) => {
    expect(used(body)).toBe('none');
  });

  it('names in other letters are refused', () => {
    for (const body of [
      '{"Background":true}',
      '{"input":[{"File_Id":"f"}]}',
      '{"tools":[{"TYPE":"web_search"}]}',
    ]) {
      expect(used(body)).toContain('bad_body');
    }
  });

  it('are not looked for without the claim', () => {
    expect(verdict('{"background":true}', makeClaims({ set: { a: 1 } }), route)).toBe('ok');
  });
});

describe('names that set and cap touch', () => {
  it('are refused in other letters', () => {
    const claims = makeClaims({ set: { temperature: 0 }, cap: { max_tokens: 5 } });
    const route = makeRoute(makeEndpoint({ capGroups: [[['max_tokens'], ['options', 'maxTokens']]] }));
    expect(verdict('{"temperature":0,"max_tokens":5}', claims, route)).toBe('ok');
    for (const body of ['{"Temperature":1}', '{"MAX_TOKENS":9}', '{"options":{"maxtokens":9}}']) {
      expect(verdict(body, claims, route)).toBe('bad_body');
    }
  });

  it('are nothing to a token that neither sets, caps nor names models', () => {
    const route = makeRoute(makeEndpoint({ capGroups: [[['max_tokens']]] }));
    expect(verdict('{"MAX_TOKENS":9,"Model":"x"}', makeClaims({ set: { a: 1 } }), route)).toBe('ok');
  });

  it('are worked out once for a token and an endpoint, not for each body', () => {
    let looks = 0;
    const endpoint = {
      ...makeEndpoint(),
      get capGroups() {
        looks += 1;
        return [[['max_tokens']]];
      },
    };
    const claims = makeClaims({ cap: { max_tokens: 5 } });
    for (let i = 0; i < 3; i++) expect(verdict('{"max_tokens":5}', claims, makeRoute(endpoint))).toBe('ok');
    expect(looks).toBe(1);
  });
});

describe('a body on an endpoint that the registry does not know', () => {
  it('names no model that could be checked, and is looked through for all else', () => {
    expect(verdict('{"model":"gpt-4o-mini"}', MINI, makeRoute(null))).toBe('model_denied');
    expect(verdict('{"max_tokens":5}', makeClaims({ cap: { max_tokens: 5 } }), makeRoute(null))).toBe('ok');
    expect(verdict('{"a":1,"a":2}', makeClaims({ cap: { max_tokens: 5 } }), makeRoute(null))).toBe(
      'bad_body',
    );
  });

  it('is free of the models claim only where the registry says that none is named', () => {
    expect(verdict('{"input":"x"}', MINI, routeWith([]))).toBe('ok');
    expect(verdict('{"input":"x"}', MINI, routeWith(null))).toBe('model_denied');
  });
});
