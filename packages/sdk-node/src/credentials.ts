/**
 * Vendors' credential objects as the parts of a token: renamed to the registry's names, PEM's armour taken off, each part a Secret at once.
 * Messages name members and where to find them, never a value.
 */
import { createPrivateKey } from 'node:crypto';
import { Secret } from 'relayapi-token';
import type { Credential } from './credential-types.ts';

/** How one vendor writes a credential. */
interface Shape {
  /** For messages, with its article. */
  readonly name: string;
  /** Part name by member. */
  readonly members: Readonly<Record<string, string>>;
  readonly optional?: readonly string[];
  /** Members that may stand beside and are left out; `any`: it is a whole document. */
  readonly beside: readonly string[] | 'any';
  /** Where to find what is missing. */
  readonly where: string;
}

const AWS: Shape = {
  name: 'an AWS credential',
  members: {
    accessKeyId: 'access_key_id',
    secretAccessKey: 'secret_access_key',
    sessionToken: 'session_token',
  },
  optional: ['sessionToken'],
  // what AWS's own credential providers return beside the keys
  beside: ['expiration', 'credentialScope', 'accountId'],
  where: 'AWS shows it once, when the access key is made (IAM, Security credentials)',
};

const GOOGLE: Shape = {
  name: 'a Google service account',
  members: { client_email: 'client_email', private_key: 'private_key' },
  beside: 'any',
  where:
    'it stands in the JSON file that Google Cloud gives for a key of the service account (IAM & Admin, Service Accounts, Keys)',
};

const TENCENT: Shape = {
  name: 'a Tencent Cloud credential',
  members: { secretId: 'secret_id', secretKey: 'secret_key' },
  beside: [],
  where: 'it stands in the console under Access Management, API Keys',
};

const KLING: Shape = {
  name: 'a Kling credential',
  members: { accessKey: 'access_key', secretKey: 'secret_key' },
  beside: [],
  where: 'it stands in the developer console under API Keys, and the secret key is shown once',
};

const CLIENT: Shape = {
  name: 'a client credential',
  members: { clientId: 'client_id', clientSecret: 'client_secret' },
  beside: [],
  where: 'the console shows both for one application; Baidu calls them API Key and Secret Key',
};

const SAP: Shape = {
  name: 'a SAP AI Core service key',
  members: { clientid: 'clientid', clientsecret: 'clientsecret' },
  beside: 'any',
  where: 'it stands in the service key of the AI Core instance (SAP BTP cockpit, Instances, Credentials)',
};

const OCI: Shape = {
  name: 'an Oracle Cloud credential',
  members: { tenancy: 'tenancy', user: 'user', fingerprint: 'fingerprint', privateKey: 'private_key' },
  beside: [],
  where: 'it stands in ~/.oci/config, and the private key in the file that key_file names there',
};

const SHAPES = [AWS, GOOGLE, TENCENT, KLING, CLIENT, SAP, OCI];
/** Members that no registry part is called: one of them tells that a vendor's object is meant. */
const TELLING = new Set([
  ...SHAPES.flatMap(({ members }) => Object.keys(members).filter((name) => members[name] !== name)),
  'client_email',
  'clientid',
]);

/** Most characters of one part (docs/spec/token.md, claims). */
const MOST_CHARACTERS = 2048;
const VAULT_FIX = 'keep it at the relay instead: "vault" in its config.json, and { vault: NAME } here';

/** A credential's parts as a token takes them. `at` stands before option names in messages. Throws a TypeError. */
export function partsOf(credential: Credential, at: string): Readonly<Record<string, Secret>> {
  const given =
    typeof credential === 'string' || credential instanceof Secret
      ? parseDocument(credential, at)
      : credential;
  if (
    typeof given !== 'object' ||
    given === null ||
    Array.isArray(given) ||
    Object.keys(given).length === 0
  ) {
    throw new TypeError(
      `${at}credential: must be an object with the parts, such as { accessKeyId, secretAccessKey }`,
    );
  }
  const shape = shapeOf(given);
  const parts = shape === null ? Object.entries(given) : renamed(given, shape, at);
  return Object.fromEntries(parts.map(([name, value]) => [name, sealable(name, value, at)]));
}

