/** Credentials and variables that fit an entry of the registry, all of them made up. */
import { generateKeyPairSync } from 'node:crypto';
import { Secret, type UpstreamClaim } from 'relayapi-token';
import type { Provider } from '../../src/providers/provider.ts';

/** Obviously made-up parts that fit the entry's first form: `sk-demo-<field>`. A part that must be a real key (PEM) has to be given. */
export function demoCredential(entry: Provider): Readonly<Record<string, string>> {
  if (entry.auth.kind === 'none') return {};
  return Object.fromEntries(entry.credentialFields.map((field) => [field, `sk-demo-${field}`]));
}

let privateKey: string | null = null;

/** The same with a key that can sign where one has to, as a token carries it: without PEM's lines, which hold line breaks. */
export function usableCredential(entry: Provider): Record<string, string> {
  const parts = { ...demoCredential(entry) };
  if (parts['private_key'] === undefined) return parts;
  privateKey ??= generateKeyPairSync('rsa', { modulusLength: 2048 })
    .privateKey.export({ type: 'pkcs8', format: 'der' })
    .toString('base64');
  return { ...parts, private_key: privateKey };
}

// one of each usual kind: a name, a region, a short region, a host, a hex id, a UUID, a number
const SAMPLES = [
  'demo',
  'demo-1',
  'us-east-1',
  'eu',
  'us',
  'eu10',
  'demo.example',
  '0123456789abcdef0123456789abcdef',
  '01234567-89ab-4cde-8f01-23456789abcd',
  '1234567890',
  'dbc-0123-demo.cloud.databricks.com',
  'GIGACHAT_API_PERS',
  'DetectSentiment',
];

/** For each variable of the entry a value that its pattern takes. Throws where none of the usual samples does. */
export function sampleVars(entry: Provider): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(entry.vars).map(([name, pattern]) => {
      const anchored = new RegExp(`^(?:${pattern})$`, 'u');
      const sample = SAMPLES.find((text) => anchored.test(text));
      if (sample === undefined) throw new Error(`no sample fits {${name}} of ${entry.id}: ${pattern}`);
      return [name, sample];
    }),
  );
}

/** What a token seals for an entry: credential and variables that fit. */
export function sampleUpstream(entry: Provider): Omit<UpstreamClaim, 'provider'> {
  const parts = Object.entries(demoCredential(entry)).map(([name, value]) => [name, new Secret(value)]);
  const vars = sampleVars(entry);
  return {
    ...(parts.length > 0 && { credential: Object.fromEntries(parts) }),
    ...(Object.keys(vars).length > 0 && { vars }),
  };
}
