/**
 * Rewrites ids and URLs in an answer as it passes (0033): JSON whole, an event stream line by line, every other byte as it came. Memory is
 * bounded and booked; what does not fit in is an error, never passed on with an upstream's id in it.
 */
import { concatBytes } from 'relayapi-token';
import { type Denial, deny, isDenial } from '../errors.ts';
import type { Arrival, RouteIds } from '../exchange.ts';
import { editStrings } from '../json-edit.ts';
import { type Path, pointsTo } from '../pointers.ts';

/** A rewriting under way. */
export interface AnswerRewrite {
  /** True when nothing can be passed on before the end. */
  readonly whole: boolean;
  /** Takes bytes, gives those that may go on. */
  push(chunk: Uint8Array): readonly Uint8Array[] | Denial;
  /** The rest, once no more will come. */
  flush(): readonly Uint8Array[] | Denial;
}

/** What it takes. */
export interface RewriteParts {
  readonly ids: RouteIds;
  /** The relay's URL up to where a path is appended; null: URLs stay. */
  readonly base: string | null;
  /** Where the caller has its token. */
  readonly tokenPlace: Arrival['tokenPlace'];
  /** Books so many more bytes; false when there is no room. */
  readonly book: (bytes: number) => boolean;
}

/** Longest JSON answer and longest line of a stream, in bytes: room for a few images in base64. */
export const MAX_REWRITTEN = 32 * 1024 * 1024;
/** Ids that are remembered while one answer passes: an event stream names the same ones again and again. */
const MAX_SEALED = 256;
/** Sealings in one answer or line: more of them would hold up everybody else, and no provider's answer comes near. */
const MAX_SEALINGS = 20_000;
const BOUNDS = { maxDepth: 256, maxMembers: 1_000_000 };
const FIRST_BYTES = 16 * 1024;
const NOTHING: readonly Uint8Array[] = [];

/** Null for an answer that names no ids in a form that is read. `type` is its content type without parameters. */
export function createAnswerRewrite(type: string | null, parts: RewriteParts): AnswerRewrite | null {
  const editor = new Editor(parts);
  if (type === 'text/event-stream') return new StreamRewrite(editor, parts.book);
  if (type === 'application/json' || (type?.startsWith('application/') && type.endsWith('+json'))) {
    return new WholeRewrite(editor, parts.book);
  }
  return null;
}

/** Edits the texts of one answer. */
class Editor {
  readonly #parts: RewriteParts;
  readonly #known = new Map<string, string>();
  #sealings = 0;

  constructor(parts: RewriteParts) {
    this.#parts = parts;
  }

