/**
 * All that src may use of its platform. tsconfig.src.json compiles src against this instead of Node's or a browser's types.
 */
declare class URL {
  constructor(text: string);
  href: string;
  readonly origin: string;
  readonly protocol: string;
  host: string;
  hostname: string;
  port: string;
  pathname: string;
  readonly search: string;
  readonly hash: string;
  readonly username: string;
  readonly password: string;
}
declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>;
}
declare class TextDecoder {
  constructor(label: string, options: { fatal: boolean; ignoreBOM: boolean });
  decode(bytes: Uint8Array): string;
}
interface CryptoKey {
  readonly type: 'private' | 'public' | 'secret';
  readonly extractable: boolean;
  readonly algorithm: { name: string };
  readonly usages: string[];
}
declare const crypto: {
  getRandomValues<T extends Uint8Array>(bytes: T): T;
  subtle: {
    generateKey(algorithm: object, extractable: boolean, usages: string[]): Promise<CryptoKey>;
    importKey(
      format: string,
      key: object,
      algorithm: string | object,
      extractable: boolean,
      usages: string[],
    ): Promise<CryptoKey>;
  };
};