/** The text of a key file: what it says when it is none is not repeated. */
function parseDocument(text: string | Secret, at: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text instanceof Secret ? text.reveal() : text);
  } catch {
    parsed = null;
  }
  if (typeof parsed === 'object' && parsed !== null && ('client_email' in parsed || 'clientid' in parsed)) {
    return parsed as Record<string, unknown>;
  }
  throw new TypeError(
    `${at}credential: a text must be the JSON of a Google service account key or of a SAP service key; give a plain key as apiKey, other parts as an object`,
  );
}

/** The vendor's shape that most of the members belong to; null where the parts stand under the registry's names. */
function shapeOf(given: object): Shape | null {
  const names = Object.keys(given);
  if (!names.some((name) => TELLING.has(name))) return null;
  const matches = (shape: Shape) => names.filter((name) => Object.hasOwn(shape.members, name)).length;
  return SHAPES.reduce((best, shape) => (matches(shape) > matches(best) ? shape : best));
}

function renamed(given: object, shape: Shape, at: string): [part: string, value: unknown][] {
  const { name, members, optional = [], beside, where } = shape;
  const values = given as Readonly<Record<string, unknown>>;
  const stray = Object.keys(values).find(
    (member) => !Object.hasOwn(members, member) && beside !== 'any' && !beside.includes(member),
  );
  if (stray !== undefined) {
    throw new TypeError(
      `${at}credential.${plainName(stray)}: no member of ${name}, which has ${Object.keys(members).join(', ')}; region, project and the like go into vars`,
    );
  }
  return Object.entries(members).flatMap(([member, part]): [string, unknown][] => {
    const value = values[member];
    const absent = value === undefined || value === '';
    if (absent && optional.includes(member)) return [];
    if (absent) throw new TypeError(`${at}credential.${member}: is missing from ${name}; ${where}`);
    return [[part, value]];
  });
}

/** A member's name for a message; one that could be a value is not repeated. */
function plainName(name: string): string {
  return /^[A-Za-z_]{1,32}$/.test(name) ? name : '?';
}

function sealable(part: string, value: unknown, at: string): Secret {
  const text = value instanceof Secret ? value.reveal() : value;
  const bare = typeof text === 'string' && text.includes('-----BEGIN') ? withoutArmour(text, part, at) : text;
  const fault = faultOf(bare);
  if (fault !== null) throw new TypeError(`${at}credential.${plainName(part)}: ${fault}`);
  return new Secret(bare as string);
}

function faultOf(text: unknown): string | null {
  if (typeof text !== 'string') return 'must be a text or a Secret';
  if (text === '') return 'is empty; is the environment variable set?';
  if (!/^[\x21-\x7e]*$/.test(text)) {
    return 'holds a space, a line break or a character beyond ASCII; look for what was copied along with it';
  }
  if (text.length <= MOST_CHARACTERS) return null;
  const [length, most] = [text.length, MOST_CHARACTERS].map((count) => count.toLocaleString('en'));
  return `is ${length} characters long, and one part of a token holds ${most}; ${VAULT_FIX}`;
}

const PKCS8 = /^\s*-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END PRIVATE KEY-----\s*$/;

/** The base64 of a PKCS #8 key, which is what a claim can hold; the older PEM forms are rewritten first. */
function withoutArmour(pem: string, part: string, at: string): string {
  // a variable or a JSON text may hold the line breaks as two characters
  const text = pem.replaceAll('\\n', '\n');
  const body = PKCS8.exec(text)?.[1];
  if (body !== undefined) return body.replace(/\s/g, '');
  try {
    return createPrivateKey(text).export({ type: 'pkcs8', format: 'der' }).toString('base64');
  } catch {
    throw new TypeError(
      `${at}credential.${plainName(part)}: is no private key that can be read, or has a passphrase; openssl pkcs8 -topk8 -nocrypt -in FILE writes one without`,
    );
  }
}
