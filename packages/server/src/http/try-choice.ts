/**
 * What a visitor of the try-it page may choose, and the bounds of it. Nothing here reaches a real provider:
 * tokens of the page are for provider `demo` alone.
 */

/** Models of the demo provider that the page offers. */
const TRY_MODELS = ['demo-chat', 'demo-small', 'demo-large'] as const;

/** A checked choice. */
export interface TryChoice {
  /** 1 to 1000. */
  readonly calls: number;
  /** 10 s to 1 h. */
  readonly seconds: number;
  /** At most so many requests in any minute; null: no limit. */
  readonly perMinute: number | null;
  /** The one model allowed; null: any. */
  readonly model: string | null;
  /** `page`: only the try-it page's origin. `any`: every origin and none. */
  readonly origin: 'page' | 'any';
}

/** Which field is at fault, and in what words. */
export interface TryFault {
  readonly param: string;
  readonly message: string;
}

const FIELDS: readonly string[] = ['calls', 'seconds', 'perMinute', 'model', 'origin'];

function isWhole(value: unknown, min: number, max: number): value is number {
  return Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
}

/** Checks the body of `POST /try/url`. */
export function parseTryChoice(body: unknown): TryChoice | TryFault {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return { param: 'body', message: 'Send a JSON object.' };
  }
  const unknown = Object.keys(body).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) {
    return { param: 'body', message: `Send only ${FIELDS.join(', ')}.` };
  }
  const {
    calls = 5,
    seconds = 300,
    perMinute = null,
    model = null,
    origin = 'page',
  } = body as Partial<Record<keyof TryChoice, unknown>>;
  if (!isWhole(calls, 1, 1000))
    return { param: 'calls', message: 'Calls must be a whole number from 1 to 1000.' };
  if (!isWhole(seconds, 10, 3600)) {
    return { param: 'seconds', message: 'The lifetime must be 10 seconds to 1 hour.' };
  }
  if (perMinute !== null && !isWhole(perMinute, 1, 600)) {
    return { param: 'perMinute', message: 'The rate must be a whole number from 1 to 600.' };
  }
  if (model !== null && !(TRY_MODELS as readonly unknown[]).includes(model)) {
    return { param: 'model', message: `The model must be one of ${TRY_MODELS.join(', ')}.` };
  }
  if (origin !== 'page' && origin !== 'any') {
    return { param: 'origin', message: 'The origin must be "page" or "any".' };
  }
  return { calls, seconds, perMinute, model: model as string | null, origin };
}
