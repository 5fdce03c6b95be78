/** Which one call tells most of a provider for least: a chat of one token, its model list, or an empty request. */
import type { Endpoint, Provider } from 'relayapi-server';

/** The request of a test. */
export interface Probe {
  readonly method: string;
  /** Root and path. */
  readonly path: string;
  /** JSON; null for none. */
  readonly body: string | null;
  /** What an answer shows: a model's reply, a list that may be open to anybody, or no more than that the key is not refused. */
  readonly kind: 'chat' | 'list' | 'empty';
}

/** OpenAI's own newer models take the newer name alone; most that copied its API know the older one alone. */
const NEWER_LIMIT: ReadonlySet<string> = new Set(['openai', 'azure']);
const GREETING = 'Hi';

/** The probe for an entry; null when it has no row that can be asked for without knowing more. `vars`: variables of its host and roots. */
export function chooseProbe(
  known: Provider,
  model: string | null,
  vars: Readonly<Record<string, string>> = {},
): Probe | null {
  const entry = withRoots(known, vars);
  const chat = model === null ? null : chatProbe(entry, model);
  return chat ?? listProbe(entry) ?? emptyProbe(entry, model);
}

function chatProbe(entry: Provider, model: string): Probe | null {
  for (const row of entry.endpoints) {
    const body = row.kind === 'inference' && row.method === 'POST' ? chatBody(entry, row, model) : null;
    const path = body === null ? null : pathOf(entry, row, model);
    if (path !== null) return { method: 'POST', path, body: JSON.stringify(body), kind: 'chat' };
  }
  return null;
}

/** The smallest body of a chat row; null for other rows. */
function chatBody({ id }: Provider, { dialect, path }: Endpoint, model: string): object | null {
  const messages = [{ role: 'user', content: GREETING }];
  if (dialect === 'openai-chat' && path.endsWith('/chat/completions')) {
    return { model, messages, [NEWER_LIMIT.has(id) ? 'max_completion_tokens' : 'max_tokens']: 1 };
  }
  if (dialect === 'anthropic-messages' && path.endsWith('/messages'))
    return { model, max_tokens: 1, messages };
  if (dialect === 'gemini' && path.endsWith(':generateContent')) {
    return {
      contents: [{ role: 'user', parts: [{ text: GREETING }] }],
      generationConfig: { maxOutputTokens: 1 },
    };
  }
  // 16 is the least that it takes
  if (dialect === 'openai-responses' && path.endsWith('/responses')) {
    return { model, input: GREETING, max_output_tokens: 16 };
  }
  return null;
}

function listProbe(entry: Provider): Probe | null {
  for (const row of entry.endpoints) {
    const path = row.kind === 'models' && row.method === 'GET' ? pathOf(entry, row, null) : null;
    if (path !== null) return { method: 'GET', path, body: null, kind: 'list' };
  }
  return null;
}

/** A request without anything in it costs nothing and is turned down, by most after they have looked at the key. */
function emptyProbe(entry: Provider, model: string | null): Probe | null {
  const rows = entry.endpoints.filter(
    ({ kind, method }) => kind === 'inference' && /^(?:GET|POST)$/.test(method),
  );
  const ordered = [...rows].sort((a, b) => costOf(a) - costOf(b));
  for (const row of ordered) {
    const { method } = row;
    const path = pathOf(entry, row, model);
    if (path !== null) return { method, path, body: method === 'GET' ? null : '{}', kind: 'empty' };
  }
  return null;
}

/** What is dear comes last, should somebody take an empty request for one; what takes no JSON comes late. */
function costOf({ tags, body, method }: Endpoint): number {
  return (tags?.includes('costly') ? 4 : 0) + (method === 'GET' ? 2 : 0) + (body === 'json' ? 0 : 1);
}

/** The entry with the variables of its roots filled in. */
function withRoots(entry: Provider, vars: Readonly<Record<string, string>>): Provider {
  const fill = (root: string) =>
    root.replace(/\{([a-z_][a-z0-9_]*)\}/g, (whole, name: string) => vars[name] ?? whole);
  const endpoints = entry.endpoints.map((row) =>
    row.root === undefined ? row : { ...row, root: fill(row.root) },
  );
  return { ...entry, roots: entry.roots.map(fill), endpoints };
}

/** Root and path with the model in place; null where another segment is not known. */
function pathOf({ roots }: Provider, row: Endpoint, model: string | null): string | null {
  let path = row.path;
  for (const place of row.models ?? []) {
    if (model === null || place.in !== 'path') continue;
    const names = [place.segment, ...(place.more ?? [])].filter((name) => path.includes(`{${name}}`));
    // `owner/name` fills as many segments as it has parts; a name in one segment may hold slashes
    const parts = place.more === undefined ? [model] : model.split('/');
    if (parts.length !== names.length) continue;
    for (const [i, name] of names.entries()) path = path.replace(`{${name}}`, encodeURI(parts[i] as string));
  }
  const whole = (row.root ?? roots[0] ?? '') + path;
  return /[{}*]/.test(whole) ? null : whole;
}
