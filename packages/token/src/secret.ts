/**
 * A string that must not leak: printing, serialising and inspecting it give `[secret]`.
 * Not encryption: the value stands in memory as it is. The first wall of behaviour §9.
 */

const MASK = '[secret]';

/** Holds a key or token. Only `reveal()` gives the text back. */
export class Secret {
  readonly #value: string;

  /** Wraps `value`, which may be empty. */
  constructor(value: string) {
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
