// A31, A33: bodies that try to show a checker one thing and an upstream another, read by parsers that are not ours:
// the platform's JSON.parse, a first-member-wins and a case-blind reading of it, and Python's json where it is installed.
import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import type { Claims } from 'relayapi-token';
import { describe, expect, it } from 'vitest';
import { isDenial } from '../../src/errors.ts';
import type { Opened, Route } from '../../src/exchange.ts';
import { checkBody } from '../../src/policy/body.ts';
import { CHAT, GEMINI } from '../../src/providers/endpoints.ts';
import type { Endpoint } from '../../src/providers/provider.ts';
import { createTranslation } from '../../src/translation/translation.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const translation = createTranslation();
const GENERATE = GEMINI[0] as Endpoint;

/** The body as it would go upstream, or null when the relay refuses it. */
function admitted(
  endpoint: Endpoint,
  claims: Partial<Claims>,
  text: string,
  segments: Record<string, string> = {},
): string | null {
  const whole = { limits: {}, ...claims } as Claims;
  const route = { endpoint, segments, query: [], vaultModels: null, vaultPaths: null } as unknown as Route;
  const rewritten = translation.rewrite(
    { claims: whole } as Opened,
    route,
    encoder.encode(text),
    'application/json',
  );
  if (isDenial(rewritten)) return null;
  const denial = checkBody(whole, route, rewritten.bytes, rewritten.contentType, rewritten.formFields);
  return denial === null ? decoder.decode(rewritten.bytes) : null;
}

type Members = readonly (readonly [string, unknown])[];

/** A reading that keeps what comes first, and one that ignores case, as some servers do. */
function lenientReadings(text: string): ReadonlyMap<string, unknown>[] {
  const members = Object.entries(JSON.parse(text) as object) as Members;
  const first = new Map<string, unknown>();
  const folded = new Map<string, unknown>();
  for (const [name, value] of members) {
    if (!first.has(name)) first.set(name, value);
    folded.set(name.toUpperCase().toLowerCase(), value);
  }
  return [first, folded];
}

