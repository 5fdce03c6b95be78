/**
 * Policy: may this request go on? Opens the token, judges head, route and body, reserves its counters (behaviour spec §1 steps 2 to 5).
 * The entry file of the stage; each check is a file of its own. Refusals are values; nothing here speaks to an upstream.
 */
import {
  type Allow,
  allowOf,
  type Claims,
  CORE_FEATURES,
  type JudgeOptions,
  judgeToken,
  type Keyring,
  openToken,
  type TokenFeatures,
} from 'relayapi-token';
import { type Clock, createExpiryTime } from '../clock.ts';
import { type Denial, deny, isDenial } from '../errors.ts';
import type { Arrival, Opened, Route } from '../exchange.ts';
import type { MaybePromise } from '../io.ts';
import type { Endpoint, Provider, ProviderCatalog } from '../providers/provider.ts';
import {
  isRefusal,
  type Reservation,
  type ReservationRefusal,
  type ReservationRequest,
  type Store,
} from '../stores/store.ts';
import {
  checkBody,
  checkEncoding,
  checkFeaturesKnown,
  checkNoBody,
  type FormFields,
  needsBody,
} from './body.ts';
import { checkCountries } from './checks/countries.ts';
import { checkFetchMetadata } from './checks/fetch-metadata.ts';
import { checkIps } from './checks/ips.ts';
import { checkHeadModels } from './checks/models.ts';
import { checkOrigin } from './checks/origins.ts';
import { checkPath, createReachTest, opensAccount, spellsOut } from './checks/paths.ts';
import { readOnce } from './checks/replay.ts';
import { checkDeclaredSize, maxRequestBytes } from './checks/request-size.ts';
import type { CountryLookup } from './country-lookup.ts';
import type { Damping } from './damping.ts';
import { createFloodCheck, type FloodBuckets } from './flood.ts';
import { createOpener, type Opener, type OpeningFigures, type OpenToken, TOKEN_INVALID } from './opener.ts';
import type { PolicyOptions } from './options.ts';
import { buildReservation, denyRefused } from './reservation.ts';
import { boundByVault, type VaultBounds } from './vault-limits.ts';

/** What policy needs from outside. */
export interface PolicyPorts {
  readonly clock: Clock;
  /** The keys in force now; another object with another generation after each reload. */
  readonly keyring: () => Keyring;
  /** SHA-256 of a text, synchronous, as bytes or as any one spelling of them. */
  readonly digest: (text: string) => string | Uint8Array;
  readonly store: Store;
  readonly catalog: Pick<ProviderCatalog, 'find'>;
  /** Keys that stay at the relay, by name; only their limits matter here. Default none. */
  readonly vault?: ReadonlyMap<string, VaultBounds>;
  /** Default: the token package's opener. */
  readonly open?: OpenToken;
  /** Buckets and failures that are counted together with other threads. Default: this one's own. */
  readonly buckets?: FloodBuckets;
  readonly damping?: Damping;
  /** Default: the token package's judge. */
  readonly judge?: typeof judgeToken;
  /** Default: the token package's. */
  readonly allowOf?: typeof allowOf;
  /** Where addresses are; default nowhere. */
  readonly countryLookup?: CountryLookup;
  /** Claims beyond the core that this relay enforces. Default: `countries` where the options say so. */
  readonly supported?: TokenFeatures;
}

