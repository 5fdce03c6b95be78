/** RelayAPIClient: mints sealed URLs and tokens from a `.rai` file, synchronously. It never talks to the network. */
import { joinRelayUrl, MintError, parseRai, type RaiFile } from 'relayapi-token';
import { nativeSealToken } from './native-sealer.ts';
import { claimsFromOptions, type GenerateOptions, optionForClaim } from './options.ts';
import { type ReadRaiOptions, readRaiFile } from './rai-file.ts';

/** How a client reads its file, and where its warnings go. */
export interface ClientOptions extends ReadRaiOptions {
  /** Told once of each kind of key that works and opens more than model calls; the text holds no key. Default: `process.emitWarning`. */
  readonly onWarning?: (warning: string) => void;
}

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
  readonly #onWarning: (warning: string) => void;
  readonly #warned = new Set<string>();

  /**
   * @param source path of a `.rai` file (version 1 or 2, role issuer or shared), or its parsed content
   * Throws RaiError with every problem of the file, or a TypeError for a relay-side file.
   */
  constructor(source: string | URL | object, options: ClientOptions = {}) {
    const file =
      typeof source === 'string' || source instanceof URL ? readRaiFile(source, options) : parseRai(source);
    if (file.role === 'relay') {
      throw new TypeError(
        "source: this is the relay's file; minting needs the issuer or shared file of the pair",
      );
    }
    this.#file = file;
    this.#onWarning = options.onWarning ?? emitWarning;
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
    const { iss, aud } = this.#file;
    const warn = (warning: string) => this.#warnOnce(warning);
    const claims = claimsFromOptions(options, { iss, aud, nowSeconds: Math.floor(Date.now() / 1000), warn });
    try {
      return nativeSealToken(this.#file, claims);
    } catch (error) {
      if (!(error instanceof MintError)) throw error;
      // Not passed on as `cause`: an option's name is all a caller needs.
      throw new TypeError(`${optionForClaim(error.claim)}: ${error.message}`);
    }
  }

  #warnOnce(warning: string): void {
    if (this.#warned.has(warning)) return;
    this.#warned.add(warning);
    this.#onWarning(warning);
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

function emitWarning(warning: string): void {
  process.emitWarning(warning, { type: 'RelayAPIWarning', code: 'RELAYAPI_BROAD_KEY' });
}
