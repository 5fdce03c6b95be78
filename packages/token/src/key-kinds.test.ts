/** Key kinds: foreign keys and admin keys are refused, broad ones warned of, everything unknown is let be, and no key stands in a message. */
import { describe, expect, it } from 'vitest';
import { CLOSED_HOUSES, KEY_FORMS, OTHER_NAMES } from './key-forms.ts';
import { judgeKey as judge, type KeyPlace, keyKindsOf, looksLikeKeyOf } from './key-kinds.ts';
import { Secret } from './secret.ts';

const judgeKey = (key: string, place: KeyPlace) => judge(new Secret(key), place);
const plain = (provider: string, ownBase = false) => ({ provider, field: 'key', ownBase });
const TAIL = '0a1b2c3d4e5f60718293a4b5c6d7e8f901234567';

describe('a key of another house', () => {
  it.each([
    ['openai', 'gsk_demo', 'Groq (gsk_…)', 'groq'],
    ['groq', 'sk-proj-demo', 'OpenAI (sk-proj-…)', 'openai'],
    ['openai', 'sk-ant-api03-demo', 'Anthropic (sk-ant-…)', 'anthropic'],
    ['anthropic', 'sk-or-v1-demo', 'OpenRouter (sk-or-…)', 'openrouter'],
    ['mistral', 'r8_demo', 'Replicate (r8_…)', 'replicate'],
    ['azure', 'sk-svcacct-demo', 'OpenAI (sk-svcacct-…)', 'openai'],
    ['gemini', 'xai-demo', 'xAI (xai-…)', 'xai'],
    ['openai', `AIza${TAIL}`, 'Google (AIza…)', 'google'],
  ])('is refused for %s, with its house and where it belongs', (provider, key, house, home) => {
    const verdict = judgeKey(key, plain(provider));
    expect(verdict?.kind).toBe('refused');
    expect(verdict?.reason).toBe(`looks like a key of ${house}, but it is given for ${provider}`);
    expect(verdict?.fix).toContain(home);
  });

  it('is let be where calls go to a base URL of one’s own, at a provider that is not known, and in a part without a form', () => {
    expect(judgeKey('gsk_demo', plain('openai', true))).toBeNull();
    for (const provider of [
      'demo',
      'litellm-proxy',
      'vllm',
      'my-gateway',
      'helicone',
      'cloudflare-ai-gateway',
    ]) {
      expect(judgeKey('gsk_demo', plain(provider))).toBeNull();
    }
    expect(judgeKey('gsk_demo', { provider: 'openai', field: 'secret_access_key' })).toBeNull();
  });

  it('is not told by a beginning that any key could have', () => {
    for (const key of [
      'sk-demo-not-a-key',
      'app-demo',
      'dataset-demo',
      'AIza',
      'AKIA',
      'dapi-demo',
      TAIL.slice(0, 37),
    ]) {
      expect(judgeKey(key, plain('openai'))).toBeNull();
    }
  });
});

