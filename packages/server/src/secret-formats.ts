/**
 * What tokens and provider keys look like in text: the patterns behind the second wall (redact.ts) and `relayapi check --secrets`.
 * Keys without a form of their own (32 hex digits, a UUID) are known by what stands before them alone, so that hashes and ids stay readable.
 */

/** One form. */
export interface SecretFormat {
  /** For people: `token`, `OpenAI key`, `password in a URL`. */
  readonly kind: string;
  /** Global. A first group, where there is one, is what stands before the secret and is kept; so is a second, behind it. */
  readonly pattern: RegExp;
  /** Cheap to tell, and true of every text that the pattern finds something in. */
  readonly trait: keyof Traits;
}

/** What a quick look tells of a text: most log lines hold nothing that the dearer patterns begin with. */
interface Traits {
  /** A long run of base64url before a dot. */
  readonly dotted: boolean;
  /** A long run before a dot or a colon. */
  readonly joined: boolean;
  readonly prefixed: boolean;
  readonly addressed: boolean;
  readonly any: true;
}

// Every pattern starts at a boundary or has bounded repeats, so that hostile texts cost no more than plain ones.

/** A place where a text may begin: no letter before it, or one that belongs to an escape (`\n`, `\u0022`, `%22`, a colour). */
const START = String.raw`(?:(?<![A-Za-z0-9\\])|(?<=\\[bfnrt])|(?<=\\[ux][0-9A-Fa-f]{2,4})|(?<=%[0-9A-Fa-f]{2})|(?<=\[[0-9;]{0,8}m))`;
/** The same for what may hold `-` and `_` itself. */
const PART_START = String.raw`(?:(?<![A-Za-z0-9_\\-])|(?<=\\[bfnrt])|(?<=\\[ux][0-9A-Fa-f]{2,4})|(?<=%(?!2[Ee])[0-9A-Fa-f]{2}))`;
const PART = '[A-Za-z0-9_-]';
const DOT = '(?:\\.|%2[Ee])';

const pattern = (...pieces: readonly string[]) => new RegExp(pieces.join(''), 'g');
const anyCase = (...pieces: readonly string[]) => new RegExp(pieces.join(''), 'gi');

// five parts, ek_ in front or not; a host name has no two long labels at its front
const TOKEN = pattern(PART_START, `${PART}{16,}${DOT}${PART}{16,}(?:${DOT}${PART}+){3}`);
// what begins like the header of a JWT or JWE, wherever it is cut off; the same in base64
const TOKEN_START = pattern(START, `(?:ek_)?(?:ey[JIAKo]|ZXlK)[A-Za-z0-9_+-]{16,}(?:${DOT}${PART}*)*`);
// the end of a token that was cut off in front: key and IV of fixed lengths, or a long part and its tag
const TOKEN_END = pattern(
  PART_START,
  `(?:${PART}{54}${DOT}${PART}{16}${DOT}${PART}{8,}(?:${DOT}${PART}*)?|${PART}{64,}${DOT}${PART}{22}(?!${PART}))`,
);

