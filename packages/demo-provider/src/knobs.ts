/**
 * The knobs: how a test asks for an answer that is slow, broken or hostile. A knob stands in the model name
 * (`demo-delay-500`, several joined by `+`), because a model name is what a relay passes on untouched.
 */

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

/** One documented knob. */
export interface KnobDefinition {
  /** How it is written after `demo-`. */
  readonly form: string;
  readonly does: string;
  readonly apply: (knobs: Knobs, args: KnobArguments) => void;
}

interface KnobArguments {
  /** The n-th part between dashes as a whole number. Throws on anything else. */
  number(index: number, fallback?: number): number;
  word(index: number): string | undefined;
  /** Everything from the n-th part on, dashes included, percent-decoded. */
  rest(index: number): string;
}

/** Model names that look like knobs and are not: they behave well. */
export const PLAIN_MODELS: readonly string[] = [
  'demo',
  'demo-chat',
  'demo-model',
  'demo-small',
  'demo-large',
  'demo-embedding',
  'demo-voice',
];

const applyError = (knobs: Knobs, args: KnobArguments): void => {
  const status = args.number(0, 500);
  if (status >= 400) knobs.errorStatus = status;
  else knobs.status = status;
  if (args.word(1) === 'retry') knobs.retryAfter = args.rest(2);
};

