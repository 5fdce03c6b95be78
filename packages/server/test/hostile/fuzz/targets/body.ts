/** What looks into request bodies and rewrites them: the scan for models, `set` and `cap` by splicing, against a whole parse. */
import type { JsonValue } from 'relayapi-token';
import { isDenial } from '../../../../src/errors.ts';
import { createScanPlan, scanBody } from '../../../../src/policy/body-scan.ts';
import { CHAT } from '../../../../src/providers/endpoints.ts';
import { capMembers } from '../../../../src/translation/cap-members.ts';
import { setMembers } from '../../../../src/translation/set-members.ts';
import { bytesOf, type FuzzTarget, hold } from '../target.ts';
import { JSON_WORDS } from './strict-json.ts';

const SET = { model: 'forced', temperature: 0 };
const CAPS = { max_tokens: 5, n: 1 };
const PLACES = (CHAT.models ?? []).flatMap((place) => (place.in === 'body' ? [place.at] : []));
const PLAN = createScanPlan(PLACES, CHAT.features ?? [], []);

const read = (bytes: Uint8Array): Record<string, JsonValue> =>
  JSON.parse(Buffer.from(bytes).toString()) as never;

function check(input: string): string {
  const bytes = bytesOf(input);
  const words: string[] = [];
  const scan = scanBody(bytes, PLAN);
  if (!isDenial(scan)) {
    const body = read(bytes);
    const model =
      typeof body === 'object' && body !== null && !Array.isArray(body) ? body['model'] : undefined;
    if (typeof model === 'string')
      hold(scan.models === null || scan.models.includes(model), 'a model unseen');
    else if (model !== undefined && model !== null)
      hold(scan.models === null, 'a model that is no string passed');
    words.push(
      scan.models === null ? 'unsound' : `${Math.min(scan.models.length, 3)} models`,
      ...scan.features.slice(0, 1),
    );
  }
  const set = setMembers(bytes, SET);
  if (set !== null) {
    hold(!isDenial(scan) || scan.denied === 'bad_body', 'set');
    hold(
      JSON.stringify(sorted(read(set))) === JSON.stringify(sorted({ ...read(bytes), ...SET })),
      'set changed more or less than its members',
    );
    hold(Buffer.from(setMembers(set, SET) ?? []).equals(set), 'set twice is not set once');
    words.push('set');
  }
  const capped = capMembers(bytes, CAPS, CHAT);
  if (capped !== null) {
    const body = read(capped);
    const most = [body['max_tokens'], body['max_completion_tokens']].filter((value) => value !== undefined);
    hold(most.length === 1 && (most[0] as number) <= 5 && (most[0] as number) >= 0, 'a ceiling passed');
    hold((body['n'] as number) <= 1, 'n passed');
    hold(Buffer.from(capMembers(capped, CAPS, CHAT) ?? []).equals(capped), 'cap twice is not cap once');
    const others = (value: Record<string, JsonValue>) =>
      sorted(
        Object.fromEntries(
          Object.entries(value).filter(([name]) => !/^(?:max_tokens|max_completion_tokens|n)$/.test(name)),
        ),
      );
    hold(JSON.stringify(others(body)) === JSON.stringify(others(read(bytes))), 'cap changed another member');
    words.push('cap');
  }
  return words.join(' ') || 'refused';
}

function sorted(value: Record<string, JsonValue>): [string, JsonValue][] {
  return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
}

export const bodyTarget: FuzzTarget = {
  name: 'body',
  sources:
    /server\/src\/(?:translation\/(?:body-index|splice|set-members|cap-members|caps)|policy\/(?:body-scan|pointers|checks\/features))\.ts$/,
  seeds: [
    '{"model":"demo","messages":[{"role":"user","content":"hello"}],"max_tokens":7}',
    '{"model":"a","max_completion_tokens":3,"n":2,"stream":true,"tools":[{"type":"function"}]}',
    '{ "n" : 9007199254740993 , "mod\\u0065l" : "x" }',
    '{}',
    '{"models":["a","b"],"store":true,"tools":[{"type":"web_search","model":"c"}]}',
  ],
  dictionary: [
    ...JSON_WORDS,
    ...[
      '"model"',
      '"models"',
      '"Model"',
      '"max_tokens"',
      '"max_completion_tokens"',
      '"MAX_TOKENS"',
      '"n"',
      '"N"',
      '"temperature"',
      '"tools"',
      '"model\\u0000"',
      '"mode\\u017f"',
      '"service_tier":"x"',
      '"n":1.0',
      '"n":"1"',
      '5',
      '6',
    ],
  ],
  maxLength: 1500,
  check,
};
