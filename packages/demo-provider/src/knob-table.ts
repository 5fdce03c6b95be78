/** The knobs there are, as a table: how each is written, what it does, what it sets. Playing them is the sender's work. */

/** What the knobs of one request ask for. An absent member means "behave well". */
export interface Knobs {
  // Reading the request.
  read?: 'slow' | 'never' | 'early';
  readBytesPerSecond?: number;
  // Instead of an answer.
  hang?: boolean;
  reset?: 'fin' | 'rst';
  garbage?: boolean;
  // Before the answer.
  delayMs?: number;
  informational?: number;
  // In place of the dialect's answer.
  errorStatus?: number;
  retryAfter?: string;
  flakyTimes?: number;
  redirect?: { status: number; location: string };
  html?: boolean;
  bombMiB?: number;
  echoRaw?: boolean;
  // Inside the dialect's answer.
  echo?: boolean;
  leak?: string;
  say?: string;
  words?: number;
  pieces?: number;
  hugeMiB?: number;
  noUsage?: boolean;
  usage?: { input: number; output: number };
  tool?: boolean;
  // The head of the answer.
  status?: number;
  oddHeaders?: boolean;
  echoHeaders?: boolean;
  bigHeaderKiB?: number;
  contentType?: string;
  contentEncoding?: string;
  gzip?: boolean;
  // The bytes of the answer.
  gapMs?: number;
  byteWise?: boolean;
  crlf?: boolean;
  comments?: boolean;
  dieAfter?: number;
  dieHow?: 'fin' | 'rst';
  stallAfter?: number;
  truncate?: boolean;
  midframe?: boolean;
  errorFrameAfter?: number;
  trailer?: boolean;
  lengthLie?: 'long' | 'short';
  closeAfter?: boolean;
}

/** What stands behind a knob's name. */
export interface KnobArguments {
  /** The n-th part between dashes as a whole number. Throws on anything else. */
  number(index: number, fallback?: number): number;
  word(index: number): string | undefined;
  /** Everything from the n-th part on, dashes included, percent-decoded. */
  rest(index: number): string;
}

/** One documented knob. */
export interface KnobDefinition {
  /** How it is written after `demo-`. */
  readonly form: string;
  readonly does: string;
  readonly apply: Apply;
}

type Apply = (knobs: Knobs, args: KnobArguments) => void;
type NamesOf<T> = { [K in keyof Knobs]-?: NonNullable<Knobs[K]> extends T ? K : never }[keyof Knobs];

const flag =
  (name: NamesOf<boolean>): Apply =>
  (knobs) => {
    knobs[name] = true;
  };
const number =
  (name: NamesOf<number>, fallback?: number): Apply =>
  (knobs, args) => {
    knobs[name] = args.number(0, fallback);
  };
const text =
  (name: 'say' | 'contentType' | 'contentEncoding'): Apply =>
  (knobs, args) => {
    knobs[name] = args.rest(0);
  };
const assign =
  (choose: (args: KnobArguments) => Knobs): Apply =>
  (knobs, args) => {
    Object.assign(knobs, choose(args));
  };

const ECHO_PLACES: Record<string, 'echoRaw' | 'echoHeaders'> = { raw: 'echoRaw', headers: 'echoHeaders' };

const error = assign((args) => ({
  ...(args.number(0, 500) >= 400 ? { errorStatus: args.number(0, 500) } : { status: args.number(0) }),
  ...(args.word(1) === 'retry' && { retryAfter: args.rest(2) }),
}));

