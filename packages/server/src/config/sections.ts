/**
 * The groups of config.json that no stage owns: server, store, log, admin and what guards the front door.
 * Names, defaults and bounds only; a stage's own options stand in its options.ts.
 */
import { z } from 'zod';
import { amount, choice, group, optionalText, seconds, text, texts, toggle, whole } from './key.ts';

const MIB = 1024 * 1024;
const YEAR_PROOF = 86_400;
/** RFC 9110 §5.1. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/;

/** `server`: the listener and what a request may cost before it is admitted. */
export const serverSection = group(
  {
    host: text('127.0.0.1', {
      description: 'Address or name to listen on.',
      security:
        'Anything but loopback puts the relay on the network: put TLS in front, since tokens travel in URLs and headers.',
    }),
    port: whole(8840, 0, 65_535, { description: 'TCP port to listen on; 0 takes any free one.' }),
    base_path: z
      .string()
      .regex(/^\/(?:[A-Za-z0-9._~-]+\/)*$/, 'must start and end with "/" and hold plain path segments')
      .max(256)
      .default('/relayapi/')
      .meta({ description: 'Path in front of the token in a relay URL; starts and ends with `/`.' }),
    public_url: z
      .url({ protocol: /^https?$/, error: 'must be an absolute http or https URL' })
      .nullable()
      .default(null)
      .meta({
        description: 'Address under which callers reach the relay, when a proxy stands in front.',
        security: 'Set it when the relay is public: key files of role `shared` are then refused.',
      }),
    trusted_proxies: texts({
      description:
        'Addresses or CIDR ranges of the proxies in front, whose forwarding headers name the client.',
      security:
        'A range that is too wide lets a caller choose its own address, and with it pass `ips` and the limits per address.',
    }),
    workers: whole(1, 0, 256, {
      description:
        'Threads that serve on the one port, with one set of counters; 0 = one per core. More than one needs a system that lets threads share a port (Linux).',
    }),
    read_timeout: seconds(10, 0.1, 3600, {
      description: 'Longest time for the head of a request. Never cuts a body or an answer.',
      security: 'High values let slow clients hold connections.',
    }),
    write_timeout: seconds(60, 0.1, 3600, {
      description:
        'Longest time that a caller may stop reading while bytes wait for it. Silence of the upstream does not count.',
      security: 'High values let stalled readers hold memory and upstream connections.',
    }),
    body_idle_timeout: seconds(15, 0.1, 3600, {
      description: 'Longest pause between two pieces of a request body.',
      security: 'High values let slow uploads hold connections.',
    }),
    keep_alive_timeout: seconds(75, 0, 3600, {
      description:
        'How long an idle connection is kept. Longer than that of a proxy in front, or the proxy meets closed connections.',
    }),
    drain_timeout: seconds(30, 0, 3600, {
      description: 'After SIGTERM: how long running streams may go on before they are ended.',
    }),
    max_header_bytes: whole(32_768, 8192, MIB, {
      description: 'Most bytes of a request head. A token in the URL shares them with large agent headers.',
      unit: 'bytes',
    }),
    max_body_bytes: whole(10 * MIB, 0, 1024 * MIB, {
      description: 'Most bytes of a request body; a token may ask for less.',
      unit: 'bytes',
    }),
    max_buffered_bytes: whole(256 * MIB, MIB, 64 * 1024 * MIB, {
      description:
        'Memory for all bodies held at once: requests that a claim looks into, and answers in which ids are sealed; beyond it requests get 503. Several workers have an equal share each.',
      unit: 'bytes',
      security: 'More than the machine can spare lets holders of tokens exhaust its memory.',
    }),
    debug: toggle(false, {
      description: 'Debug logging, as `-d` does.',
      security: 'Logs grow; keys, tokens and bodies stay out of them at every level.',
    }),
    country_header: z
      .string()
      .regex(HEADER_NAME, 'must be the name of a header alone, such as "CF-IPCountry"')
      .nullable()
      .default(null)
      .meta({
        description:
          'Header in which the proxy in front names the caller’s country, for tokens with `countries`. Believed from `trusted_proxies` only.',
        security:
          'The proxy must set or remove this header on every request: one that passes on what the caller sent lets callers choose.',
      }),
    geoip_file: optionalText({
      description:
        'MaxMind-format file (`.mmdb`) that tells the country of a caller’s address, for tokens with `countries`. Read again when it changes. With `country_header` too, both must allow.',
    }),
  },
  'The listener.',
);

/** `cors`: what browsers are told. */
export const corsSection = group(
  {
    private_network: toggle(false, {
      description: 'Answers `Access-Control-Allow-Private-Network` in preflights.',
      security: 'Lets public pages reach a relay on a private network.',
    }),
  },
  'What browsers are told beyond the fixed headers.',
);

