/**
 * The second wall around secrets (behaviour spec §9): masks what looks like a token or a key in texts that go to a log.
 * The first wall is the `Secret` type; this one catches what came in by another way, such as a library's error text.
 */

const MASK = '[redacted]';
const TOKEN_MASK = '[token]';

// every pattern either starts at a boundary or has bounded repeats, so that hostile texts cost no more than plain ones

// five base64url parts, ek_ in front or not; dots may be percent-encoded
const TOKEN = /(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{16,}(?:(?:\.|%2[Ee])[A-Za-z0-9_-]+){4}/g;
// a JWT-like start is masked even when cut off
const TOKEN_START = /(?<![A-Za-z0-9])eyJ[A-Za-z0-9_-]{16,}(?:(?:\.|%2[Ee])[A-Za-z0-9_-]*)*/g;
// common key prefixes of providers, followed by enough to be a key
const KEY_PREFIX =
  /\b(?:sk|gsk|xai|hf|r8|pplx|nvapi|tvly|ghp|gho|glpat|esecret|csk)[-_][A-Za-z0-9_-]{8,}(?:[.:][A-Za-z0-9_-]+)*|\bAIza[A-Za-z0-9_-]{20,}|\bAKIA[A-Z0-9]{12,}|\bya29\.[A-Za-z0-9_-]{10,}/g;
const DEEPL = /\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}:fx\b/gi;
const SCHEME = /\b((?:Bearer|DeepL-Auth-Key)\s{1,8})[A-Za-z0-9._~+/=:-]{8,}/gi;
// these are words of plain English too: only what holds a digit is taken for a key
const LOOSE_SCHEME =
  /\b((?:Basic|Token|Key|Api-Key)\s{1,8})(?=[A-Za-z._~+/=:-]{0,256}\d)[A-Za-z0-9._~+/=:-]{8,}/gi;
const NAMED =
  /((?:api[-_]?key|x-goog-api-key|access[-_]?token|authorization|aes_key|aes_iv_seed|secret|password|passwd|pwd)\\?["']?\s{0,8}[=:]\s{0,8}\\?["']?)(?!\[|(?:Bearer|Basic|Token|Key|Api-Key|DeepL-Auth-Key)\b)[^\s"'&,;\\}]{4,}/gi;
const URL_PASSWORD = /(\b[a-z][a-z0-9+.-]{0,20}:\/\/[^\s/:@]{0,256}:)[^\s/@]{1,512}@/gi;
const JWK_MEMBER = /("(?:k|d)\\?"\s{0,8}:\s{0,8}\\?")[A-Za-z0-9_-]{20,}/g;

/** A text with everything that looks like a token or a key masked. Idempotent. */
export function redact(text: string): string {
  return text
    .replace(TOKEN, TOKEN_MASK)
    .replace(TOKEN_START, TOKEN_MASK)
    .replace(JWK_MEMBER, `$1${MASK}`)
    .replace(URL_PASSWORD, `$1${MASK}@`)
    .replace(SCHEME, `$1${MASK}`)
    .replace(LOOSE_SCHEME, `$1${MASK}`)
    .replace(NAMED, `$1${MASK}`)
    .replace(DEEPL, MASK)
    .replace(KEY_PREFIX, MASK);
}

/** Longest path segment that is logged as it is; longer ones may be tokens, whole or cut. */
const MAX_SEGMENT = 64;

/** A raw request target for the log: the path with its token masked, no query, at most 256 characters. */
export function maskTarget(rawTarget: string): string {
  const path = rawTarget.split(/[?#]/, 1)[0] ?? '';
  const masked = path
    .split('/')
    .map((segment) => (segment.length > MAX_SEGMENT ? TOKEN_MASK : redact(segment)))
    .join('/');
  return printable(masked).slice(0, 256);
}

/** A text of the caller's made safe for one log line: control characters and the like become `?`. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, '?');
}
