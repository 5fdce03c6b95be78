/**
 * Text and bytes that must not leak: printing, serialising and inspecting them give `[secret]`.
 * Not encryption: the value stands in memory as it is. The first wall of behaviour §9; scripts/check-secrets.ts holds the sources to it.
 */

const MASK = '[secret]';

/** Whatever holds a secret prints as `[secret]`. */
abstract class Masked {
  /** Always `[secret]`. */
  toString(): string {
    return MASK;
  }

  /** Always `[secret]`. */
  toJSON(): string {
    return MASK;
  }

  /** What `util.inspect` and `console.log` print: `[secret]`. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return MASK;
  }
}

/** Holds a key or token. Only `reveal()` gives the text back. */
export class Secret extends Masked {
  readonly #value: string;

  /** Wraps `value`, which may be empty. */
  constructor(value: string) {
    super();
    this.#value = value;
  }

  /** The text itself: call it where it is used (a header, a cipher) and nowhere else. */
  reveal(): string {
    return this.#value;
  }

  /** Length in UTF-16 units. */
  get length(): number {
    return this.#value.length;
  }
}

/** The text of a value that callers may give either way. */
export function revealText(value: string | Secret): string {
  return value instanceof Secret ? value.reveal() : value;
}

/** Holds the bytes of a key or a key file. Only `reveal()` gives them back. */
export class SecretBytes extends Masked {
  readonly #bytes: Uint8Array;

  /** Wraps `bytes` as they are: no copy. */
  constructor(bytes: Uint8Array) {
    super();
    this.#bytes = bytes;
  }

  /** The bytes themselves: call it where they are used and nowhere else. */
  reveal(): Uint8Array {
    return this.#bytes;
  }

  /** How many bytes. */
  get length(): number {
    return this.#bytes.length;
  }
}