/** `store`: where counters live. */
export const storeSection = group(
  {
    type: choice(['memory', 'file', 'redis'], 'memory', {
      description: 'Where counters live. This release has `memory`.',
    }),
    snapshot: z.string().min(1).max(1024).nullable().default('./relayapi.state').meta({
      description:
        'Memory store: file that a clean stop writes and the next start takes, so that counts survive; null for none.',
      security: 'Whoever can write the file can set counters. It is made with mode 0600.',
    }),
    volatile: choice(['refuse', 'reset'], 'refuse', {
      description:
        'Memory store without a snapshot (a crash): `refuse` turns away older tokens that have counters, `reset` starts their counts anew.',
      security: '`reset` hands out spent quotas again after a crash.',
    }),
    max_bytes: whole(256 * MIB, MIB, 64 * 1024 * MIB, {
      description: 'Memory for counters; beyond it new tokens get 503, known ones go on.',
      unit: 'bytes',
    }),
    path: optionalText({ description: 'File store: its file. Without effect until that store is built.' }),
    url: optionalText({
      description: 'Redis store: its URL. Without effect until that store is built.',
      security: 'May hold a password: prefer the environment over the file.',
    }),
  },
  'Where counters live.',
);

const rates = (what: string) => ({
  requests_per_second: amount(0, 1_000_000, {
    description: `Requests per second ${what}, before authentication; 0 = no limit.`,
    unit: 'requests per second',
  }),
  burst: whole(0, 0, 1_000_000, {
    description: `Requests ${what} that may come at once on top of the rate; 0 = as many as one second brings.`,
    unit: 'requests',
  }),
});

/** `rate_limit`: before authentication. */
export const rateLimitSection = group(
  {
    ...rates('of all callers together'),
    ip_limit: group(rates('of one address (IPv6: /64)'), 'Per client address.'),
  },
  'Limits before authentication.',
);

/** `damping`: what happens to addresses that guess, and how many tokens are opened at once. */
export const dampingSection = group(
  {
    failures: whole(100, 0, 1_000_000, {
      description:
        'Failed openings from one address (IPv6: /64, and ten times as many from a /48) within `window` before its unknown tokens are turned away; tokens opened before pass. Counted by each process for itself, over all its workers. 0 = off.',
      security: '0 lets an address make the relay decrypt as fast as it can send.',
    }),
    window: seconds(10, 1, 3600, { description: 'The time in which `failures` are counted.' }),
    openings: whole(32, 1, 1024, { description: 'Tokens opened at the same time.' }),
    waiting: whole(256, 0, 65_536, {
      description: 'Openings that may wait; more get 503. Tokens opened before wait in front of others.',
    }),
    cached_tokens: whole(10_000, 0, 1_000_000, {
      description: 'Opened tokens kept, so that the next request need not open them.',
    }),
  },
  'Opening tokens, and callers that guess.',
);

const isPort = (text: string) => Number(text) >= 1 && Number(text) <= 65_535;

/** `upstream`: connections to providers. */
export const upstreamSection = group(
  {
    connect_timeout: seconds(10, 0.1, 600, { description: 'Longest time to connect to a provider.' }),
    headers_timeout: seconds(600, 0.1, YEAR_PROOF, {
      description: 'Longest wait for the first byte of an answer; models may think for minutes.',
    }),
    idle_timeout: seconds(300, 0.1, YEAR_PROOF, {
      description: 'Longest pause within an answer.',
    }),
    allow_private: z
      .array(
        z
          .string()
          .regex(/^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):\d{1,5}$/, {
            error: 'must be host:port, such as "127.0.0.1:11434"',
            abort: true,
          })
          .refine(
            (entry) => isPort(entry.slice(entry.lastIndexOf(':') + 1)),
            'has a port that does not exist',
          ),
      )
      .max(1024)
      .default([])
      .meta({
        description:
          'Hosts with ports, such as `127.0.0.1:11434` or `ollama.internal:11434`, that may resolve to addresses that are not public.',
        security:
          'Each entry opens an internal service to whoever can name it in a token. List single services, never a proxy or a metadata address.',
      }),
    pass_rate_limit_headers: toggle(false, {
      description: 'Passes the provider’s `x-ratelimit-*` headers on.',
      security: 'Shows callers how much the account behind the key has left.',
    }),
    keep_alive_comment: seconds(0, 0, 3600, {
      description: 'Pause of a stream after which the relay sends an SSE comment; 0 = never.',
    }),
  },
  'Connections to providers.',
);

/** `admin`: readiness, metrics, details. */
export const adminSection = group(
  {
    enabled: toggle(true, { description: 'Opens the admin listener.' }),
    host: text('127.0.0.1', {
      description: 'Address or name the admin listener is on.',
      security: 'Anything but loopback needs `secret_env` or `secret_file`.',
    }),
    port: whole(8841, 0, 65_535, { description: 'TCP port of the admin listener; 0 takes any free one.' }),
    secret_env: optionalText({
      description: 'Environment variable that holds the secret callers send as `Authorization: Bearer …`.',
    }),
    secret_file: optionalText({
      description: 'File (mode 0600) that holds that secret.',
    }),
  },
  'The admin listener: `/ready`, `/metrics`, details.',
);
