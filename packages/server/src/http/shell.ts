/**
 * What every answer of the HTTP shell has in common: its headers, its errors, and who counts as somebody on this machine.
 * The shell is everything that is not a relay URL; it has no CORS, so no page of another origin can read it (behaviour spec §4).
 */
import type { Context, MiddlewareHandler } from 'hono';
import { ERRORS, type ErrorCode } from '../errors.ts';

const HEADERS: readonly (readonly [string, string])[] = [
  ['cache-control', 'no-store'],
  ['referrer-policy', 'no-referrer'],
  ['x-content-type-options', 'nosniff'],
  ['x-robots-tag', 'noindex'],
  ['cross-origin-resource-policy', 'same-origin'],
  ['x-frame-options', 'DENY'],
];

const NO_CONTENT_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox";

/** Puts the headers that stand on every answer; a handler's own content policy wins. */
export const shellHeaders: MiddlewareHandler = async (c, next) => {
  await next();
  for (const [name, value] of HEADERS) c.res.headers.set(name, value);
  if (!c.res.headers.has('content-security-policy')) {
    c.res.headers.set('content-security-policy', NO_CONTENT_POLICY);
  }
};

/** An error of the table as JSON. `message` replaces the table's words, `param` names the field at fault. */
export function shellError(
  c: Context,
  code: ErrorCode,
  more: { message?: string; param?: string; status?: number } = {},
): Response {
  const { status, message, type } = ERRORS[code];
  const error = { code, type, message: more.message ?? message, param: more.param ?? null };
  return c.json({ error }, (more.status ?? status) as 400);
}

/** Answers what a route does not do. */
export function onlyMethods(...methods: string[]): (c: Context) => Response {
  return (c) => {
    c.header('allow', methods.join(', '));
    return shellError(c, 'method_not_allowed', { message: 'This address does not answer that method.' });
  };
}

/** Headers that a proxy adds: with one of them, the caller may be anywhere, whatever the socket says. */
const FORWARDED =
  /^(?:forwarded|via|x-forwarded(?:-.*)?|x-real-ip|x-client-ip|x-cluster-client-ip|true-client-ip|cf-connecting-ip|cf-ray|fastly-client-ip|x-original-.*|x-envoy-.*|cdn-loop)$/;

/** Tells loopback names and addresses. */
export type LoopbackTest = (host: string) => boolean;

/** The host name of a `Host` header, without its port; null when it is none. */
function hostName(host: string | undefined): string | null {
  const match = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::\d{1,5})?$/.exec(host ?? '');
  return match?.[1] ?? null;
}

/** True when the request came straight from this machine under a name of this machine: a page of another site that points its own name here does not. */
export function isLocalCaller(c: Context, isLoopback: LoopbackTest): boolean {
  const host = hostName(c.req.header('host'));
  if (host === null || !isLoopback(host)) return false;
  for (const name of c.req.raw.headers.keys()) if (FORWARDED.test(name)) return false;
  return true;
}
