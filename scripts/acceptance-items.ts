// The sixty things that a relay worth trusting must pass, in short, each with the part of the project that brings what is still open.

/** One item of the acceptance list. Numbers are never reused. */
export interface AcceptanceItem {
  readonly number: number;
  readonly says: string;
  /** What a later part brings; absent when the item is complete. */
  readonly later?: string;
}

const PROVIDERS = 'providers';
const EXACT = 'exact limits';
const MONEY = 'money';

function item(number: number, says: string, later?: string): AcceptanceItem {
  return later === undefined ? { number, says } : { number, says, later };
}

/** Part headings with their items, in order. */
export const ACCEPTANCE: readonly (readonly [part: string, items: readonly AcceptanceItem[]])[] = [
  [
    'Token',
    [
      item(1, 'Each vector gives its stated result, and every `token_invalid` answer is the same bytes.'),
      item(2, 'A valid token with any one character changed is refused.'),
      item(3, 'The public key of the relay and the file of another issuer mint nothing for an issuer.'),
      item(4, 'No content key and no IV repeats over 10^6 `aes` and 10^4 `ecc` seals.'),
      item(5, 'Asking for 2^31 rounds of key derivation causes none.'),
      item(6, 'Compressed tokens are not inflated.'),
      item(7, 'A token of 4,097 characters is refused before it is decoded.'),
      item(8, 'A `kid` such as `__proto__` is a plain 401.'),
      item(9, 'Rotation without a restart: both keys for a while, the old one until its end and no longer.'),
      item(10, 'A bad reload keeps the old set of keys and says what is wrong.'),
      item(11, 'Sample, zero and low-variety keys stop the start.'),
      item(12, 'Files of version 1 seal and open tokens of version 2, with the known answer.'),
      item(13, 'Tokens of version 1 are refused, however mutated, with one answer.'),
      item(14, 'Tokens made by independent JOSE libraries open.'),
      item(15, 'Unknown claims and limits are refused.'),
      item(
        16,
        'Too long a life, missing or mistyped claims, overflows, duplicates, BOM and bad UTF-8 are refused.',
      ),
      item(17, 'Two openers agree on 10^5 mutated inputs.'),
    ],
  ],
  [
    'Towards the upstream',
    [
      item(18, 'No connection to any of 120 and more hostile addresses and bases, over http and https.'),
      item(19, 'A name that changes its address is stopped when it is dialled, first or pooled.'),
      item(20, 'No redirect is followed, and no key arrives elsewhere.'),
      item(
        21,
        'Over a thousand path suffixes: the path upstream is the path that was checked, or it is refused.',
      ),
      item(22, 'Requests with odd targets or framing are 400 and cause no upstream request.'),
      item(23, 'Request headers upstream are the allow-list, exactly.'),
      item(24, 'Exactly one credential goes up, the real one.'),
      item(25, 'Answer headers are the allow-list, exactly, whatever the upstream sends.'),
      item(26, 'The key comes back in no chunking and no usual encoding.'),
      item(27, 'An upstream that refuses the key is not shown as refusing the caller.'),
      item(28, 'No route reaches the upstream without admission, with any method.'),
      item(29, 'Account-wide endpoints are closed by default at each provider.'),
      item(30, 'Neither token nor config nor environment switches certificate checks off.'),
    ],
  ],
  [
    'Bodies',
    [
      item(
        31,
        'Bodies that two parsers read differently are refused, or the upstream reads the checked model.',
      ),
      item(32, 'Bytes that nothing has to change arrive unchanged.'),
      item(33, '`set` and `cap` change their members and no other byte.'),
      item(34, 'A chunked body is cut at the limit: 413, and the upstream request is aborted.'),
      item(
        35,
        'A model in path, query or form is held where the registry says that it stands.',
        `the rest of the registry: ${PROVIDERS}`,
      ),
    ],
  ],
  [
    'Limits',
    [
      item(36, 'A token of 100 calls under 5,000 parallel requests: exactly 100.', `four replicas: ${EXACT}`),
      item(37, 'Each row of the outcome table holds.'),
      item(38, 'A kill between reservation and answer keeps the count.', EXACT),
      item(39, 'No window of a rate limit holds more than its number.'),
      item(
        40,
        'Concurrency is never exceeded, and leases of the dead lapse within 35 s.',
        `across replicas: ${EXACT}`,
      ),
      item(41, 'Settled and reserved spend stay within the budget at every instant.', MONEY),
      item(42, 'Without a known price, a budget refuses.', MONEY),
      item(43, 'One nonce sent a thousand times at once makes one upstream call.'),
      item(44, 'Proof of possession: a stolen token without its key is refused.', EXACT),
      item(45, 'A race of first addresses pins one.', EXACT),
      item(
        46,
        'Revocation stops new calls and running streams within a second.',
        `on each replica, and pause: ${EXACT}`,
      ),
      item(47, 'Restarts keep counts or refuse older tokens.', `file and Redis: ${EXACT}`),
      item(48, 'A flood of tokens loses no live counter: newcomers get 503.'),
      item(49, 'A Redis that evicts stops the start.', EXACT),
      item(50, 'A store that is down, slow or failed over is answered as the token asks.', EXACT),
      item(51, 'Preflights and refusals consume nothing.'),
    ],
  ],
  [
    'Edge and operations',
    [
      item(52, 'The client address behind trusted proxies, over a table of tricks.'),
      item(53, 'Origins over a table of tricks; `Vary: Origin`; credentials never.'),
      item(54, 'A shared cache in front mixes no two tokens.'),
      item(55, 'Logs, metrics, errors and crashes hold no key, token or body.'),
      item(56, 'Slow and stalled callers cost little memory and little time of honest ones.'),
      item(57, 'Bombs and encoding chains from the upstream cost under 64 MiB.'),
      item(58, 'A million mutated requests: no exit, no unhandled rejection, no leak.'),
      item(59, 'An hour’s step of the clock either way widens no limit.'),
      item(60, 'SIGTERM lets streams end, aborts the rest, settles all and exits 0.'),
    ],
  ],
];
