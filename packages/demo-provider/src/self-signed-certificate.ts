/**
 * Makes a self-signed certificate (RFC 5280, ECDSA P-256) in memory, so that tests over https need neither openssl
 * nor a key in the repository. For tests on loopback only: nothing here is fit to be trusted by anybody else.
 */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';

/** PEM key and certificate; give `cert` as `ca` to a client that shall trust it. */
export interface SelfSignedCertificate {
  readonly key: string;
  readonly cert: string;
}

const OID_COMMON_NAME = Buffer.from('0603550403', 'hex');
const OID_ALT_NAME = Buffer.from('0603551d11', 'hex');
const OID_BASIC_CONSTRAINTS = Buffer.from('0603551d13', 'hex');
const ECDSA_WITH_SHA256 = Buffer.from('300a06082a8648ce3d040302', 'hex');
const DAY_MS = 86_400_000;
const realNow = Date.now.bind(Date);

/** Makes a certificate for these names and addresses (default `localhost`, `127.0.0.1`, `::1`), valid for a month. */
export function createSelfSignedCertificate(
  hosts: readonly string[] = ['localhost', '127.0.0.1', '::1'],
): SelfSignedCertificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = der(0x30, der(0x31, der(0x30, OID_COMMON_NAME, der(0x0c, Buffer.from('demo provider')))));
  const basicConstraints = der(0x30, OID_BASIC_CONSTRAINTS, der(0x04, der(0x30, der(0x01, Buffer.of(0xff)))));
  const altNames = der(0x30, OID_ALT_NAME, der(0x04, der(0x30, ...hosts.map(altName))));
  // The top two bits are fixed so that the serial number is positive and minimal (§4.1.2.2).
  const serial = randomBytes(16);
  serial[0] = ((serial[0] as number) & 0x3f) | 0x40;
  const body = der(
    0x30,
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, serial),
    ECDSA_WITH_SHA256,
    name,
    der(0x30, utcTime(realNow() - DAY_MS), utcTime(realNow() + 30 * DAY_MS)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, der(0x30, basicConstraints, altNames)),
  );
  const signature = der(0x03, Buffer.of(0), sign('sha256', body, privateKey));
  const lines = der(0x30, body, ECDSA_WITH_SHA256, signature)
    .toString('base64')
    .match(/.{1,64}/g) as string[];
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
  };
}

function der(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const head =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...head), content]);
}

function utcTime(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/\D/g, '').slice(2, 14);
  return der(0x17, Buffer.from(`${digits}Z`));
}

function altName(host: string): Buffer {
  const family = isIP(host);
  if (family === 0) return der(0x82, Buffer.from(host));
  return der(0x87, family === 4 ? Buffer.from(host.split('.').map(Number)) : ipv6Bytes(host));
}

function ipv6Bytes(address: string): Buffer {
  const [left = '', right] = address.split('::');
  const groups = (side: string): string[] => (side === '' ? [] : side.split(':'));
  const missing = 8 - groups(left).length - groups(right ?? '').length;
  const all = [...groups(left), ...Array<string>(missing).fill('0'), ...groups(right ?? '')];
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
}
