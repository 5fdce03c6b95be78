/** Variables of an entry: which values fit, and roots that hold them. The token or the vault names the values, never the caller. */
import type { Provider } from '../providers/provider.ts';

/** Variable values by name. */
export type Variables = Readonly<Record<string, string>>;

/** True when `vars` are exactly the entry's and each matches its whole pattern. */
export function varsFit(provider: Provider, vars: Variables): boolean {
  const wanted = Object.keys(provider.vars);
  if (Object.keys(vars).length !== wanted.length) return false;
  return wanted.every((name) => {
    const value = Object.hasOwn(vars, name) ? vars[name] : undefined;
    return value !== undefined && anchored(provider.vars[name] as string).test(value);
  });
}

/** The template with each `{name}` filled. Every name must be in `vars`. */
export function fillVars(template: string, vars: Variables): string {
  return template.replace(/\{([a-z_][a-z0-9_]*)\}/g, (_, name: string) => vars[name] ?? '');
}

/** Filled entries remembered per entry, since each brings its own endpoint table. */
const MAX_FILLED = 256;
const filled = new WeakMap<Provider, Map<string, Provider>>();

/**
 * The entry with its roots filled, itself where they hold no variable; null where a value could not stand in a path as one plain segment,
 * whatever its pattern lets through.
 */
export function fillRoots(provider: Provider, vars: Variables): Provider | null {
  const used = Object.keys(provider.vars).filter((name) =>
    provider.roots.some((root) => root.includes(`{${name}}`)),
  );
  if (used.length === 0) return provider;
  if (!used.every((name) => isPlainSegment(vars[name] ?? ''))) return null;
  const ofEntry = filled.get(provider) ?? new Map<string, Provider>();
  filled.set(provider, ofEntry);
  const values = used.map((name) => vars[name]).join(' ');
  const known = ofEntry.get(values);
  if (known !== undefined) return known;
  const made: Provider = {
    ...provider,
    roots: provider.roots.map((root) => fillVars(root, vars)),
    endpoints: provider.endpoints.map((row) =>
      row.root === undefined ? row : { ...row, root: fillVars(row.root, vars) },
    ),
  };
  if (ofEntry.size >= MAX_FILLED) ofEntry.clear();
  ofEntry.set(values, made);
  return made;
}

function isPlainSegment(value: string): boolean {
  return /^(?!\.{1,2}$)[A-Za-z0-9._~-]+$/.test(value);
}

function anchored(pattern: string): RegExp {
  return new RegExp(`^(?:${pattern})$`, 'u');
}
