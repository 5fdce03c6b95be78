// Makes what sources keep in a WeakMap of their module end with the test that put it there: files stay loaded during a mutation run,
// and a table remembered from the test before would hide a mutant, or carry it on to the next one.
const PlainWeakMap = globalThis.WeakMap;

type Undo = () => void;
const scopes: Undo[][] = [];

class ScopedWeakMap<K extends WeakKey, V> extends PlainWeakMap<K, V> {
  override set(key: K, value: V): this {
    const before = this.has(key) ? { value: this.get(key) as V } : null;
    scopes.at(-1)?.push(() => {
      if (before === null) this.delete(key);
      else super.set(key, before.value);
    });
    return super.set(key, value);
  }
}

const isOurs = (line: string | undefined) =>
  line?.includes('/packages/') === true && !line.includes('/node_modules/');

/** Puts the scoped WeakMap in the place of the plain one, for our own sources alone. */
export function scopeMemory(): void {
  globalThis.WeakMap = new Proxy(PlainWeakMap, {
    construct(target, args, newTarget) {
      const caller = new Error().stack?.split('\n')[2];
      return Reflect.construct(
        isOurs(caller) ? ScopedWeakMap : target,
        args,
        isOurs(caller) ? ScopedWeakMap : newTarget,
      );
    },
  });
}

/** Begins a scope: a test, or a suite with its hooks. */
export function openScope(): void {
  scopes.push([]);
}

/** Ends the innermost scope: what was put since it began is gone. */
export function closeScope(): void {
  for (const undo of scopes.pop()?.reverse() ?? []) undo();
}