/** Every knob by the word after `demo-`. `README.md` lists the same ones; a test compares them. */
export const KNOBS: ReadonlyMap<string, KnobDefinition> = new Map(
  Object.entries<KnobDefinition>({
    slowread: {
      form: 'slowread[-bytesPerSecond]',
      does: 'reads the request body slowly (default 1,024 bytes per second) and answers when it has it all',
      apply: (knobs, args) => {
        knobs.read = 'slow';
        knobs.readBytesPerSecond = args.number(0, 1_024);
      },
    },
    noread: {
      form: 'noread',
      does: 'stops reading after the first chunk of the body and never answers',
      apply: (knobs) => {
        knobs.read = 'never';
      },
    },
    early: {
      form: 'early',
      does: 'answers on the first chunk of the body, without waiting for the rest',
      apply: (knobs) => {
        knobs.read = 'early';
      },
    },
    hang: {
      form: 'hang',
      does: 'reads the request and never answers',
      apply: (knobs) => {
        knobs.hang = true;
      },
    },
    reset: {
      form: 'reset-before',
      does: 'resets the connection (RST) without a byte of answer',
      apply: (knobs) => {
        knobs.reset = 'rst';
      },
    },
    close: {
      form: 'close-before',
      does: 'closes the connection (FIN) without a byte of answer; `close-after` answers well, then closes',
      apply: (knobs, args) => {
        if (args.word(0) === 'after') knobs.closeAfter = true;
        else knobs.reset = 'fin';
      },
    },
    garbage: {
      form: 'garbage',
      does: 'answers with bytes that are not HTTP',
      apply: (knobs) => {
        knobs.garbage = true;
      },
    },
    delay: {
      form: 'delay-ms',
      does: 'waits before the first byte of the answer',
      apply: (knobs, args) => {
        knobs.delayMs = args.number(0);
      },
    },
    '1xx': {
      form: '1xx[-count]',
      does: 'sends that many 103 Early Hints (default 1) before the answer',
      apply: (knobs, args) => {
        knobs.informational = args.number(0, 1);
      },
    },
    error: {
      form: 'error-status[-retry-value]',
      does: "answers with the dialect's own error of that status, and `Retry-After: value` if named",
      apply: applyError,
    },
    status: {
      form: 'status-status[-retry-value]',
      does: 'the same; below 400 the normal answer with that status',
      apply: applyError,
    },
    flaky: {
      form: 'flaky-times[-status]',
      does: 'the first so many requests with this very model name fail (default 503), later ones do not',
      apply: (knobs, args) => {
        knobs.flakyTimes = args.number(0);
        knobs.errorStatus = args.number(1, 503);
      },
    },
    redirect: {
      form: 'redirect-status-location',
      does: 'redirects to the percent-encoded location',
      apply: (knobs, args) => {
        knobs.redirect = { status: args.number(0), location: args.rest(1) };
      },
    },
    html: {
      form: 'html',
      does: 'answers 200 with an HTML page that holds a script',
      apply: (knobs) => {
        knobs.html = true;
      },
    },
    bomb: {
      form: 'bomb-mebibytes',
      does: 'a gzip-encoded answer that inflates to so many MiB of zeros',
      apply: (knobs, args) => {
        knobs.bombMiB = args.number(0);
      },
    },
    echo: {
      form: 'echo',
      does: 'the answer text is a JSON object with the target, every request header (credential too) and the body; `echo-raw` sends that object as the whole response body, `echo-headers` puts the credential into response headers',
      apply: (knobs, args) => {
        if (args.word(0) === 'raw') knobs.echoRaw = true;
        else if (args.word(0) === 'headers') knobs.echoHeaders = true;
        else knobs.echo = true;
      },
    },
    leak: {
      form: 'leak-encoding',
      does: 'the answer text (or the error message) holds the credential as plain, base64, base64url, percent, hex or json',
      apply: (knobs, args) => {
        knobs.leak = args.word(0) ?? 'plain';
      },
    },
    say: {
      form: 'say-text',
      does: 'the answer is exactly the percent-encoded text',
      apply: (knobs, args) => {
        knobs.say = args.rest(0);
      },
    },
    words: {
      form: 'words-count',
      does: 'an answer of so many words',
      apply: (knobs, args) => {
        knobs.words = args.number(0);
      },
    },
    chunks: {
      form: 'chunks-count[-ms]',
      does: 'an answer of so many chunks, one every so many milliseconds (default 0); a plain answer is cut into as many writes',
      apply: (knobs, args) => {
        knobs.pieces = args.number(0);
        knobs.gapMs = args.number(1, 0);
      },
    },
    huge: {
      form: 'huge-mebibytes',
      does: 'an answer text of so many MiB, with back-pressure',
      apply: (knobs, args) => {
        knobs.hugeMiB = args.number(0);
      },
    },
    nousage: {
      form: 'nousage',
      does: 'leaves the usage counts out',
      apply: (knobs) => {
        knobs.noUsage = true;
      },
    },
    usage: {
      form: 'usage-input-output',
      does: 'reports exactly these token counts',
      apply: (knobs, args) => {
        knobs.usage = { input: args.number(0), output: args.number(1) };
      },
    },
    tool: {
      form: 'tool',
      does: 'calls the first tool of the request with the last user message as `input`, if there is one',
      apply: (knobs) => {
        knobs.tool = true;
      },
    },
    setcookie: {
      form: 'setcookie',
      does: 'adds 60 odd response headers: cookies, CORS, caching, organisation ids, hop-by-hop names, …',
      apply: (knobs) => {
        knobs.oddHeaders = true;
      },
    },
    bighead: {
      form: 'bighead-kibibytes',
      does: 'adds one response header of so many KiB',
      apply: (knobs, args) => {
        knobs.bigHeaderKiB = args.number(0);
      },
    },
    type: {
      form: 'type-contentType',
      does: 'sends the answer under another (percent-encoded) content type',
      apply: (knobs, args) => {
        knobs.contentType = args.rest(0);
      },
    },
    encoding: {
      form: 'encoding-name',
      does: 'claims a content encoding without encoding anything',
      apply: (knobs, args) => {
        knobs.contentEncoding = args.rest(0);
      },
    },
    gzip: {
      form: 'gzip',
      does: 'encodes the answer with gzip whatever the request accepts',
      apply: (knobs) => {
        knobs.gzip = true;
      },
    },
    gap: {
      form: 'gap-ms',
      does: 'waits between the chunks of the answer',
      apply: (knobs, args) => {
        knobs.gapMs = args.number(0);
      },
    },
    bytes: {
      form: 'bytes',
      does: 'writes the answer one byte at a time',
      apply: (knobs) => {
        knobs.byteWise = true;
      },
    },
    crlf: {
      form: 'crlf',
      does: 'ends the lines of a stream with CRLF',
      apply: (knobs) => {
        knobs.crlf = true;
      },
    },
    comments: {
      form: 'comments',
      does: 'puts an SSE comment before every frame',
      apply: (knobs) => {
        knobs.comments = true;
      },
    },
    die: {
      form: 'die-count[-rst]',
      does: 'closes the connection after so many chunks (0: after the head); with `rst` it resets it',
      apply: (knobs, args) => {
        knobs.dieAfter = args.number(0);
        knobs.dieHow = args.word(1) === 'rst' ? 'rst' : 'fin';
      },
    },
    stall: {
      form: 'stall[-count]',
      does: 'goes silent after so many chunks (default 1) and keeps the connection open',
      apply: (knobs, args) => {
        knobs.stallAfter = args.number(0, 1);
      },
    },
    truncate: {
      form: 'truncate',
      does: 'ends cleanly in the middle: no finish, no [DONE], or half a JSON body',
      apply: (knobs) => {
        knobs.truncate = true;
      },
    },
    midframe: {
      form: 'midframe',
      does: 'closes the connection inside the second frame',
      apply: (knobs) => {
        knobs.midframe = true;
      },
    },
    errorframe: {
      form: 'errorframe[-count]',
      does: "sends the dialect's error frame after so many frames (default 2) and ends",
      apply: (knobs, args) => {
        knobs.errorFrameAfter = args.number(0, 2);
      },
    },
    trailer: {
      form: 'trailer',
      does: 'ends the answer with HTTP trailers, one of them the credential',
      apply: (knobs) => {
        knobs.trailer = true;
      },
    },
    contentlength: {
      form: 'contentlength-lie[-short]',
      does: 'claims a Content-Length 100 bytes too long and closes; with `short`, 10 bytes too short',
      apply: (knobs, args) => {
        knobs.lengthLie = args.word(1) === 'short' ? 'short' : 'long';
      },
    },
  }),
);

