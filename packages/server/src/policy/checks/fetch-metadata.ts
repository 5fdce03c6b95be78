/** Links are followed by unfurlers, prefetchers and tags in a page: a token in a path answers none of them (behaviour spec §4). */
import { type Denial, deny } from '../../errors.ts';
import type { Arrival } from '../../exchange.ts';

const DESTINATIONS: ReadonlySet<string> = new Set([
  'document',
  'iframe',
  'frame',
  'object',
  'embed',
  'image',
  'script',
  'style',
]);

/** `method_denied` when `Sec-Fetch-Dest` or `Sec-Purpose` shows that no program asked. */
export function checkFetchMetadata(arrival: Arrival): Denial | null {
  if (arrival.tokenPlace !== 'path') return null;
  const destination = arrival.header('sec-fetch-dest')?.trim().toLowerCase();
  if (destination !== undefined && DESTINATIONS.has(destination)) {
    return deny('method_denied', { param: 'sec-fetch-dest' });
  }
  // `prefetch`, `prefetch;prerender`: a structured item with parameters.
  const purpose = arrival.header('sec-purpose')?.split(';', 1)[0]?.trim().toLowerCase();
  return purpose === 'prefetch' ? deny('method_denied', { param: 'sec-purpose' }) : null;
}