/** Prefixes that are enough by themselves, with what follows. */
const CLEAR = [
  '(?:gsk|sk)-(?:[A-Za-z0-9_-]{8,})(?:[.:][A-Za-z0-9_-]+)*',
  'sk_(?=[a-z_]{0,32}[0-9A-Z])[A-Za-z0-9_-]{12,}',
  'c2st[A-Za-z0-9+_-]{16,}={0,2}',
  '(?:gsk_|xai-|hf_|api_org_|r8_|pplx-|csk-|esecret_|glpat-|luma-|pat_|dop_v1_|github_pat_|gh[opsu]_)[A-Za-z0-9_]{16,}[A-Za-z0-9_/-]*',
  '(?:nvapi-|jina_|tgp_v1_|tvly-|bedrock-api-key-|VF\\.DM\\.)[A-Za-z0-9_.-]{16,}',
  'bce-v3/[A-Za-z0-9_/-]{16,}',
  'AIza[A-Za-z0-9_-]{20,}',
  'AQ(?:\\.|VN)[A-Za-z0-9_-]{20,}',
  'ya29\\.[A-Za-z0-9_-]{10,}',
  '(?:AKIA|ASIA)[A-Z0-9]{12,}',
  'AKID[A-Za-z0-9]{20,}',
  'ABSK[A-Za-z0-9+/]{40,}={0,2}',
  'dapi[0-9a-f]{32}(?:-[0-9]+)?',
  'LLM(?:\\||%7[Cc])[0-9]{4,20}(?:\\||%7[Cc])[A-Za-z0-9_-]{16,}',
  'ms-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}',
  // letters that begin words too: only before a long run that holds a digit
  '(?:fw|rc|pa|nk|up|nv|syn|tsk|msy|flp|cpk|vck|app|dataset|inf|key|SG|v1)[_-](?=[A-Za-z]{0,64}[0-9])[A-Za-z0-9]{24,}',
];
const KEY = pattern(START, `(?:${CLEAR.join('|')})`);
/** Keys of two parts without a prefix: `id.secret`, `id:secret`, DeepL's `:fx`. */
const TWO_PARTS = pattern(
  START,
  '(?:[0-9a-f]{32}\\.[A-Za-z0-9]{16}(?![A-Za-z0-9])|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?::|%3[Aa])(?:fx\\b|[0-9a-f]{32}))',
);
/** What every form of KEY begins with. */
const PREFIXED =
  /sk[-_]|c2st|xai-|hf_|api_org_|r8_|pplx-|esecret_|glpat-|jina_|tgp_v1_|bce-v3|luma-|pat_|dop_v1_|gh[opsu]_|nvapi-|tvly-|bedrock-api|VF\.|AIza|AQ[.V]|ya29|A[KS]IA|AKID|ABSK|dapi|LLM[|%]|ms-|(?:fw|rc|pa|nk|up|nv|syn|msy|flp|cpk|vck|app|dataset|inf|key|SG|v1)[_-][A-Za-z0-9]{8}/;

const GAP = String.raw`(?:\s|;|\+|%20){1,8}`;
const VALUE = '[A-Za-z0-9._~+/=:%-]';
const SCHEME = anyCase(String.raw`\b((?:Bearer|DeepL-Auth-Key)${GAP})${VALUE}{8,}`);
// words of plain English too: only what holds a digit is taken for a key, and not a token's name, kid:jti
const LOOSE_SCHEME = anyCase(
  String.raw`\b((?:Basic|Token|Key|Api-Key)${GAP})(?=[A-Za-z._~+/=:-]{0,256}\d)(?!${PART}{4,32}:${PART}{8}(?!${VALUE}))${VALUE}{8,}`,
);
const SUBPROTOCOL = anyCase(
  String.raw`\b((?:openai-insecure-api-key|ai-gateway-auth|xai-client-secret|api-subscription-key)\.)[A-Za-z0-9._~:/+=|-]{8,}`,
);
const NAMES = [
  'api[-_]?key',
  'apikey',
  'x-key',
  'x-gladia-key',
  'subscription-key',
  'access[-_]?token',
  'refresh[-_]?token',
  'auth[-_]?token',
  'access[-_]?key',
  'private[-_]?key',
  'secret[-_]?key',
  'authorization',
  'credential',
  'aes_key',
  'aes_iv_seed',
  'secret',
  'password',
  'passwd',
  'pwd',
];
const QUOTE = String.raw`(?:\\{0,3}["']|%22)?`;
// `name=value`, `"name": "value"`, `'name', 'value'`, escaped or percent-encoded
const NAMED = anyCase(
  `((?:${NAMES.join('|')})${QUOTE}`,
  String.raw`\s{0,8}(?:[=:]|%3[AD]|(?<=["']),)\s{0,8}${QUOTE})`,
  String.raw`(?!\[|(?:Bearer|Basic|Token|Key|Api-Key|DeepL-Auth-Key)\b|null\b|true\b|false\b|undefined\b)[^\s"'&,;\\}%]{4,}`,
);
const QUERY = anyCase(
  String.raw`((?:[?&;]|%3[Ff]|%26)(?:key|token|code|sig|signature|jwt|appid|auth)(?:=|%3[Dd]))(?!\[)[^\s"'&;#\\%]{8,}`,
);
const URL_PASSWORD = anyCase(
  String.raw`(\b[a-z][a-z0-9+.-]{0,20}:\/\/[^\s/:@]{0,256}:)(?!\[)[^\s/@]{1,512}(@)`,
);
const JWK_MEMBER = pattern(String.raw`("(?:k|d)\\{0,3}"\s{0,8}:\s{0,8}\\{0,3}")${PART}{20,}`);
const PRIVATE_KEY = pattern(
  String.raw`(-----BEGIN (?:[A-Z]{2,16} ){0,2}PRIVATE KEY-----)[A-Za-z0-9+/=\\\s]{16,}`,
);

