/** The real credential: which parts a provider takes, which keys it refuses, and how they get into a request. */
import { encodeUtf8, Secret } from 'relayapi-token';
import type { RouteCredential } from '../exchange.ts';
import type { AuthScheme, CredentialForm, Provider } from '../providers/provider.ts';

/** Credential parts by field name; a plain key is `{ key }`. */
export type CredentialParts = Readonly<Record<string, Secret>>;

const NO_NAMES: readonly string[] = [];
const HEADER_VALUE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

/** The form in which a credential was given, by its fields; null when the provider takes none like it. */
export function formOf(provider: Provider, parts: CredentialParts): CredentialForm | null {
  const { credentialFields: fields, optionalFields, auth, otherCredentials } = provider;
  const given = Object.keys(parts);
  const fits = (form: CredentialForm) =>
    form.fields.every((field) => Object.hasOwn(parts, field)) &&
    given.every((field) => form.fields.includes(field) || form.optionalFields?.includes(field));
  return [{ fields, optionalFields, auth }, ...otherCredentials].find(fits) ?? null;
}

/** Why a credential does not fit the provider, in words without a byte of it; null when it fits. */
export function misfitOf(provider: Provider, parts: CredentialParts): string | null {
  if (formOf(provider, parts) === null) {
    const forms = [provider.credentialFields, ...provider.otherCredentials.map(({ fields }) => fields)];
    return `${provider.id} takes a credential of ${forms.map((fields) => fields.join(', ')).join(' or of ')}`;
  }
  for (const part of Object.values(parts)) {
    const text = part.reveal();
    for (const { pattern, reason } of provider.refusedKeys) {
      if (new RegExp(pattern, 'u').test(text)) return `the key is ${reason}`;
    }
  }
  return null;
}

/** What a credential becomes. */
export interface CredentialPlace {
  readonly vars: Readonly<Record<string, string>>;
  readonly destinationOf: Extract<RouteCredential, { kind: 'made' }>['destinationOf'];
}

/** How a credential gets into a request, null where the provider takes none. Throws when a part cannot stand where it belongs: config and claims are checked before. */
export function routeCredential(
  auth: AuthScheme,
  parts: CredentialParts,
  { vars, destinationOf }: CredentialPlace,
): RouteCredential | null {
  switch (auth.kind) {
    case 'none':
      return null;
    case 'header':
      return { kind: 'header', name: auth.name, value: headerValue(fill(auth.template, parts)) };
    case 'basic': {
      const pair = `${fill(auth.user, parts)}:${fill(auth.password, parts)}`;
      return { kind: 'header', name: 'authorization', value: headerValue(`Basic ${toBase64(pair)}`) };
    }
    case 'query': {
      const pairs = auth.pairs.map(({ name, template }) => {
        return `${encodeURIComponent(name)}=${encodeURIComponent(fill(template, parts))}`;
      });
      return { kind: 'query', value: new Secret(pairs.join(auth.separator ?? '&')) };
    }
    case 'signed':
    case 'exchanged':
      return { kind: 'made', ingredients: { scheme: auth, parts, vars }, destinationOf };
  }
}

/** Names that the credential has in the query: a caller's own pairs of these names are dropped. */
export function queryNamesOf(auth: AuthScheme): readonly string[] {
  const into = auth.kind === 'exchanged' ? auth.put : auth;
  return into.kind === 'query' ? into.pairs.map(({ name }) => name) : NO_NAMES;
}

function headerValue(text: string): Secret {
  if (!HEADER_VALUE.test(text)) throw new Error('a credential that cannot stand in a header');
  return new Secret(text);
}

function fill(template: string, parts: CredentialParts): string {
  return template.replace(/\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (_, field: string) => {
    const part = Object.hasOwn(parts, field) ? parts[field] : undefined;
    if (part === undefined) throw new Error(`no credential field ${field}`);
    return part.reveal();
  });
}

function toBase64(text: string): string {
  return btoa(String.fromCharCode(...encodeUtf8(text)));
}
