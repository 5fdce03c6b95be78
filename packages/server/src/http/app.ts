/**
 * The HTTP shell of the main listener: `/health`, with `-demo` the try-it page and `POST /try/url`, 404 for the rest.
 * Relay URLs never come here on Node; on fetch runtimes `relay` takes them before the shell's own headers are put on.
 */
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { curlLine } from './curl-line.ts';
import { isLocalCaller, type LoopbackTest, onlyMethods, shellError, shellHeaders } from './shell.ts';
import { parseTryChoice, type TryChoice } from './try-choice.ts';

/** One file of the page. */
export interface PageAsset {
  readonly contentType: string;
  readonly body: string;
}

/** A freshly minted URL. */
export interface MintedUrl {
  /** Relay URL with its token, no trailing slash. */
  readonly url: string;
  /** Seconds since the epoch. */
  readonly expires: number;
}

/** What the try-it page needs. */
export interface TryPage {
  /** Files by path: `/`, `/try/page.js`, `/try/page.css`, … */
  readonly assets: ReadonlyMap<string, PageAsset>;
  /** A URL for provider `demo` under `origin` (`http://127.0.0.1:8840`). */
  mint(choice: TryChoice, origin: string): MintedUrl;
  readonly isLoopback: LoopbackTest;
}

/** The relay as Hono sees it. */
export interface RelayDoor {
  /** True when the relay answers this request, whatever the method. */
  matches(request: Request): boolean;
  /** `info` is what the runtime told of the connection. */
  answer(request: Request, info: object): Promise<Response>;
}

/** What the shell is made of. */
export interface AppParts {
  /** Null without `-demo`. */
  readonly tryPage: TryPage | null;
  /** Fetch runtimes: the relay, for the requests that are its own. On Node the listener has taken those already. */
  readonly relay?: RelayDoor;
  /** Told of exceptions. */
  readonly onFault?: (error: unknown) => void;
}

const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

/** Most bytes of a `POST /try/url` body. */
const MAX_CHOICE_BYTES = 4096;

/** Makes the shell. */
export function createApp({ tryPage, relay, onFault }: AppParts): Hono {
  const app = new Hono();
  if (relay) app.use((c, next) => (relay.matches(c.req.raw) ? relay.answer(c.req.raw, c.env ?? {}) : next()));
  app.use(shellHeaders);
  app.get('/health', (c) => c.text('ok\n'));
  app.all('/health', onlyMethods('GET', 'HEAD'));
  if (tryPage !== null) addTryPage(app, tryPage);
  app.notFound((c) => shellError(c, 'not_found'));
  app.onError((error, c) => {
    onFault?.(error);
    return shellError(c, 'internal');
  });
  return app;
}

function addTryPage(app: Hono, page: TryPage): void {
  const { isLoopback } = page;
  for (const [path, asset] of page.assets) {
    app.get(path, (c) => {
      if (!isLocalCaller(c, isLoopback)) return shellError(c, 'not_found');
      c.header('content-security-policy', PAGE_POLICY);
      c.header('cross-origin-opener-policy', 'same-origin');
      return c.body(asset.body, 200, { 'content-type': asset.contentType });
    });
  }
  const limit = bodyLimit({ maxSize: MAX_CHOICE_BYTES, onError: (c) => shellError(c, 'request_too_large') });
  app.post('/try/url', limit, async (c) => {
    if (!isLocalCaller(c, isLoopback)) return shellError(c, 'not_found');
    const origin = `http://${c.req.header('host')}`;
    if (!isOwnPage(c.req.header('sec-fetch-site'), c.req.header('origin'), origin)) {
      return shellError(c, 'origin_denied', { message: 'Only the page itself may ask for a URL.' });
    }
    if (!/^application\/json\b/i.test(c.req.header('content-type') ?? '')) {
      return shellError(c, 'unsupported_body', { message: 'Send JSON as application/json.' });
    }
    const choice = parseTryChoice(await c.req.json().catch(() => null));
    if ('message' in choice) return shellError(c, 'bad_body', choice);
    const { url, expires } = page.mint(choice, origin);
    const curl = curlLine(url, {
      model: choice.model ?? 'demo-chat',
      ...(choice.origin === 'page' && { origin }),
    });
    return c.json({ url, expires, calls: choice.calls, curl });
  });
  app.all('/try/url', onlyMethods('POST'));
}

/** A page of another site may not spend anything here, not even blindly. */
function isOwnPage(site: string | undefined, origin: string | undefined, own: string): boolean {
  return (site === undefined || site === 'same-origin') && (origin === undefined || origin === own);
}