/** Every form, in the order in which they are looked for: what an earlier one took is not looked at again. */
export const SECRET_FORMATS: readonly SecretFormat[] = [
  { kind: 'token', pattern: TOKEN, trait: 'dotted' },
  { kind: 'token, cut off', pattern: TOKEN_START, trait: 'any' },
  { kind: 'token, cut off', pattern: TOKEN_END, trait: 'dotted' },
  { kind: 'private key', pattern: PRIVATE_KEY, trait: 'any' },
  { kind: 'key of a .rai file', pattern: JWK_MEMBER, trait: 'any' },
  { kind: 'password in a URL', pattern: URL_PASSWORD, trait: 'addressed' },
  { kind: 'credential', pattern: SCHEME, trait: 'any' },
  { kind: 'credential', pattern: LOOSE_SCHEME, trait: 'any' },
  { kind: 'credential', pattern: SUBPROTOCOL, trait: 'any' },
  { kind: 'named secret', pattern: NAMED, trait: 'any' },
  { kind: 'named secret', pattern: QUERY, trait: 'any' },
  { kind: 'provider key', pattern: TWO_PARTS, trait: 'joined' },
  { kind: 'provider key', pattern: KEY, trait: 'prefixed' },
];

const LONG_RUN = 16;
const IN_RUN = new Uint8Array(128);
for (const character of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-')
  IN_RUN[character.charCodeAt(0)] = 1;

/** A quick look at a text. */
export function traitsOf(text: string): Traits {
  let dotted = false;
  let joined = false;
  let run = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 128 && IN_RUN[code] === 1) {
      run += 1;
      continue;
    }
    // `.`, and `%`, which may begin an encoded dot or colon
    if (run >= LONG_RUN && (code === 0x2e || code === 0x25)) dotted = true;
    if (run >= LONG_RUN && code === 0x3a) joined = true;
    run = 0;
  }
  return {
    dotted,
    joined: joined || dotted,
    prefixed: PREFIXED.test(text),
    addressed: text.includes('@') && text.includes('://'),
    any: true,
  };
}

/** Where something stands that looks like a secret, in UTF-16 units. */
export interface SecretSpan {
  readonly kind: string;
  readonly start: number;
  readonly end: number;
}

/** Everything in a text that looks like a secret, by place. */
export function findSecrets(text: string): SecretSpan[] {
  const spans: SecretSpan[] = [];
  const traits = traitsOf(text);
  let rest = text;
  for (const { kind, pattern: form, trait } of SECRET_FORMATS) {
    if (!traits[trait]) continue;
    const before = spans.length;
    for (const match of rest.matchAll(form)) {
      const start = match.index + (match[1]?.length ?? 0);
      spans.push({ kind, start, end: match.index + match[0].length - (match[2]?.length ?? 0) });
    }
    rest = hide(rest, spans.slice(before));
  }
  return spans.sort((a, b) => a.start - b.start);
}

/** What was found is hidden from the forms that follow, and every place keeps its number. */
function hide(text: string, spans: readonly SecretSpan[]): string {
  let hidden = '';
  let from = 0;
  for (const { start, end } of spans) {
    hidden += text.slice(from, start) + '['.repeat(end - start);
    from = end;
  }
  return from === 0 ? text : hidden + text.slice(from);
}
