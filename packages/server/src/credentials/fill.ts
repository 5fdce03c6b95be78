/** Templates of the registry filled in with credential parts and variables. */
import type { Secret } from 'relayapi-token';

/** Values by name. */
export type Values = Readonly<Record<string, string | Secret>>;

/** `template` with each `{name}` replaced. Throws for a name without a value: the registry and the credential were checked against each other before. */
export function fill(template: string, values: Values): string {
  return template.replace(/\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (_, name: string) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value === undefined) throw new Error(`no value for {${name}}`);
    return typeof value === 'string' ? value : value.reveal();
  });
}

/** Pairs as application/x-www-form-urlencoded. */
export function encodePairs(pairs: readonly (readonly [string, string])[], separator = '&'): string {
  return pairs
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join(separator);
}
