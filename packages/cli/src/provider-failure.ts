/** What came of a test call, in words: what failed, told apart as far as it can be, and what to do. Never repeats a key. */
import type { OneCallAnswer } from 'relayapi-server';
import { keyKindsOf } from 'relayapi-token';
import type { Probe } from './provider-probe.ts';

/** What is at fault. */
export type FailureKind =
  | 'dns'
  | 'connection'
  | 'timeout'
  | 'tls'
  | 'destination'
  | 'relay'
  | 'key'
  | 'model'
  | 'request'
  | 'quota'
  | 'provider'
  | 'answer';

/** A failure. */
export interface Failure {
  readonly kind: FailureKind;
  readonly message: string;
  readonly fix: string;
}

/** What was tried. */
export interface Tried {
  /** Id in the registry. */
  readonly provider: string;
  /** Origin that was called. */
  readonly origin: string;
  readonly probe: Probe;
  readonly model: string | null;
  /** True when the key begins as those of this provider do, or they have no beginning; null when there is no plain key. */
  readonly looksRight: boolean | null;
  /** What the provider said, masked; '' when nothing can be read. */
  readonly said: string;
}

/** Why a call failed; null when it went well. */
export function explainAnswer(answer: OneCallAnswer, tried: Tried): Failure | null {
  const { upstreamStatus: status, denied } = answer;
  if (status !== null && status >= 400) return explainStatus(status, tried);
  if (denied !== null) return explainDenial(answer, tried);
  if (status === null) {
    return {
      kind: 'relay',
      message: 'the call ended without an answer',
      fix: 'please report it with the command you gave',
    };
  }
  return explainBody(answer, tried);
}

/** Google and xAI turn a wrong key down as a wrong request. */
const SAYS_KEY = /\b(?:api|invalid|incorrect|wrong)[ _-]?key\b/i;

function explainStatus(status: number, tried: Tried): Failure | null {
  const { origin, probe, said } = tried;
  const answered = `${origin} answered ${status}${said === '' ? '' : ` ("${said}")`}`;
  if (status === 401 || status === 403 || status === 407) return explainKey(status, answered, tried);
  if (status === 402 || status === 429 || status === 456) {
    const why = status === 429 ? 'too many requests, or no quota left' : 'no credit or quota left';
    return {
      kind: 'quota',
      message: `${answered}: ${why}`,
      fix: 'look at the account’s billing and limits; the key itself was taken',
    };
  }
  if (status >= 500) {
    return {
      kind: 'provider',
      message: `${answered}: a fault of the provider`,
      fix: 'try again later, and look at its status page',
    };
  }
  const turnedDown = status === 400 || status === 415 || status === 422;
  if (turnedDown && SAYS_KEY.test(said)) return explainKey(status, answered, tried);
  if (probe.kind === 'empty' && turnedDown) return null;
  if (turnedDown && tried.model === null) {
    return {
      kind: 'request',
      message: `${answered}: the request was turned down`,
      fix: 'name a model with --model, or check --var and --base',
    };
  }
  if (status === 404 || status === 405 || turnedDown) {
    const what = tried.model === null ? 'this path' : 'this model, or this path';
    return {
      kind: 'model',
      message: `${answered}: it does not take ${what} (${probe.method} ${probe.path})`,
      fix: 'check --model for its exact id, and --base or --var for the right host',
    };
  }
  return { kind: 'request', message: answered, fix: 'see what the provider’s documents say of this status' };
}

function explainKey(status: number, answered: string, { provider, looksRight }: Tried): Failure {
  const { prefixes } = keyKindsOf(provider);
  const form =
    looksRight === false
      ? `keys of ${provider} begin with ${prefixes.join(' or ')}, and this one does not; `
      : '';
  const rights = status === 403 ? ', and may be used for this model, from this region and address' : '';
  return {
    kind: 'key',
    message: `${answered}: it refused the key`,
    fix: `${form}check that the key is whole, not expired or revoked, and of this very account and region${rights}`,
  };
}

const NO_NAME = /^(?:ENOTFOUND|EAI_[A-Z]+|ENODATA|no address)$/;
const TOO_LATE = /^(?:connect timeout|no connection in time|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH)$/;

