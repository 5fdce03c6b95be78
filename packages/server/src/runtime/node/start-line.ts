/** What the relay prints when it listens: one line, and in demo mode a URL to try. */
import { curlLine } from '../../http/curl-line.ts';

/** What stands in the line. */
export interface StartFacts {
  /** `http://127.0.0.1:8840/relayapi/`. */
  readonly url: string;
  /** Named where there are several. */
  readonly workers: number;
  readonly storeType: string;
  /** One sentence. */
  readonly storePromise: string;
  readonly kids: readonly string[];
  /** `http://127.0.0.1:8841`; null without an admin listener. */
  readonly adminUrl: string | null;
}

/** Most key ids that are named. */
const MAX_KIDS = 8;

/** The one line: address, store and its promise, kids loaded. */
export function startLine({ url, workers, storeType, storePromise, kids, adminUrl }: StartFacts): string {
  const named = kids.slice(0, MAX_KIDS).join(', ');
  const more = kids.length > MAX_KIDS ? `, and ${kids.length - MAX_KIDS} more` : '';
  const admin = adminUrl === null ? '' : ` · admin ${adminUrl}`;
  const threads = workers === 1 ? '' : ` · ${workers} workers`;
  const promise = storePromise.replace(/\.$/, '').replace(`${storeType}: `, '');
  return `relayapi-server listening on ${url}${threads} · store ${storeType}: ${promise} · keys ${named}${more}${admin}\n`;
}

/** What follows in demo mode. */
export function demoLines(facts: {
  readonly pageUrl: string;
  readonly relayUrl: string;
  readonly life: string;
}): string {
  return [
    '',
    `Try it in a browser:  ${facts.pageUrl}`,
    '',
    `A sealed URL for the built-in demo provider, ${facts.life}:`,
    '',
    `  ${facts.relayUrl}`,
    '',
    'Stream a chat through it:',
    '',
    `  ${curlLine(facts.relayUrl, { model: 'demo-chat' })}`,
    '',
    '',
  ].join('\n');
}
