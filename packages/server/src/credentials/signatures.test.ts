/** Signatures against what the vendors publish, and against what their own SDKs make of the same requests. */
import { createVerify, generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Secret } from 'relayapi-token';
import { describe, expect, it } from 'vitest';
import type { SignedAuth } from '../providers/provider.ts';
import type { MadeCredential } from './credential.ts';
import { createCredentialMaker } from './maker.ts';
import type { Signing } from './signing.ts';
import { signAwsLines } from './sigv4.ts';

const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../test/fixtures/signatures/${name}`, import.meta.url), 'utf8'));
const encoder = new TextEncoder();

function linesOf(made: MadeCredential | { fault: string }): Record<string, string> {
  if ('fault' in made) throw new Error(made.fault);
  return Object.fromEntries(made.headers.map(([name, value]) => [name, value.reveal()]));
}

interface Sent {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
}

function toSign({ method, url, headers, body = '' }: Sent): Signing['request'] {
  const [, origin = '', path = ''] = /^(https:\/\/[^/]+)(.*)$/.exec(url) ?? [];
  return { method, origin, path, headers: Object.entries(headers).flat(), body: encoder.encode(body) };
}

const secrets = (parts: Record<string, string>) =>
  Object.fromEntries(Object.entries(parts).map(([name, text]) => [name, new Secret(text)]));

/** Signs at a moment; nothing is fetched for it. */
async function sign(
  scheme: Omit<SignedAuth, 'kind'>,
  parts: Record<string, string>,
  sent: Sent,
  nowMs: number,
): Promise<Record<string, string>> {
  const maker = createCredentialMaker({ nowMs: () => nowMs, monotonicMs: () => 0 });
  const ingredients = { scheme: { kind: 'signed', ...scheme } as const, parts: secrets(parts), vars: {} };
  const noFetch = () => Promise.reject(new Error('nothing to fetch'));
  return linesOf(await maker.make(ingredients, toSign(sent), noFetch));
}

/** One case of AWS's suite. */
interface Vector {
  readonly name: string;
  readonly context: {
    readonly credentials: Record<string, string> & { token?: string };
    readonly region: string;
    readonly service: string;
    readonly sign_body: boolean;
    readonly timestamp: string;
    readonly normalize: boolean;
    readonly omit_session_token?: boolean;
  };
  readonly request: string;
  readonly signature: string;
}

/**
 * What a request of this relay cannot be: a header line twice or folded, a path that is not normal (routing refuses it), a target that is not
 * ASCII (Node's parser refuses it; the rest is escaped), a session token that is added only after signing.
 */
const CANNOT_BE =
  /^get-header-(?:key-duplicate|value-order|value-multiline)$|-unnormalized$|^get-(?:space-normalized|utf8|vanilla-utf8-query)$|^post-sts-header-after$/;

describe('AWS Signature Version 4 equals the published signature', () => {
  const vectors = read('aws-vectors.json') as Vector[];
  const possible = vectors.filter(({ name }) => !CANNOT_BE.test(name));

  it('of nearly all cases', () => {
    expect([vectors.length, possible.length]).toEqual([38, 24]);
  });

  it.each(possible.map((vector) => [vector.name, vector] as const))('%s', async (_, vector) => {
    const { context } = vector;
    const [head = '', body = ''] = vector.request.split('\n\n');
    const [line = '', ...fields] = head.trimEnd().split('\n');
    const [method = '', target = ''] = line.split(' ');
    const headers = fields.map((field) => [
      field.slice(0, field.indexOf(':')).toLowerCase(),
      field.slice(field.indexOf(':') + 1),
    ]);
    const own = Object.fromEntries(headers.filter(([name]) => name !== 'host'));
    const request = toSign({ method, url: `https://example.amazonaws.com${target}`, headers: own, body });
    const { access_key_id, secret_access_key, token } = context.credentials;
    const digest = '9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e';
    const made = await signAwsLines(
      {
        scheme: {
          kind: 'signed',
          by: 'aws-sigv4',
          service: context.service,
          region: context.region,
        },
        parts: secrets({
          access_key_id: access_key_id as string,
          secret_access_key: secret_access_key as string,
          ...(token && { session_token: token }),
        }),
        vars: {},
        request,
        nowMs: Date.parse(context.timestamp),
      },
      context.sign_body ? ['x-amz-content-sha256', digest] : [],
    );
    expect(linesOf(made)['authorization']).toContain(`Signature=${vector.signature}`);
  });
});