/** What Python's json makes of each text: null where it fails. Undefined when Python is not there. */
function readByPython(texts: readonly string[]): readonly (Record<string, unknown> | null)[] | undefined {
  const script = [
    'import json, sys',
    'def read(text):',
    '    try: return json.loads(text)',
    '    except Exception: return None',
    'print(json.dumps([read(text) for text in json.load(sys.stdin)]))',
  ].join('\n');
  const input = JSON.stringify(texts);
  const { status, stdout } = spawnSync('python3', ['-c', script], {
    input,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  return status === 0 ? (JSON.parse(stdout) as (Record<string, unknown> | null)[]) : undefined;
}

const name = fc.constantFrom(
  '"model"',
  '"Model"',
  '"MODEL"',
  '"mod\\u0065l"',
  '"\\u006dodel"',
  '"mode\u217c"',
  '"model "',
  '"mo\\u0064e\\u006C"',
  '"max_tokens"',
  '"max_token\u017f"',
  '"max_to\u212aens"',
  '"MAX_TOKENS"',
  '"max_completion_tokens"',
  '"n"',
  '"N"',
  '"messages"',
  '"a"',
  '"__proto__"',
  '""',
);
const value = fc.constantFrom(
  '"gpt-4o-mini"',
  '"gpt-4o"',
  '"gpt-4o-mini\\u0000"',
  '"gpt-\\u0034o-mini"',
  'null',
  '[]',
  '{}',
  '["gpt-4o"]',
  '{"model":"gpt-4o"}',
  '1',
  '5',
  '64',
  '65',
  '1e9',
  '6.5e1',
  '65.0',
  '-1',
  '-0',
  '99999999999999999999',
  '"99"',
  'true',
  'NaN',
  '0x41',
  '+5',
  '05',
);
const gap = fc.oneof(
  { weight: 60, arbitrary: fc.constantFrom('', ' ', '\n', '\t') },
  { weight: 1, arbitrary: fc.constantFrom('\u00a0', '/**/', '\ufeff') },
);
const member = fc.tuple(gap, name, gap, value, gap).map(([a, n, b, v, c]) => `${a}${n}${b}:${v}${c}`);
// Near to a good body, or next to nothing would pass.
const good = fc.constantFrom(
  '"model":"gpt-4o-mini"',
  '"mod\\u0065l":"gpt-\\u0034o-mini"',
  '"max_tokens":5',
  '"max_completion_tokens": 65',
  '"n":1',
  '"messages":[{"model":"gpt-4o","max_tokens":9999}]',
);
const model = fc.constantFrom('"model":"gpt-4o-mini"', '"mod\\u0065l" : "gpt-4o-mini"');
const body = fc
  .tuple(model, fc.array(good, { maxLength: 2 }), fc.array(member, { maxLength: 2 }), fc.nat(), gap)
  .map(([first, some, odd, turn, end]) => {
    const members = [first, ...some, ...odd];
    const from = turn % members.length;
    return `${end}{${[...members.slice(from), ...members.slice(0, from)].join(',')}${end}}${end}`;
  });

const CLAIMS: Partial<Claims> = { models: ['gpt-4o-mini'], cap: { max_tokens: 64, n: 1 } };

function collect(
  endpoint: Endpoint,
  texts: fc.Arbitrary<string>,
  runs: number,
  segments?: Record<string, string>,
): string[] {
  const passed: string[] = [];
  fc.assert(
    fc.property(texts, (text) => {
      const sent = admitted(endpoint, CLAIMS, text, segments);
      if (sent !== null) passed.push(sent);
    }),
    { numRuns: runs },
  );
  return passed;
}

describe('what the relay lets through says the same to every parser', () => {
  const passed = collect(CHAT, body, 30_000);

  it('enough bodies pass to prove anything', () => {
    expect(passed.length).toBeGreaterThan(200);
    expect(passed.some((text) => text.includes('\\u0065'))).toBe(true);
  });

  it('A31 the platform, a first-wins and a case-blind reading see the allowed model and no more than the ceilings', () => {
    for (const text of passed) {
      const plain = new Map(Object.entries(JSON.parse(text) as object));
      for (const reading of [plain, ...lenientReadings(text)]) {
        expect(reading.get('model')).toBe('gpt-4o-mini');
        const tokens = [reading.get('max_tokens'), reading.get('max_completion_tokens')].filter(
          (one) => one !== undefined,
        );
        expect(tokens).toHaveLength(1);
        expect(tokens[0]).toBeLessThanOrEqual(64);
        expect(tokens[0]).toBeGreaterThanOrEqual(0);
        expect([0, 1]).toContain(reading.get('n'));
      }
    }
  });

  it('A31 Python sees the same', ({ skip }) => {
    const read = readByPython(passed);
    if (read === undefined) return skip('python3 is not installed');
    for (const [index, object] of read.entries()) {
      const ours = JSON.parse(passed[index] as string) as Record<string, unknown>;
      for (const name of ['model', 'max_tokens', 'max_completion_tokens', 'n'])
        expect(object?.[name]).toEqual(ours[name]);
      expect(Object.keys(object ?? {})).toHaveLength(Object.keys(ours).length);
    }
  });
});

describe('Gemini takes two spellings of each name', () => {
  const parent = fc.constantFrom(
    '"generationConfig"',
    '"generation_config"',
    '"GenerationConfig"',
    '"generation\\u0043onfig"',
  );
  const leaf = fc.constantFrom(
    '"maxOutputTokens"',
    '"max_output_tokens"',
    '"MaxOutputTokens"',
    '"maxOutput\\u0054okens"',
    '"candidateCount"',
    '"topK"',
  );
  const inner = fc
    .array(fc.tuple(leaf, value), { maxLength: 3 })
    .map((list) => `{${list.map((pair) => pair.join(':')).join(',')}}`);
  const config = fc.tuple(parent, fc.oneof(inner, value)).map((pair) => pair.join(':'));
  const named = fc.constantFrom(
    '"model":"gpt-4o-mini"',
    '"model":"models/gpt-4o-mini"',
    '"model":"models/gpt-4o"',
    '"contents":[]',
  );
  const texts = fc.array(fc.oneof(config, named), { maxLength: 4 }).map((list) => `{${list.join(',')}}`);

  it('A33 whichever the upstream reads, the ceiling holds and stands once', () => {
    const passed = collect(GENERATE, texts, 20_000, { model: 'gpt-4o-mini' });
    expect(passed.length).toBeGreaterThan(200);
    for (const text of passed) {
      const read = JSON.parse(text) as Record<string, Record<string, unknown>>;
      const configs = [read['generationConfig'], read['generation_config']].filter(
        (one) => one !== undefined,
      );
      expect(configs).toHaveLength(1);
      const ceilings = [configs[0]?.['maxOutputTokens'], configs[0]?.['max_output_tokens']].filter(
        (one) => one !== undefined,
      );
      expect(ceilings).toHaveLength(1);
      expect(ceilings[0]).toBeLessThanOrEqual(64);
      if (read['model'] !== undefined) expect(['gpt-4o-mini', 'models/gpt-4o-mini']).toContain(read['model']);
    }
  });
});