/** The policy stage. */
export interface Policy {
  /** The configured limits before authentication; counts the request. */
  checkFlood(arrival: Arrival): Denial | null;
  /** An authentic token that may be used now, by the keys in force. */
  open(arrival: Arrival): MaybePromise<Opened | Denial>;
  /** What needs the head alone: address, country, origin, how it was asked. */
  checkHead(opened: Opened, arrival: Arrival): Denial | null;
  /** Method, path, models in path and query, nonce header, then what the head says of the body: its size, its encoding where it must be read. */
  checkRoute(opened: Opened, arrival: Arrival, route: Route): Denial | null;
  /** Most bytes of the request body. */
  maxRequestBytes(opened: Opened): number;
  /** Whether a claim must look into the body. */
  needsBody(opened: Opened, route: Route): boolean;
  /** Judges the body as it would be sent, after `set` and `cap`. `formFields`: of a form body, strictly parsed. */
  checkBody(
    opened: Opened,
    route: Route,
    bytes: Uint8Array,
    contentType: string | null,
    formFields?: FormFields,
  ): Denial | null;
  /** Reserves every limit in one step; `reservation` null when the token has none. */
  reserve(
    opened: Opened,
    arrival: Arrival,
    route?: Route,
  ): MaybePromise<{ readonly reservation: Reservation | null } | Denial>;
  /** Judges an opened token again, by the clock and the keys in force now; for reservations and long streams. */
  stillValid(opened: Opened): Denial | null;
  /** What the token's key file grants; null when its key is no longer loaded. */
  allowOf(opened: Opened): Allow | null;
  /** Whether the token opens an account row, so that ids of its kinds are sealed (0033). */
  opensAccount(opened: Opened, provider: Provider, row: Endpoint): boolean;
  /** Whether the token spells out the upstream's own id that a path asks for. */
  spellsOut(
    opened: Opened,
    provider: Provider,
    asked: { readonly method: string; readonly relative: string },
  ): boolean;
  /** For metrics. */
  openingFigures(): OpeningFigures;
}

interface Judging {
  readonly keyring: () => Keyring;
  readonly nowSeconds: () => number;
  readonly judge: typeof judgeToken;
  readonly allowOf: typeof allowOf;
  readonly options: Omit<JudgeOptions, 'now'>;
}

/** What is worked out once for an opened token under one set of keys, and for a good judgement once a second: all it depends on is there. */
interface Standing {
  readonly keys: Keyring;
  readonly allow: Allow | null;
  /** The second in which the token was last found good; -1 before that. */
  goodAtSeconds: number;
  /** What a call without a nonce reserves; undefined until there was one. */
  reservation: ReservationRequest | null | undefined;
}

const standings = new WeakMap<Opened, Standing>();

function standingOf(judging: Judging, opened: Opened): Standing {
  const keys = judging.keyring();
  const known = standings.get(opened);
  if (known !== undefined && known.keys === keys) return known;
  const allow = judging.allowOf(opened.token, keys);
  const standing: Standing = { keys, allow, goodAtSeconds: -1, reservation: undefined };
  standings.set(opened, standing);
  return standing;
}

function judgeOpened(judging: Judging, opened: Opened): Denial | null {
  const standing = standingOf(judging, opened);
  const now = judging.nowSeconds();
  if (standing.goodAtSeconds === now) return null;
  const refusal = judging.judge(opened.token, standing.keys, { now, ...judging.options });
  if (refusal === null) {
    // A key that is no longer loaded has no allow.
    if (standing.allow === null) return TOKEN_INVALID;
    standing.goodAtSeconds = now;
    return null;
  }
  if (refusal.code === 'token_invalid') return TOKEN_INVALID;
  return deny(refusal.code, refusal.claim === undefined ? {} : { param: refusal.claim });
}

function openArrival(opener: Opener, judging: Judging, arrival: Arrival): MaybePromise<Opened | Denial> {
  if (arrival.token === null) return deny('token_missing');
  const judge = (opened: Opened | Denial) =>
    isDenial(opened) ? opened : (judgeOpened(judging, opened) ?? opened);
  const opened = opener.open(arrival.token, arrival.clientGroup);
  return opened instanceof Promise ? opened.then(judge) : judge(opened);
}

function checkHead(
  options: PolicyOptions,
  countryLookup: CountryLookup | null,
  { claims }: Opened,
  arrival: Arrival,
): Denial | null {
  return (
    checkIps(claims, arrival.client) ??
    checkCountries(claims, arrival, countryLookup) ??
    checkOrigin(claims, arrival, options.ownOrigin) ??
    checkFetchMetadata(arrival)
  );
}

function checkRoute(
  judging: Judging,
  options: PolicyOptions,
  opened: Opened,
  arrival: Arrival,
  route: Route,
): Denial | null {
  const { allow } = standingOf(judging, opened);
  if (allow === null) return TOKEN_INVALID;
  const { claims } = opened;
  const refused =
    checkPath(claims, allow, arrival.method, route) ??
    checkHeadModels(claims, route) ??
    checkFeaturesKnown(claims, arrival.method, route.endpoint) ??
    checkNoBody(claims, arrival, route);
  if (refused !== null) return refused;
  const once = readOnce(claims, arrival);
  if (isDenial(once)) return once;
  const maxBytes = maxRequestBytes(claims, options.maxBodyBytes);
  const size = checkDeclaredSize(arrival.request.body.declaredBytes, maxBytes);
  if (size !== null) return size;
  return needsBody(claims, route) ? checkEncoding(arrival) : null;
}

