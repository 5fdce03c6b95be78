/**
 * `relayapi init`: fresh key files, a pair for backend and relay or one shared file. Nothing that exists is touched.
 */
import { join } from 'node:path';
import { RelayAPIClient } from 'relayapi-sdk';
import { createRai, RaiError } from 'relayapi-token';
import { createKeyFiles, type NewFile } from './key-files.ts';
import { type Done, done, type Outcome, type Refused, refuse, refuseRai } from './outcome.ts';

/** What the new files say. */
export interface InitOptions {
  readonly method: 'aes' | 'ecc';
  /** URL of the relay, or `host` or `host:port` of it. */
  readonly host: string;
  /** Folder for the files; made if absent. */
  readonly out: string;
  /** One file for both sides instead of a pair. */
  readonly shared: boolean;
  /** Name of the issuer. */
  readonly iss?: string | undefined;
  /** Id of the relay; default its host. */
  readonly aud?: string | undefined;
  /** The relay's `allow`, as it stands in the file. */
  readonly allow: Readonly<Record<string, unknown>>;
}

const BASE_PATH = '/relayapi/';

/** The relay's URL from what a person writes: a URL, or a host with or without a port; null when it is neither. */
export function relayUrlOf(host: string): string | null {
  const local = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i.test(host);
  const text = /^https?:\/\//i.test(host) ? host : `${local ? 'http' : 'https'}://${host}`;
  if (!URL.canParse(text) || /[\s?#@]/.test(text)) return null;
  const url = new URL(text);
  return url.pathname === '/' ? `${url.origin}${BASE_PATH}` : url.href;
}

/** Makes the files. */
export function init(options: InitOptions): Outcome {
  const relay = relayUrlOf(options.host);
  if (relay === null) {
    return refuse('--host', 'is no address of a relay', 'write https://relay.example.com/relayapi/');
  }
  const { method, iss, aud, shared } = options;
  const wanted = {
    method,
    relay,
    ...(iss !== undefined && { iss }),
    ...(aud !== undefined && { aud }),
    ...(Object.keys(options.allow).length > 0 && { allow: options.allow }),
  };
  try {
    if (!shared) return writePair(createRai({ ...wanted, role: 'pair' }), options.out, method);
    const { shared: content } = createRai({ ...wanted, role: 'shared' });
    const path = join(options.out, 'default.rai');
    const refusal = tryMint(content) ?? createKeyFiles([{ path, content }]);
    return refusal ?? done({ method, relay, files: { shared: path } }, `${path}\n`, sharedNotes(path));
  } catch (error) {
    return refuseRai('relayapi init', error);
  }
}

function sharedNotes(path: string): string[] {
  return [
    `${path} serves both sides: the backend mints with it, and a relay on this machine reads with it.`,
    `  relayapi-server -rai ${path}`,
    'For a relay that others reach, make a pair instead (leave --shared out).',
  ];
}

/** Writes the two files of a pair into a folder and says where each belongs. */
export function writePair(
  pair: { issuer: object; relay: object },
  out: string,
  method: 'aes' | 'ecc',
): Done | Refused {
  const files: [NewFile, NewFile] = [
    { path: join(out, 'issuer.rai'), content: pair.issuer },
    { path: join(out, 'relay.rai'), content: pair.relay },
  ];
  const [{ path: issuer }, { path: relay }] = files;
  const refusal = tryMint(pair.issuer) ?? createKeyFiles(files);
  if (refusal !== null) return refusal;
  const reach =
    method === 'aes'
      ? 'Both files hold the same key: whoever has either can mint and read. Send them over a safe channel.'
      : 'The first can mint and not read, the second can read and not mint: neither stands in for the other.';
  return done({ method, files: { issuer, relay } }, `${issuer}\n${relay}\n`, [
    `${issuer} belongs to the backend that mints: new RelayAPIClient('issuer.rai'), or relayapi url --rai ${issuer}`,
    `${relay} belongs to the relay: relayapi-server -rai ${relay}`,
    'Copy each to its machine with mode 0600 and delete the copy here; never commit them.',
    reach,
  ]);
}

/** A file that could never mint, for an http address that is not this machine's, is not written. */
function tryMint(content: object): Refused | null {
  try {
    new RelayAPIClient(content).generateToken({ apiKey: 'trial', expireSeconds: 1, maxCalls: 0 });
    return null;
  } catch (error) {
    if (error instanceof RaiError || !(error instanceof TypeError)) throw error;
    const [field, ...reason] = error.message.split(': ');
    // claims that the new file demands are for real tokens to bring
    if (field !== 'relay') return null;
    return refuse('--host', reason.join(': '), 'give the https address of the relay');
  }
}
