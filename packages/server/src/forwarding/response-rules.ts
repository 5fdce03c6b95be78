/** What may be passed on of an upstream's answer, judged on status and headers alone (behaviour.md §5). */
import { type Denial, deny } from '../errors.ts';
import { headerValue, headerValues, type RawHeaders } from '../io.ts';
import type { RestScope } from './credential-rest.ts';
import { isEncoded } from './header-text.ts';

/** How an answer is handled. */
export type Verdict =
  /** The relay's own body; `keepStatus` keeps the upstream's status on it. */
  | {
      readonly kind: 'replace';
      readonly denial: Denial;
      readonly keepStatus: boolean;
      /** Whose calls with this credential rest for a while; null: nobody's. */
      readonly rest: RestScope | null;
    }
  /** Read whole and searched before anything is passed on. */
  | { readonly kind: 'collect' }
  /** Passed on as it comes. */
  | { readonly kind: 'stream' }
  /** Passed on without a body. */
  | { readonly kind: 'empty' };

/** What the verdict depends on besides the answer. */
export interface VerdictContext {
  readonly method: string;
  /** True when the token's `features` name `pdf`. */
  readonly allowPdf: boolean;
}

/** Statuses by which providers refuse a credential; the caller's own credential is the token, so it must never see them. */
const AUTH_STATUSES = new Set([401, 402, 403, 407, 456]);

/**
 * Statuses that a caller can provoke with a good key: a model or region that the account lacks, more tokens than its credit covers.
 * They rest the credential for that token alone, or one stranger could stop everybody behind the same key.
 */
const PROVOKED_STATUSES = new Set([402, 403]);

const TYPES = new Set([
  // bytes that a browser saves; Anthropic's batches come so
  'application/binary',
  'application/json',
  'application/jsonl',
  'application/ndjson',
  'application/octet-stream',
  'application/vnd.amazon.eventstream',
  'application/x-json-stream',
  'application/x-jsonl',
  'application/x-jsonlines',
  'application/x-ndjson',
  'image/avif',
  'image/bmp',
  'image/gif',
  'image/jpeg',
  'image/png',
  'image/tiff',
  'image/webp',
  // 3D models: bytes that no browser runs
  'model/gltf-binary',
  'text/event-stream',
  'text/plain',
]);

/** Decides over an answer. 1xx never come here. */
export function judgeResponse(status: number, rawHeaders: RawHeaders, context: VerdictContext): Verdict {
  if (AUTH_STATUSES.has(status)) {
    const rest = PROVOKED_STATUSES.has(status) ? 'token' : 'credential';
    return replace(deny('upstream_auth', { reason: `upstream status ${status}` }), { rest });
  }
  if (status >= 300 && status < 400) {
    return replace(deny('upstream_redirect', { reason: `upstream status ${status}` }));
  }
  if (status < 200 || status > 599) {
    return replace(deny('upstream_invalid', { reason: `upstream status ${status}` }));
  }
  if (isEncoded(rawHeaders)) {
    return replace(deny('upstream_encoding'));
  }
  const length = declaredLength(rawHeaders);
  const type = contentType(rawHeaders);
  const bodiless = context.method === 'HEAD' || status === 204 || status === 205 || length === 0;
  if (type === null && bodiless) return { kind: 'empty' };
  if (type === null || !isPassableType(type, context.allowPdf)) {
    return replace(deny('upstream_invalid', { reason: 'content type is not passed on' }), {
      keepStatus: true,
    });
  }
  if (bodiless) return { kind: 'empty' };
  return status >= 400 ? { kind: 'collect' } : { kind: 'stream' };
}

/** Type and subtype in lower case without parameters; null when absent, doubled or not one. */
export function contentType(rawHeaders: RawHeaders): string | null {
  const values = headerValues(rawHeaders, 'content-type');
  if (values.length !== 1) return null;
  const value = values[0] as string;
  // what nearly every answer says, word for word
  if (value === 'application/json' || value === 'text/event-stream') return value;
  const [bare] = value.split(';', 1) as [string];
  const essence = bare.trim().toLowerCase();
  return /^[a-z0-9!#$&^_.+-]+\/[a-z0-9!#$&^_.+-]+$/.test(essence) ? essence : null;
}

/** True for the types of the allow-list; `image/svg+xml` and all that a browser could run are not on it. */
export function isPassableType(type: string, allowPdf: boolean): boolean {
  if (TYPES.has(type) || (allowPdf && type === 'application/pdf')) return true;
  if (type.startsWith('audio/') || type.startsWith('video/')) return !type.endsWith('+xml');
  return type.startsWith('application/') && type.endsWith('+json');
}

/** `Content-Length` as a number, null when absent or not plain digits. */
export function declaredLength(rawHeaders: RawHeaders): number | null {
  const value = headerValue(rawHeaders, 'content-length');
  return value !== null && /^\d{1,15}$/.test(value) ? Number(value) : null;
}

function replace(denial: Denial, more: { keepStatus?: boolean; rest?: RestScope } = {}): Verdict {
  return { kind: 'replace', denial, keepStatus: more.keepStatus ?? false, rest: more.rest ?? null };
}