const NOTHING_RESERVED = Object.freeze({ reservation: null });

/** Both the reservation and the judgement after it must hold: a key may have gone while a shared store answered. */
function conclude(
  result: Reservation | ReservationRefusal,
  request: ReservationRequest,
  store: Store,
  judge: () => Denial | null,
): MaybePromise<{ readonly reservation: Reservation } | Denial> {
  if (isRefusal(result)) return denyRefused(result, request);
  const refusal = judge();
  if (refusal === null) return { reservation: result };
  const settled = store.settle(result, { calls: 'refund' });
  return settled instanceof Promise ? settled.then(() => refusal) : refusal;
}

function reserve(
  judging: Judging,
  store: Store,
  leaseMs: number,
  opened: Opened,
  arrival: Arrival,
): MaybePromise<{ readonly reservation: Reservation | null } | Denial> {
  const refusal = judgeOpened(judging, opened);
  if (refusal !== null) return refusal;
  const standing = standingOf(judging, opened);
  if (standing.allow === null) return TOKEN_INVALID;
  const once = readOnce(opened.claims, arrival);
  if (isDenial(once)) return once;
  const request =
    once === null && standing.reservation !== undefined
      ? standing.reservation
      : buildReservation(opened, standing.allow, once, leaseMs);
  if (once === null) standing.reservation = request;
  if (request === null) return NOTHING_RESERVED;
  const result = store.reserve(request);
  const judge = () => judgeOpened(judging, opened);
  return result instanceof Promise
    ? result.then((value) => conclude(value, request, store, judge))
    : conclude(result, request, store, judge);
}

/** Makes the policy stage. */
export function createPolicy(options: PolicyOptions, ports: PolicyPorts): Policy {
  const { clock, keyring, digest, store } = ports;
  const expiryMs = createExpiryTime(clock);
  const nowSeconds = () => Math.floor(expiryMs() / 1000);
  const open = ports.open ?? openToken;
  const vault = ports.vault ?? new Map();
  const bind = (claims: Claims) => boundByVault(claims, vault);
  const { damping, buckets } = ports;
  const opener = createOpener(options, { clock, keyring, digest, open, bind, nowSeconds, damping });
  const checkFlood = createFloodCheck(options, clock, buckets);
  const judging: Judging = {
    keyring,
    nowSeconds,
    judge: ports.judge ?? judgeToken,
    allowOf: ports.allowOf ?? allowOf,
    options: {
      supported: ports.supported ?? { ...CORE_FEATURES, countries: options.countries },
      reachesAccount: createReachTest(ports.catalog),
    },
  };
  return {
    checkFlood: (arrival) => checkFlood(arrival.clientGroup),
    open: (arrival) => openArrival(opener, judging, arrival),
    checkHead: (opened, arrival) => checkHead(options, ports.countryLookup ?? null, opened, arrival),
    checkRoute: (opened, arrival, route) => checkRoute(judging, options, opened, arrival, route),
    maxRequestBytes: ({ claims }) => maxRequestBytes(claims, options.maxBodyBytes),
    needsBody: ({ claims }, route) => needsBody(claims, route),
    checkBody: ({ claims }, route, bytes, contentType, formFields = null) =>
      checkBody(claims, route, bytes, contentType, formFields),
    reserve: (opened, arrival) => reserve(judging, store, options.leaseMs, opened, arrival),
    stillValid: (opened) => judgeOpened(judging, opened),
    allowOf: (opened) => standingOf(judging, opened).allow,
    opensAccount: (opened, provider, row) =>
      opensAccount(opened.claims, standingOf(judging, opened).allow, provider, row),
    spellsOut: (opened, provider, asked) =>
      spellsOut(opened.claims, standingOf(judging, opened).allow, provider, asked),
    openingFigures: opener.figures,
  };
}