interface Reference extends Sent {
  readonly name: string;
  readonly by: 'aws-sigv4' | 'volcengine' | 'tencent-tc3';
  readonly service: string;
  readonly region: string;
  readonly session: string | null;
  readonly authorization: string;
}

describe('a request is signed as the vendor’s own SDK signs it', () => {
  const { seconds, identity, shared, rows } = read('references.json') as {
    seconds: number;
    identity: string;
    shared: string;
    rows: Reference[];
  };

  it.each(rows.map((row) => [row.by, row.name, row] as const))('%s: %s', async (by, _, row) => {
    const parts =
      by === 'tencent-tc3'
        ? { secret_id: identity, secret_key: shared }
        : {
            access_key_id: identity,
            secret_access_key: shared,
            ...(row.session && { session_token: row.session }),
          };
    const { service, region } = row;
    const lines = await sign({ by, service, region }, parts, row, seconds * 1000);
    expect(lines['authorization']).toBe(row.authorization);
    if (row.session) expect(lines['x-amz-security-token']).toBe(row.session);
  });
});

describe('TC3', () => {
  const scheme = { by: 'tencent-tc3', service: 'cvm', region: '' } as const;
  const stars = '*'.repeat(32);
  const parts = { secret_id: `AKID${stars}`, secret_key: stars };
  const sent: Sent = {
    method: 'POST',
    url: 'https://cvm.tencentcloudapi.com/',
    headers: { 'content-type': 'application/json; charset=utf-8', 'x-tc-action': 'DescribeInstances' },
    body: '{"Limit": 1, "Filters": [{"Values": ["\\u672a\\u547d\\u540d"], "Name": "instance-name"}]}',
  };

  it('equals the example of Tencent’s document', async () => {
    const lines = await sign(scheme, parts, sent, 1_551_113_065_000);
    expect(lines).toEqual({
      authorization: `TC3-HMAC-SHA256 Credential=AKID${stars}/2019-02-25/cvm/tc3_request, SignedHeaders=content-type;host;x-tc-action, Signature=10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f`,
      'content-type': 'application/json; charset=utf-8',
      'x-tc-timestamp': '1551113065',
    });
  });

  it('leaves the query out of a POST, and sends the type in the letters that it signs', async () => {
    const first = await sign(scheme, parts, sent, 1_551_113_065_000);
    const headers = { ...sent.headers, 'content-type': 'Application/JSON; charset=UTF-8' };
    const other = { ...sent, url: `${sent.url}?a=1`, headers };
    expect(await sign(scheme, parts, other, 1_551_113_065_000)).toEqual(first);
    const form = { ...sent, headers: { 'content-type': 'multipart/form-data; boundary=aBc' } };
    expect((await sign(scheme, parts, form, 0))['content-type']).toBe('multipart/form-data; boundary=aBc');
    expect((await sign(scheme, parts, { ...sent, headers: {} }, 0))['content-type']).toBe('application/json');
    const get = { ...sent, method: 'GET', body: '' };
    const [plain, asked] = await Promise.all(
      ['', '?a=1'].map((query) => sign(scheme, parts, { ...get, url: `${sent.url}${query}` }, 0)),
    );
    expect(plain?.['authorization']).not.toBe(asked?.['authorization']);
  });
});