const ROWS: readonly (readonly [form: string, does: string, apply: Apply])[] = [
  [
    'slowread[-bytesPerSecond]',
    'reads the request body slowly (default 1,024 bytes per second) and answers when it has it all',
    assign((args) => ({ read: 'slow', readBytesPerSecond: args.number(0, 1_024) })),
  ],
  [
    'noread',
    'stops reading after the first chunk of the body and never answers',
    assign(() => ({ read: 'never' })),
  ],
  [
    'early',
    'answers on the first chunk of the body, without waiting for the rest',
    assign(() => ({ read: 'early' })),
  ],
  ['hang', 'reads the request and never answers', flag('hang')],
  ['reset-before', 'resets the connection (RST) without a byte of answer', assign(() => ({ reset: 'rst' }))],
  [
    'close-before',
    'closes the connection (FIN) without a byte of answer; `close-after` answers well, then closes',
    assign((args) => (args.word(0) === 'after' ? { closeAfter: true } : { reset: 'fin' })),
  ],
  ['garbage', 'answers with bytes that are not HTTP', flag('garbage')],
  ['delay-ms', 'waits before the first byte of the answer', number('delayMs')],
  [
    '1xx[-count]',
    'sends that many 103 Early Hints (default 1) before the answer',
    number('informational', 1),
  ],
  [
    'error-status[-retry-value]',
    "answers with the dialect's own error of that status, and `Retry-After: value` if named",
    error,
  ],
  ['status-status[-retry-value]', 'the same; below 400 the normal answer with that status', error],
  [
    'flaky-times[-status]',
    'the first so many requests with this very model name fail (default 503), later ones do not',
    assign((args) => ({ flakyTimes: args.number(0), errorStatus: args.number(1, 503) })),
  ],
  [
    'redirect-status-location',
    'redirects to the percent-encoded location',
    assign((args) => ({ redirect: { status: args.number(0), location: args.rest(1) } })),
  ],
  ['html', 'answers 200 with an HTML page that holds a script', flag('html')],
  ['bomb-mebibytes', 'a gzip-encoded answer that inflates to so many MiB of zeros', number('bombMiB')],
  [
    'echo',
    'the answer text is a JSON object with the target, every request header (credential too) and the body; `echo-raw` sends that object as the whole response body, `echo-headers` puts the credential into response headers',
    assign((args) => ({ [ECHO_PLACES[args.word(0) ?? ''] ?? 'echo']: true })),
  ],
  [
    'leak-encoding',
    'the answer text (or the error message) holds the credential as plain, base64, base64url, percent, hex or json',
    assign((args) => ({ leak: args.word(0) ?? 'plain' })),
  ],
  ['say-text', 'the answer is exactly the percent-encoded text', text('say')],
  ['words-count', 'an answer of so many words', number('words')],
  [
    'chunks-count[-ms]',
    'an answer of so many chunks, one every so many milliseconds (default 0); a plain answer is cut into as many writes',
    assign((args) => ({ pieces: args.number(0), gapMs: args.number(1, 0) })),
  ],
  ['huge-mebibytes', 'an answer text of so many MiB, with back-pressure', number('hugeMiB')],
  ['nousage', 'leaves the usage counts out', flag('noUsage')],
  [
    'usage-input-output',
    'reports exactly these token counts',
    assign((args) => ({ usage: { input: args.number(0), output: args.number(1) } })),
  ],
  [
    'tool',
    'calls the first tool of the request with the last user message as `input`, if there is one',
    flag('tool'),
  ],
  [
    'setcookie',
    'adds 60 odd response headers: cookies, CORS, caching, organisation ids, hop-by-hop names, …',
    flag('oddHeaders'),
  ],
  ['bighead-kibibytes', 'adds one response header of so many KiB', number('bigHeaderKiB')],
  ['type-contentType', 'sends the answer under another (percent-encoded) content type', text('contentType')],
  ['encoding-name', 'claims a content encoding without encoding anything', text('contentEncoding')],
  ['gzip', 'encodes the answer with gzip whatever the request accepts', flag('gzip')],
  ['gap-ms', 'waits between the chunks of the answer', number('gapMs')],
  ['bytes', 'writes the answer one byte at a time', flag('byteWise')],
  ['crlf', 'ends the lines of a stream with CRLF', flag('crlf')],
  ['comments', 'puts an SSE comment before every frame', flag('comments')],
  [
    'die-count[-rst]',
    'closes the connection after so many chunks (0: after the head); with `rst` it resets it',
    assign((args) => ({ dieAfter: args.number(0), dieHow: args.word(1) === 'rst' ? 'rst' : 'fin' })),
  ],
  [
    'stall[-count]',
    'goes silent after so many chunks (default 1) and keeps the connection open',
    number('stallAfter', 1),
  ],
  ['truncate', 'ends cleanly in the middle: no finish, no [DONE], or half a JSON body', flag('truncate')],
  ['midframe', 'closes the connection inside the second frame', flag('midframe')],
  [
    'errorframe[-count]',
    "sends the dialect's error frame after so many frames (default 2) and ends",
    number('errorFrameAfter', 2),
  ],
  ['trailer', 'ends the answer with HTTP trailers, one of them the credential', flag('trailer')],
  [
    'contentlength-lie[-short]',
    'claims a Content-Length 100 bytes too long and closes; with `short`, 10 bytes too short',
    assign((args) => ({ lengthLie: args.word(1) === 'short' ? 'short' : 'long' })),
  ],
];

/** Every knob by the word after `demo-`. `README.md` lists the same ones; a test compares them. */
export const KNOBS: ReadonlyMap<string, KnobDefinition> = new Map(
  ROWS.map(([form, does, apply]) => [/^\w+/.exec(form)?.[0] ?? form, { form, does, apply }]),
);
