/**
 * Ids that belong to whoever made them (0033): which kinds are sealed for a token, and the sealed form, `rai_` and base64url of AES-SIV over
 * the upstream's id. The context binds provider, kind, issuer and subject, so that what another subject was given opens no more than noise does.
 */
import { decodeBase64Url, decodeUtf8, encodeBase64Url, encodeUtf8, type SivBox } from 'relayapi-token';
import type { Opened } from '../exchange.ts';
import type { Endpoint, Provider } from '../providers/provider.ts';
import { SEALED_ID_PREFIX } from '../sealed-id.ts';

/** What sealing needs from outside. */
export interface IdPorts {
  /** Boxes of the key file that the token came by: the first seals, any opens. Empty when its key is no longer loaded. */
  boxesOf(opened: Opened): readonly SivBox[];
  /** Whether the token opens an account row: its `paths` reach it, and the key file's `allow.paths` do. */
  opens(opened: Opened, provider: Provider, row: Endpoint): boolean;
  /** Whether the token's `paths`, and the key file's, spell out the id that a path asks for, which is then sent as it stands. */
  spells(
    opened: Opened,
    provider: Provider,
    asked: { readonly method: string; readonly relative: string },
  ): boolean;
}

/** Sealing for one token at one provider. */
export interface IdScope {
  /** Kinds that are sealed. */
  readonly kinds: ReadonlySet<string>;
  seal(kind: string, id: string): string;
  open(kind: string, sealed: string): string | null;
  /** Whether the token itself names the upstream's id in this path. */
  spells(method: string, relative: string): boolean;
}

/** A longer text is not looked at: no provider's id comes near. */
const MAX_SEALED = 4096;

/** Null when nothing is sealed for this token. */
export function createIdScope(
  provider: Provider,
  opened: Opened,
  ports: IdPorts | undefined,
): IdScope | null {
  if (provider.ids.length === 0) return null;
  // most tokens open nothing that is kept: they are not to wait while each row is asked
  if (opened.claims.paths === undefined && !provider.endpoints.some(({ kind }) => kind === 'job'))
    return null;
  const kinds = sealedKinds(provider, (row) => ports?.opens(opened, provider, row) ?? true);
  if (kinds.size === 0) return null;
  const { iss, sub, jti } = opened.claims;
  const subject = sub === undefined ? `jti:${jti}` : `sub:${sub}`;
  const contextOf = (kind: string) => [provider.id, kind, iss, subject].map(encodeUtf8);
  return {
    kinds,
    spells: (method, relative) => ports?.spells(opened, provider, { method, relative }) ?? false,
    seal(kind, id) {
      const [box] = ports?.boxesOf(opened) ?? [];
      // a key that has gone ends its calls; what they still say must open nowhere
      const sealed = box?.seal(contextOf(kind), encodeUtf8(id)) ?? new Uint8Array(0);
      return SEALED_ID_PREFIX + encodeBase64Url(sealed);
    },
    open(kind, text) {
      if (!text.startsWith(SEALED_ID_PREFIX) || text.length > MAX_SEALED) return null;
      const sealed = decodeBase64Url(text.slice(SEALED_ID_PREFIX.length));
      // strict: one spelling alone, so that the same id is not known under several names
      if (sealed === null) return null;
      for (const box of ports?.boxesOf(opened) ?? []) {
        const id = box.open(contextOf(kind), sealed);
        if (id !== null) return decodeUtf8(id);
      }
      return null;
    },
  };
}

/** Kinds of job rows, of account rows that are open, and what goes with these. */
function sealedKinds(provider: Provider, opens: (row: Endpoint) => boolean): ReadonlySet<string> {
  const kinds = new Set<string>();
  for (const row of provider.endpoints) {
    if (row.kind !== 'job' && row.kind !== 'account') continue;
    const own = kindsOf(row);
    if (own.length === 0 || (row.kind === 'account' && !opens(row))) continue;
    for (const kind of own) kinds.add(kind);
  }
  for (const { kind, with: other } of provider.ids)
    if (other !== undefined && kinds.has(other)) kinds.add(kind);
  return kinds;
}

/**
 * What a row is about: what it is asked for, or what it makes anew. Files that a stored answer cites, or that a batch is fed with, are not: who
 * opens answers may still be given the ids of files by the backend.
 */
function kindsOf({ takes = [], makes = [] }: Endpoint): readonly string[] {
  const asked = takes.filter((place) => place.in !== 'body').map(({ kind }) => kind);
  if (takes.some((place) => place.in === 'path')) return asked;
  const fed = takes.filter((place) => place.in === 'body').map(({ kind }) => kind);
  return [...asked, ...makes.map(({ kind }) => kind).filter((kind) => !fed.includes(kind))];
}

/**
 * Whether a path that no row knows leads to where sealed ids stand: the list of them, something below one, or a row that takes one in its query.
 * The upstream may read a raw id there, or show everybody's. Compared as lenient servers read paths: decoded, and in any case of letters.
 */
export function leadsToIds(provider: Provider, { kinds }: IdScope, relative: string): boolean {
  const asked = relative
    .split('/')
    .slice(1)
    .filter((text) => text !== '')
    .map(readLenient);
  return provider.endpoints.some((row) => {
    const taken = row.takes?.filter((place) => place.in !== 'body' && kinds.has(place.kind)) ?? [];
    if (taken.length === 0) return false;
    const parts = row.path.slice(1).split('/');
    const at = parts.findIndex((part) =>
      taken.some((place) => place.in === 'path' && part.includes(`{${place.segment}}`)),
    );
    // an id in the query stands behind the whole path
    const before = at === -1 ? parts : parts.slice(0, at);
    return (
      asked.length >= before.length &&
      before.every((part, i) => part.includes('{') || part.toLowerCase() === asked[i])
    );
  });
}

function readLenient(text: string): string {
  try {
    return decodeURIComponent(text).toLowerCase();
  } catch {
    return text.toLowerCase();
  }
}
