/**
 * The golden vectors, read as any other SDK would read them: from the JSON files alone.
 */
import { readFileSync } from 'node:fs';
import {
  type Claims,
  CORE_FEATURES,
  createKeyring,
  judgeToken,
  type Keyring,
  type OpenedToken,
  openToken,
  parseRai,
  Secret,
  type TokenDenial,
  type TokenFeatures,
} from 'relayapi-token';

/** One case of open.json. */
export interface OpenCase {
  name: string;
  spec: string;
  now: number;
  token: string;
  result: string;
  claim?: string;
  supported?: (keyof TokenFeatures)[];
  claims_text?: string;
  mint?: string | null;
  kid?: string;
  signer_kid?: string;
}

/** One case of rai.json. */
export interface RaiCase {
  name: string;
  text: string;
  result: 'loaded' | 'refused';
  role?: string;
  method?: string;
  version?: number;
  kids?: string[];
  iss?: string;
  aud?: string;
  relay?: string;
  paths?: string[];
}

/** A vector file, parsed. */
export function readVectors<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../vectors/${name}`, import.meta.url), 'utf8')) as T;
}

/** keyring.json. */
export const keyringFile = readVectors<{
  now: number;
  files: { name: string; file: object }[];
  issuers: Record<string, object>;
}>('keyring.json');

/** The moment most vectors are judged at. */
export const NOW = keyringFile.now;

/** All cases of open.json. */
export const openCases = readVectors<{ cases: OpenCase[] }>('open.json').cases;

/** The keyring of the vectors. */
export async function loadKeyring(): Promise<Keyring> {
  const files = keyringFile.files.map(({ name, file }) => ({ name, file: parseRai(file) }));
  const { keyring, rejected } = await createKeyring(files, { generation: 1 });
  if (rejected.length > 0)
    throw new Error(`the vectors' own key files were rejected: ${JSON.stringify(rejected)}`);
  return keyring;
}

/** The whole of §4: what is opened, or the refusal. */
export async function answer(
  token: string,
  keyring: Keyring,
  options: { now: number; supported?: readonly (keyof TokenFeatures)[] },
): Promise<{ opened: OpenedToken } | { denial: TokenDenial }> {
  const supported = { ...CORE_FEATURES };
  for (const feature of options.supported ?? []) supported[feature] = true;
  const opened = await openToken(token, keyring, { now: options.now });
  if (opened === null) return { denial: { code: 'token_invalid' } };
  const denial = judgeToken(opened, keyring, { now: options.now, supported });
  return denial === null ? { opened } : { denial };
}

/** Claims as plain JSON, keys in clear. */
export function toPlain(claims: Claims): unknown {
  const reveal = (value: unknown): unknown => {
    if (value instanceof Secret) return value.reveal();
    if (Array.isArray(value)) return value.map(reveal);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, reveal(inner)]));
  };
  return reveal(claims);
}

/** What the claims of a token are expected to open as: `upstream` a list, `limits` always there. */
export function expectedClaims(text: string): unknown {
  const value = JSON.parse(text) as Record<string, unknown>;
  return { limits: {}, ...value, upstream: [value.upstream].flat() };
}