describe('a provider’s own key', () => {
  it('passes in every ordinary form', () => {
    for (const { prefix, of, verdict, field } of KEY_FORMS) {
      if (verdict !== undefined || field !== undefined) continue;
      for (const provider of of) {
        expect([provider, judgeKey(`${prefix}${TAIL}`, plain(provider))]).toEqual([provider, null]);
      }
    }
    for (const provider of CLOSED_HOUSES) expect(judgeKey(TAIL, plain(provider))).toBeNull();
  });

  it.each([
    ['openai', 'sk-admin-demo'],
    ['anthropic', 'sk-ant-admin01-demo'],
    ['dify', 'dataset-demo'],
  ])('of %s that administers is refused, at a base URL of one’s own too', (provider, key) => {
    for (const ownBase of [false, true]) {
      const verdict = judgeKey(key, plain(provider, ownBase));
      expect(verdict?.kind).toBe('refused');
      expect(verdict?.reason).toMatch(/^is an? .* key of .*, which opens more than model calls$/);
      expect(verdict?.fix).not.toBe('');
    }
  });

  it.each([
    ['databricks', `dapi${TAIL.slice(0, 32)}`],
    ['cloudflare-workers-ai', 'cfk_demo'],
    ['cloudflare-workers-ai', TAIL.slice(0, 37)],
    ['digitalocean', 'dop_v1_demo'],
    ['github-models', 'ghp_demo'],
    ['snowflake-cortex', 'anything-at-all'],
  ])('of %s that is broad is told so, and is not at a base URL of one’s own', (provider, key) => {
    const verdict = judgeKey(key, plain(provider));
    expect(verdict?.kind).toBe('broad');
    expect(verdict?.fix).not.toBe('');
    expect(judgeKey(key, plain(provider, true))).toBeNull();
  });

  it('that is half of a pair is refused as a whole key, and taken in its part', () => {
    expect(judgeKey(`AKIA${TAIL.toUpperCase()}`, plain('amazon-bedrock'))).toMatchObject({
      kind: 'refused',
      fix: expect.stringContaining('secretAccessKey'),
    });
    expect(judgeKey(`AKIA${TAIL.toUpperCase()}`, plain('amazon-bedrock', true))).toBeNull();
    const part = { provider: 'amazon-bedrock', field: 'access_key_id' };
    expect(judgeKey(`AKIA${TAIL.toUpperCase()}`, part)).toBeNull();
    expect(judgeKey(`AKID${TAIL}`, part)).toMatchObject({ kind: 'refused' });
    expect(judgeKey(`AKID${TAIL}`, plain('tencent-hunyuan-legacy'))).toMatchObject({
      fix: expect.stringContaining('secretKey'),
    });
  });
});

it('shows no more of a key than its public beginning', () => {
  for (const { prefix, of } of KEY_FORMS) {
    for (const [provider, tail] of [...of, 'openai', 'mistral'].flatMap((name) => [
      [name, TAIL] as const,
      [name, TAIL.toUpperCase()] as const,
    ])) {
      const verdict = judgeKey(`${prefix}${tail}`, plain(provider));
      const text = `${verdict?.reason} ${verdict?.fix}`;
      expect(text.toLowerCase()).not.toContain(TAIL.slice(0, 4));
    }
  }
});

describe('the table', () => {
  it('says everything once', () => {
    const names = KEY_FORMS.map(({ prefix, rest }) => `${prefix} ${rest ?? ''}`);
    expect(new Set(names).size).toBe(names.length);
    const ordinary = new Set(KEY_FORMS.filter(({ loose }) => loose !== true).flatMap(({ of }) => of));
    expect(CLOSED_HOUSES.filter((name) => ordinary.has(name))).toEqual([]);
    for (const { prefix, loose } of KEY_FORMS) if (loose !== true) expect(prefix.length).toBeGreaterThan(2);
  });

  it('tells whether a key begins as a provider’s do', () => {
    expect(looksLikeKeyOf('groq', new Secret('gsk_demo'))).toBe(true);
    expect(looksLikeKeyOf('groq', new Secret('sk-demo'))).toBe(false);
    expect(looksLikeKeyOf('mistral', new Secret('sk-demo'))).toBe(true);
  });

  it('knows the other names of providers', () => {
    for (const [name, id] of Object.entries(OTHER_NAMES)) {
      expect(keyKindsOf(name)).toEqual(keyKindsOf(id));
      expect(Object.hasOwn(OTHER_NAMES, id)).toBe(false);
    }
    expect(judgeKey('hf_demo', plain('bedrock'))?.reason).toContain('it is given for bedrock');
    expect(judgeKey('ABSK0123456789abcdef', plain('bedrock'))).toBeNull();
    expect(looksLikeKeyOf('grok', new Secret('xai-demo'))).toBe(true);
  });

  it('says of each provider what its keys begin with', () => {
    expect(keyKindsOf('openai')).toEqual({
      prefixes: ['sk-proj-', 'sk-svcacct-'],
      refused: [{ prefix: 'sk-admin-', what: 'an organisation admin key' }],
      broad: [],
    });
    expect(keyKindsOf('databricks').broad).toEqual([{ prefix: 'dapi', what: 'a personal access token' }]);
    expect(keyKindsOf('amazon-bedrock').prefixes).toEqual(['ABSK', 'bedrock-api-key-']);
    expect(keyKindsOf('no-such')).toEqual({ prefixes: [], refused: [], broad: [] });
  });
});
