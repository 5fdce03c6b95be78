/** The real credential: which parts a provider takes, which keys it refuses, and the one header that is put in. */
import { Secret } from 'relayapi-token';
import type { AuthScheme, Provider } from '../providers/provider.ts';

/** Credential parts by field name; a plain key is `{ key }`. */
export type CredentialParts = Readonly<Record<string, Secret>>;

const HEADER_VALUE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

/** Why a credential does not fit the provider, in words without a byte of it; null when it fits. */
export function misfitOf(provider: Provider, parts: CredentialParts): string | null {
  const given = Object.keys(parts);
  const wanted = provider.credentialFields;
  if (given.length !== wanted.length || !wanted.every((field) => Object.hasOwn(parts, field))) {
    return `${provider.id} takes a credential of ${wanted.join(', ')}`;
  }
  for (const field of wanted) {
    const text = (parts[field] as Secret).reveal();
    for (const { pattern, reason } of provider.refusedKeys) {
      if (new RegExp(pattern, 'u').test(text)) return `the key is ${reason}`;
    }
  }
  return null;
}

/** The credential header, or null where the provider takes none. Throws when a part cannot stand in a header: config and claims are checked before. */
export function credentialHeader(
  auth: AuthScheme,
  parts: CredentialParts,
): { readonly name: string; readonly value: Secret } | null {
  if (auth.kind === 'none') return null;
  const value = auth.template.replace(/\{([a-z_][a-z0-9_]*)\}/g, (_, field: string) => {
    const part = parts[field];
    if (part === undefined) throw new Error(`no credential field ${field}`);
    return part.reveal();
  });
  if (!HEADER_VALUE.test(value)) throw new Error('a credential that cannot stand in a header');
  return { name: auth.name, value: new Secret(value) };
}