/** A request without knobs. */
export const NO_KNOBS: Knobs = Object.freeze({});

/** Reads a knob list such as `demo-delay-5+die-3`. An unknown knob or a bad number is a message, not knobs. */
export function parseKnobs(model: string): Knobs | { problem: string } {
  const start = /^(?:[\w.~-]+\/)?(?=demo(?:-|$))/.exec(model);
  if (start === null) return NO_KNOBS;
  const name = model.slice(start[0].length);
  if (PLAIN_MODELS.includes(name)) return NO_KNOBS;
  const knobs: Knobs = {};
  for (const part of name.split('+')) {
    const words = (part.startsWith('demo-') ? part.slice(5) : part).split('-');
    const definition = KNOBS.get(words[0] as string);
    if (definition === undefined) {
      return {
        problem: `The demo provider has no knob "${words[0]}". It has: ${[...KNOBS.keys()].join(', ')}.`,
      };
    }
    try {
      definition.apply(knobs, createArguments(words.slice(1)));
    } catch {
      return { problem: `The knob "${part}" is not of the form demo-${definition.form}.` };
    }
  }
  return knobs;
}

function createArguments(words: string[]): KnobArguments {
  return {
    number(index, fallback) {
      const word = words[index];
      if (word === undefined && fallback !== undefined) return fallback;
      if (word === undefined || !/^\d{1,9}$/.test(word)) throw new RangeError('not a whole number');
      return Number(word);
    },
    word: (index) => words[index],
    rest: (index) => decodeURIComponent(words.slice(index).join('-')),
  };
}