function explainDenial({ denied, param, reason }: OneCallAnswer, { origin, provider }: Tried): Failure {
  const why = reason ?? '';
  if (denied === 'destination_denied') {
    return {
      kind: 'destination',
      message: `the relay does not call ${origin}: its ${why}`,
      fix: 'if this host is meant, list its host:port in upstream.allow_private of config.json and give --config; if not, the name leads astray',
    };
  }
  if (/token endpoint/.test(why)) return explainToken(why, provider);
  if (denied === 'upstream_unreachable' || denied === 'upstream_timeout') return explainSilence(why, origin);
  if (denied === 'upstream_auth') {
    return {
      kind: 'key',
      message: `no credential for ${provider} could be made: ${why}`,
      fix: 'check its parts: a private key is PKCS #8 in PEM, or the base64 inside it',
    };
  }
  if (denied === 'upstream_redirect') {
    return {
      kind: 'answer',
      message: `${origin} answered with a redirect, which a relay does not follow`,
      fix: 'the base URL is not that of the API itself: check --base, --var and config',
    };
  }
  if (why.startsWith('the credential stood in')) {
    return {
      kind: 'answer',
      message: `${origin} sent the key back in its answer, and a relay does not pass that on`,
      fix: 'it may be an echo service or a gateway in debug mode: check --base, --var and config',
    };
  }
  if (denied === 'upstream_invalid' || denied === 'upstream_encoding') {
    return {
      kind: 'answer',
      message: `${origin} gave an answer that cannot be passed on: ${why || 'its encoding'}`,
      fix: 'the base URL may lead to a web page or another service: check --base, --var and config',
    };
  }
  const part = param === null ? '' : ` (${param})`;
  return {
    kind: 'relay',
    message: `a relay refuses this call: ${denied}${part}${why === '' ? '' : `, ${why}`}`,
    fix: 'see docs/errors.md for this code',
  };
}

/** The short-lived token that some credentials are exchanged for comes from another host, which fails in its own ways. */
function explainToken(why: string, provider: string): Failure {
  const message = `no token for ${provider}: ${why.replace(/^token endpoint: /, 'its token endpoint was ')}`;
  const status = Number(/ answered (\d{3})$/.exec(why)?.[1] ?? 0);
  if (status >= 500 || status === 429) return { kind: 'provider', message, fix: 'try again later' };
  if (status > 0) {
    return {
      kind: 'key',
      message,
      fix: 'check the parts of the credential, and that it has not been revoked',
    };
  }
  if (why.endsWith('silent'))
    return { kind: 'timeout', message, fix: 'try again, and look for a firewall between' };
  if (why.startsWith('token endpoint: ')) {
    return {
      kind: 'connection',
      message,
      fix: 'check --var, this machine’s DNS, and for a firewall between',
    };
  }
  return { kind: 'answer', message, fix: 'check --var: the endpoint may be another service’s' };
}

function explainSilence(why: string, origin: string): Failure {
  if (why.startsWith('tls ')) return explainTls(why.slice(4), origin);
  if (NO_NAME.test(why)) {
    const server = why === 'EAI_AGAIN' ? ', or no name server answered' : '';
    return {
      kind: 'dns',
      message: `the name ${hostOf(origin)} was not found (${why})${server}`,
      fix: 'check the host for misspellings (--base, --var, config) and this machine’s DNS',
    };
  }
  if (why === 'ECONNREFUSED') {
    return {
      kind: 'connection',
      message: `${origin} refuses connections (${why})`,
      fix: 'check host and port, and that the service runs there',
    };
  }
  if (TOO_LATE.test(why)) {
    return {
      kind: 'timeout',
      message: `no connection to ${origin} (${why})`,
      fix: 'look for a firewall or proxy between: a relay calls directly, without HTTPS_PROXY',
    };
  }
  if (why === 'no status in time' || why === 'silence') {
    return {
      kind: 'timeout',
      message: `${origin} took the request and was silent`,
      fix: 'try again, or another model',
    };
  }
  return {
    kind: 'connection',
    message: `the connection to ${origin} broke (${why || 'no reason given'})`,
    fix: 'try again; if it stays so, something between cuts it',
  };
}

function hostOf(origin: string): string {
  return URL.canParse(origin) ? new URL(origin).hostname : origin;
}

const CERTIFICATES: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by itself',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is signed by an authority that this machine does not know',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'its certificate is signed by an authority that this machine does not know',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'it sends its certificate without those between it and the authority',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
};

function explainTls(code: string, origin: string): Failure {
  const certificate = CERTIFICATES[code];
  if (certificate !== undefined) {
    return {
      kind: 'tls',
      message: `no TLS with ${origin}: ${certificate} (${code})`,
      fix: 'if a proxy of yours opens TLS here, name its authority: NODE_EXTRA_CA_CERTS=FILE; else check the host, and this machine’s clock',
    };
  }
  return {
    kind: 'tls',
    message: `no TLS with ${origin} (${code})`,
    fix: 'check that the port speaks TLS, and that nothing between breaks it',
  };
}

/** An answer of 200 that is none. */
function explainBody({ body, broken }: OneCallAnswer, { origin, probe }: Tried): Failure | null {
  const fix = 'the base URL may lead to another service: check --base, --var and config';
  if (broken)
    return {
      kind: 'answer',
      message: `the answer of ${origin} broke off`,
      fix: 'try again; if it stays so, something between cuts it',
    };
  if (probe.kind === 'empty') return null;
  try {
    const read: unknown = JSON.parse(new TextDecoder().decode(body));
    if (typeof read === 'object' && read !== null) return null;
  } catch {
    // said below
  }
  return { kind: 'answer', message: `${origin} answered with something that is not JSON`, fix };
}
