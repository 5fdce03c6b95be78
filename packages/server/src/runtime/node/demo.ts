/**
 * Demo mode: the built-in provider in this process, and URLs for it. Mints for provider `demo` and nothing else;
 * uses the loaded shared key file where there is one, else a key that lives and dies with the process.
 */
import {
  type AesSharedFile,
  createRai,
  encodeBase64Url,
  joinRelayUrl,
  MintError,
  parseRai,
  randomBytes,
  Secret,
  sealToken,
} from 'relayapi-token';
import type { MintedUrl } from '../../http/app.ts';
import type { TryChoice } from '../../http/try-choice.ts';
import type { LoadedRai } from './rai-files.ts';

/** Not a key: the demo provider takes any. It shows in no answer. */
const DEMO_KEY = new Secret('sk-demo-not-a-key');

/** Mints URLs of demo mode. */
export interface DemoMint {
  /** The key files to load: those of the operator, and the process's own if it takes one. */
  withKeys(files: readonly LoadedRai[]): readonly LoadedRai[];
  /** A URL below `relayUrl` (with its base path). */
  mint(choice: TryChoice, relayUrl: string, pageOrigin: string): MintedUrl;
}

/** Makes the mint. `nowMs` gives wall time. */
export function createDemoMint(nowMs: () => number): DemoMint {
  let own: AesSharedFile | null = null;
  let inUse: AesSharedFile | null = null;

  function seal(file: AesSharedFile, choice: TryChoice, pageOrigin: string): { token: string; exp: number } {
    const iat = Math.floor(nowMs() / 1000);
    const exp = iat + choice.seconds;
    const token = sealToken(file, {
      iss: file.iss,
      aud: file.aud,
      jti: encodeBase64Url(randomBytes(16)),
      iat,
      exp,
      sub: 'demo',
      upstream: { provider: 'demo', key: DEMO_KEY },
      limits: {
        calls: choice.calls,
        ...(choice.perMinute !== null && { rate: [choice.perMinute, 60] as const }),
      },
      ...(choice.model !== null && { models: [choice.model] }),
      ...(choice.origin === 'page' && { origins: [pageOrigin] }),
    });
    return { token, exp };
  }

  function canMint(file: AesSharedFile): boolean {
    try {
      seal(
        file,
        { calls: 1000, seconds: 3600, perMinute: 1, model: 'demo-chat', origin: 'page' },
        'http://127.0.0.1',
      );
      return true;
    } catch (error) {
      if (error instanceof MintError) return false;
      throw error;
    }
  }

  function ownFile(): AesSharedFile {
    own ??= parseRai(
      createRai({
        method: 'aes',
        relay: 'http://127.0.0.1:8840/relayapi/',
        iss: `demo-${encodeBase64Url(randomBytes(6))}`,
        aud: 'demo',
        role: 'shared',
        allow: { providers: ['demo'], max_ttl_seconds: 3600 },
      }).shared,
    ) as AesSharedFile;
    return own;
  }

  return {
    withKeys(files) {
      const shared = files.map(({ file }) => file).find((file) => file.role === 'shared' && canMint(file));
      inUse = shared?.role === 'shared' ? shared : ownFile();
      return inUse === own ? [...files, { name: 'demo mode', file: inUse }] : files;
    },
    mint(choice, relayUrl, pageOrigin) {
      const { token, exp } = seal(inUse ?? ownFile(), choice, pageOrigin);
      return { url: joinRelayUrl(relayUrl, token), expires: exp };
    },
  };
}