describe('OCI', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  const bare = pem.replace(/-----[^-]+-----|\n/g, '');
  const scheme = { by: 'oci', service: '', region: '' } as const;
  const parts = (text: string) => ({
    tenancy: 'ocid1.t',
    user: 'ocid1.u',
    fingerprint: 'aa:bb',
    private_key: text,
  });
  const now = Date.parse('2026-11-29T12:00:00Z');

  /** draft-cavage-http-signatures-08 §2.3 read from the other side: the text is put together from what was sent, in the order that the line names. */
  function isValid(sent: Sent, lines: Record<string, string>): boolean {
    const fields = Object.fromEntries(
      [...(lines['authorization'] ?? '').matchAll(/(\w+)="([^"]*)"/g)].map((match) => [match[1], match[2]]),
    );
    const { pathname, search, host } = new URL(sent.url);
    const wire: Record<string, string> = {
      ...sent.headers,
      ...lines,
      host,
      '(request-target)': `${sent.method.toLowerCase()} ${pathname}${search}`,
      'content-length': String(encoder.encode(sent.body ?? '').length),
    };
    const text = (fields['headers'] ?? '').split(' ').map((name: string) => `${name}: ${wire[name]}`);
    expect(fields['keyId']).toBe('ocid1.t/ocid1.u/aa:bb');
    expect([fields['version'], fields['algorithm']]).toEqual(['1', 'rsa-sha256']);
    return createVerify('RSA-SHA256')
      .update(text.join('\n'))
      .verify(publicKey, fields['signature'] ?? '', 'base64');
  }

  const url =
    'https://inference.generativeai.eu-frankfurt-1.oci.oraclecloud.com/20231130/actions/chat?a=%2F1';
  it.each([
    ['PEM', pem],
    ['PEM with written line breaks', pem.replaceAll('\n', '\\n')],
    ['bare base64', bare],
  ])('is valid for what is sent, the key being %s', async (_, text) => {
    const sent = { method: 'POST', url, headers: { 'content-type': 'application/json' }, body: '{"ä":1}' };
    const lines = await sign(scheme, parts(text), sent, now);
    expect(isValid(sent, lines)).toBe(true);
    expect(lines['authorization']).toContain(
      'headers="x-date (request-target) host content-length content-type x-content-sha256"',
    );
    expect(lines['x-date']).toBe('Sun, 29 Nov 2026 12:00:00 GMT');
    expect(isValid({ ...sent, url: `${url}2` }, lines)).toBe(false);
    expect(isValid({ ...sent, headers: {}, body: '{"ä":11}' }, lines)).toBe(false);
  });

  it('covers date, target and host alone without a body, and calls a body without a type JSON', async () => {
    const get = { method: 'GET', url, headers: {} };
    const lines = await sign(scheme, parts(bare), get, now);
    expect(isValid(get, lines)).toBe(true);
    expect(lines['authorization']).toContain('headers="x-date (request-target) host"');
    expect(Object.keys(lines)).toEqual(['authorization', 'x-date']);
    const post = { method: 'POST', url, headers: {} };
    const posted = await sign(scheme, parts(bare), post, now);
    expect(isValid(post, posted)).toBe(true);
    expect(posted['content-type']).toBe('application/json');
  });

  it.each(['no key', bare.slice(0, 400), `-----BEGIN RSA PRIVATE KEY-----${bare}`])(
    'is none where the parts hold no such key',
    async (text) => {
      const get = { method: 'GET', url, headers: {} };
      await expect(sign(scheme, parts(text), get, now)).rejects.toThrow('unusable');
    },
  );
});

it('a part that cannot stand in a line signs nothing, and is told by nobody', async () => {
  const maker = createCredentialMaker({ nowMs: () => 0, monotonicMs: () => 0 });
  const scheme = { kind: 'signed', by: 'aws-sigv4', service: 's3', region: 'us-east-1' } as const;
  const request = toSign({ method: 'POST', url: 'https://example.com/', headers: {} });
  const noFetch = () => Promise.reject(new Error('nothing to fetch'));
  for (const bad of ['demo\ntoken', 'demo\0', 'dem\u00f6']) {
    const parts = secrets({ access_key_id: 'demo-id', secret_access_key: 'demo-secret', session_token: bad });
    const made = await maker.make({ scheme, parts, vars: {} }, request, noFetch);
    expect(made).toMatchObject({ fault: 'unusable' });
    expect(JSON.stringify(made)).not.toContain('dem');
  }
});
