/** RelayAPIClient: mints sealed URLs and tokens from a `.rai` file, synchronously. It never talks to the network. */
import { joinRelayUrl, MintError, parseRai, type RaiFile } from 'relayapi-token';
import { nativeSealToken } from './native-sealer.ts';
import { claimsFromOptions, type GenerateOptions, optionForClaim } from './options.ts';
import { type ReadRaiOptions, readRaiFile } from './rai-file.ts';

type IssuingFile = Exclude<RaiFile, { role: 'relay' }>;

/**
 * Mints relay URLs. Make one per process; it holds the key file in private fields that no inspection shows.
 *
 * ```ts compile
 * import { RelayAPIClient } from 'relayapi-sdk';
 *
 * const relay = new RelayAPIClient('default.rai');
 * const baseURL = relay.generateUrl({ provider: 'openai', apiKey: 'sk-…', maxCalls: 20, expireSeconds: 600 });
 * ```
 */
export class RelayAPIClient {
  readonly #file: IssuingFile;

  /**
   * @param source path of a `.rai` file (version 1 or 2, role issuer or shared), or its parsed content
   * Throws RaiError with every problem of the file, or a TypeError for a relay-side file.
   */
  constructor(source: string | URL | object, options: ReadRaiOptions = {}) {
    const file =
      typeof source === 'string' || source instanceof URL ? readRaiFile(source, options) : parseRai(source);
    if (file.role === 'relay') {
      throw new TypeError(
        "source: this is the relay's file; minting needs the issuer or shared file of the pair",
      );
    }
    this.#file = file;
  }

  /** The URL that tokens are joined to. */
  get relay(): string {
    return this.#file.relay;
  }

  /** A base URL that carries a fresh sealed token; use it as `baseURL` of any SDK. Throws a TypeError that names the wrong option. */
  generateUrl(options: GenerateOptions): string {
    return joinRelayUrl(this.#file.relay, this.generateToken(options));
  }

  /** The sealed token alone, for an `Authorization: Bearer` header. Throws a TypeError that names the wrong option. */
  generateToken(options: GenerateOptions): string {
    const claims = claimsFromOptions(options, this.#file, Math.floor(Date.now() / 1000));
    try {
      return nativeSealToken(this.#file, claims);
    } catch (error) {
      if (!(error instanceof MintError)) throw error;
      // Not passed on as `cause`: an option's name is all a caller needs.
      throw new TypeError(`${optionForClaim(error.claim)}: ${error.message}`);
    }
  }

  /** What `util.inspect` shows: where it mints for, never a key. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `RelayAPIClient { relay: '${this.#file.relay}', iss: '${this.#file.iss}' }`;
  }

  /** What `JSON.stringify` shows. */
  toJSON(): { relay: string; iss: string } {
    return { relay: this.#file.relay, iss: this.#file.iss };
  }
}
