/** Finds the credential of a request, wherever a dialect puts it. It judges only presence and a list of good ones. */

/** One credential as it arrived. */
export interface FoundCredential {
  readonly place: 'authorization' | 'x-api-key' | 'api-key' | 'x-goog-api-key' | 'query';
  /** Without the scheme. */
  readonly value: string;
}

const PLACES = ['authorization', 'x-api-key', 'api-key', 'x-goog-api-key'] as const;

/** Every credential of a request, in a fixed order; `query` is the part after `?`. */
export function findCredentials(headers: Readonly<Record<string, string>>, query: string): FoundCredential[] {
  const found: FoundCredential[] = [];
  for (const place of PLACES) {
    const value = headers[place];
    if (value === undefined) continue;
    const bare = place === 'authorization' ? value.slice(value.lastIndexOf(' ') + 1) : value;
    if (bare.trim() !== '') found.push({ place, value: bare.trim() });
  }
  if (query.includes('key=')) {
    const value = new URLSearchParams(query).get('key');
    if (value) found.push({ place: 'query', value });
  }
  return found;
}