  /** The text with its ids sealed and its URLs led back; null when it cannot be read; a denial when it names more ids than any provider would. */
  edit(json: Uint8Array): Uint8Array | Denial | null {
    this.#sealings = 0;
    const edited = editStrings(json, { replace: (path, text) => this.#replace(path, text) }, BOUNDS);
    return this.#sealings > MAX_SEALINGS ? deny('upstream_invalid', { reason: 'too many ids' }) : edited;
  }

  #replace(path: Path, text: () => string): string | null {
    const { ids, base, tokenPlace } = this.#parts;
    const made = ids.makes.filter(({ at }) => pointsTo(at, path, 'exact'));
    if (made.length > 0) {
      const whole = text();
      // several: the same id behind another version of the API
      const own = made.find(({ prefix = '' }) => whole.startsWith(prefix) && whole.length > prefix.length);
      return own === undefined ? null : this.#seal(own.kind, own.prefix ?? '', whole);
    }
    if (base === null || !ids.urls.some((url) => 'at' in url && pointsTo(url.at, path, 'exact'))) return null;
    const there = ids.relayPath(text(), tokenPlace);
    return there === null ? null : base + there;
  }

  #seal(kind: string, prefix: string, whole: string): string | null {
    const name = `${kind}\0${whole}`;
    const before = this.#known.get(name);
    if (before !== undefined) return before;
    this.#sealings += 1;
    // the text will be refused
    if (this.#sealings > MAX_SEALINGS) return null;
    const sealed = prefix + this.#parts.ids.seal(kind, whole.slice(prefix.length));
    if (this.#known.size >= MAX_SEALED) this.#known.clear();
    this.#known.set(name, sealed);
    return sealed;
  }
}

/** One buffer that grows, instead of the pieces: an answer that comes byte by byte would cost a hundred times as much. */
class Held {
  readonly #book: (bytes: number) => boolean;
  #buffer = new Uint8Array(0);
  length = 0;

  constructor(book: (bytes: number) => boolean) {
    this.#book = book;
  }

  add(bytes: Uint8Array): Denial | null {
    const needed = this.length + bytes.length;
    if (needed > MAX_REWRITTEN) return deny('upstream_invalid', { reason: 'too long to be rewritten' });
    if (needed > this.#buffer.length) {
      const size = Math.max(needed, Math.min(2 * this.#buffer.length, MAX_REWRITTEN), FIRST_BYTES);
      // twice: what comes out has a place of its own
      if (!this.#book(2 * (size - this.#buffer.length)))
        return deny('capacity', { reason: 'buffered answers' });
      const larger = new Uint8Array(size);
      larger.set(this.#buffer.subarray(0, this.length));
      this.#buffer = larger;
    }
    this.#buffer.set(bytes, this.length);
    this.length = needed;
    return null;
  }

  /** A copy of what is held, which is then forgotten. */
  take(): Uint8Array {
    const bytes = this.#buffer.slice(0, this.length);
    this.length = 0;
    return bytes;
  }

  /** What is held, once nothing more will come. */
  takeLast(): Uint8Array {
    const bytes = this.#buffer.subarray(0, this.length);
    this.#buffer = new Uint8Array(0);
    this.length = 0;
    return bytes;
  }
}

class WholeRewrite implements AnswerRewrite {
  readonly whole = true;
  readonly #editor: Editor;
  readonly #held: Held;

  constructor(editor: Editor, book: RewriteParts['book']) {
    this.#editor = editor;
    this.#held = new Held(book);
  }

  push(chunk: Uint8Array): readonly Uint8Array[] | Denial {
    return this.#held.add(chunk) ?? NOTHING;
  }

  flush(): readonly Uint8Array[] | Denial {
    // no body at all names no id
    if (this.#held.length === 0) return NOTHING;
    const edited = this.#editor.edit(this.#held.takeLast());
    if (edited === null) return deny('upstream_invalid', { reason: 'JSON that cannot be rewritten' });
    return isDenial(edited) ? edited : [edited];
  }
}

const LF = 0x0a;
const CR = 0x0d;
const DATA = new TextEncoder().encode('data:');
const SPACE = 0x20;

class StreamRewrite implements AnswerRewrite {
  readonly whole = false;
  readonly #editor: Editor;
  readonly #held: Held;

  constructor(editor: Editor, book: RewriteParts['book']) {
    this.#editor = editor;
    this.#held = new Held(book);
  }

  push(chunk: Uint8Array): readonly Uint8Array[] | Denial {
    const out: Uint8Array[] = [];
    let passed = 0;
    let start = 0;
    for (let i = 0; i < chunk.length; i++) {
      if (chunk[i] !== LF && chunk[i] !== CR) continue;
      if (this.#held.length > 0) {
        const full = this.#held.add(chunk.subarray(start, i));
        if (full !== null) return full;
        const edited = this.#edit(this.#held.take());
        if (isDenial(edited)) return edited;
        out.push(edited);
        passed = i;
      } else {
        const line = chunk.subarray(start, i);
        const edited = this.#edit(line);
        if (isDenial(edited)) return edited;
        if (edited !== line) {
          out.push(chunk.subarray(passed, start), edited);
          passed = i;
        }
      }
      start = i + 1;
    }
    if (passed < start) out.push(chunk.subarray(passed, start));
    return (start < chunk.length ? this.#held.add(chunk.subarray(start)) : null) ?? out;
  }

  flush(): readonly Uint8Array[] | Denial {
    if (this.#held.length === 0) return NOTHING;
    const edited = this.#edit(this.#held.take());
    return isDenial(edited) ? edited : [edited];
  }

  /** A line without its end; the same one where nothing is to be changed. Data that is no JSON (`[DONE]`, plain text) names no ids. */
  #edit(line: Uint8Array): Uint8Array | Denial {
    if (!DATA.every((byte, i) => line[i] === byte)) return line;
    const from = line[DATA.length] === SPACE ? DATA.length + 1 : DATA.length;
    const json = line.subarray(from);
    const edited = this.#editor.edit(json);
    if (isDenial(edited)) return edited;
    return edited === null || edited === json ? line : concatBytes(line.subarray(0, from), edited);
  }
}
