/**
 * Loaded before the program by a test (`--import`): does to the process what CRASH names, one thing at each SIGUSR2 (a comma between), with CRASH_TEXT in it.
 * Not part of the relay. house: real time, since the process must first be up.
 */
const kind = process.env['CRASH'] ?? '';
const text = process.env['CRASH_TEXT'] ?? '';
// what is asked is whether the program keeps its own variables from showing
delete process.env['CRASH_TEXT'];

function makeError(): Error {
  const cause = Object.assign(new TypeError(`cause ${text}`), { token: text });
  return Object.assign(new Error(`outer ${text}`, { cause }), {
    headers: { authorization: `Bearer ${text}` },
    secret: text,
  });
}

const CRASHES: Record<string, () => void> = {
  throw: () => {
    throw makeError();
  },
  reject: () => void Promise.reject(makeError()),
  'reject with a text': () => void Promise.reject(text),
  aggregate: () => void Promise.any([Promise.reject(makeError()), Promise.reject(new Error(text))]),
  odd: () => {
    const odd = Object.create(null);
    Object.defineProperty(odd, 'message', { get: () => text });
    throw odd;
  },
  'throwing getters': () => {
    throw Object.defineProperty(new Error('x'), 'message', {
      get() {
        throw new Error(text);
      },
    });
  },
  warning: () => {
    process.emitWarning(`old ${text}`, { type: 'DeprecationWarning', code: 'DEP0000', detail: text });
    process.emitWarning(makeError());
  },
  'out of memory': () => {
    const hold: unknown[] = [];
    const grow = (secret: string) => {
      for (;;) hold.push({ secret: `${secret}${hold.length}`, list: new Array(1000).fill(hold.length) });
    };
    grow(text);
  },
};

if (kind.startsWith('early ')) {
  // as soon as the program has its first handler, long before its log
  const timer = setInterval(() => {
    if (process.listenerCount('uncaughtException') === 0) return;
    clearInterval(timer);
    CRASHES[kind.slice('early '.length)]?.();
  }, 1);
} else {
  const kinds = kind.split(',');
  process.on('SIGUSR2', () => setImmediate(() => CRASHES[kinds.shift() ?? '']?.()));
}
