/**
 * The admin listener's app: `/ready`, `/metrics` and, at `/`, details for an operator (behaviour spec §10).
 * Open to this machine alone, or to whoever holds the admin secret.
 */
import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { isLocalCaller, type LoopbackTest, onlyMethods, shellError, shellHeaders } from './shell.ts';

/** A key file that is not in use. */
export interface RejectedFile {
  readonly name: string;
  readonly problems: readonly { readonly path: string; readonly message: string; readonly fix: string }[];
}

/** What `/ready` says. */
export interface Readiness {
  readonly ok: boolean;
  /** What speaks against it, in words. */
  readonly reasons: readonly string[];
  readonly rejected: readonly RejectedFile[];
  /** What the counters survive. */
  readonly store: string;
}

/** What the admin app shows. */
export interface AdminParts {
  ready(): Readiness;
  metrics(): Promise<{ text: string; contentType: string }>;
  /** Plain data for `/`; no secrets. */
  details(): Readonly<Record<string, unknown>> | Promise<Readonly<Record<string, unknown>>>;
  /** Judges an `Authorization` header; null where only loopback is let in and no secret is asked for. */
  readonly authorize: ((header: string | undefined) => boolean) | null;
  readonly isLoopback: LoopbackTest;
  readonly onFault?: (error: unknown) => void;
}

function guard({ authorize, isLoopback }: AdminParts): MiddlewareHandler {
  return async (c, next) => {
    if (authorize === null) {
      return isLocalCaller(c, isLoopback) ? next() : shellError(c, 'not_found');
    }
    if (authorize(c.req.header('authorization'))) return next();
    c.header('www-authenticate', 'Bearer realm="relayapi-admin"');
    return shellError(c, 'token_missing', { message: 'Send the admin secret as Authorization: Bearer.' });
  };
}

/** Makes the admin app. */
export function createAdminApp(parts: AdminParts): Hono {
  const app = new Hono();
  app.use(shellHeaders);
  app.use(guard(parts));
  const get = (path: string, handler: (c: Context) => Response | Promise<Response>) => {
    app.get(path, handler);
    app.all(path, onlyMethods('GET', 'HEAD'));
  };
  get('/ready', (c) => {
    const readiness = parts.ready();
    return c.json(readiness, readiness.ok ? 200 : 503);
  });
  get('/metrics', async (c) => {
    const { text, contentType } = await parts.metrics();
    return c.body(text, 200, { 'content-type': contentType });
  });
  get('/', async (c) => c.json(await parts.details()));
  app.notFound((c) => shellError(c, 'not_found'));
  app.onError((error, c) => {
    parts.onFault?.(error);
    return shellError(c, 'internal');
  });
  return app;
}
