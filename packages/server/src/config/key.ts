/**
 * How one config key is declared: its type with bounds and default, and beside it what docs/options.md says of it.
 * Not the reading of a file: see load-config.ts.
 */
import { z } from 'zod';

/** What the documentation says of a key beyond its type. */
export interface KeyNotes {
  /** One or two sentences: what it does. */
  readonly description: string;
  /** `seconds`, `bytes`, …; absent for plain numbers, texts and switches. */
  readonly unit?: string;
  /** What a careless value gives away; absent when nothing. */
  readonly security?: string;
}

/** A whole number within bounds. */
export function whole(value: number, min: number, max: number, notes: KeyNotes) {
  return z
    .int()
    .min(min)
    .max(max)
    .default(value)
    .meta({ ...notes });
}

/** A number of seconds, fractions allowed, within bounds. */
export function seconds(value: number, min: number, max: number, notes: KeyNotes) {
  return z
    .number()
    .min(min)
    .max(max)
    .default(value)
    .meta({ unit: 'seconds', ...notes });
}

/** A rate or count that may have fractions; 0 switches off. */
export function amount(value: number, max: number, notes: KeyNotes) {
  return z
    .number()
    .min(0)
    .max(max)
    .default(value)
    .meta({ ...notes });
}

/** A switch. */
export function toggle(value: boolean, notes: KeyNotes) {
  return z
    .boolean()
    .default(value)
    .meta({ ...notes });
}

/** A text that must be there. */
export function text(value: string, notes: KeyNotes) {
  return z
    .string()
    .min(1)
    .max(1024)
    .default(value)
    .meta({ ...notes });
}

/** A text, or null for "none". */
export function optionalText(notes: KeyNotes) {
  return z
    .string()
    .min(1)
    .max(1024)
    .nullable()
    .default(null)
    .meta({ ...notes });
}

/** One of a few words. */
export function choice<const T extends readonly [string, ...string[]]>(
  values: T,
  value: T[number],
  notes: KeyNotes,
) {
  return z
    .enum(values)
    .default(value as never)
    .meta({ ...notes });
}

/** A list of texts, empty by default. */
export function texts(notes: KeyNotes) {
  return z
    .array(z.string().min(1).max(256))
    .max(1024)
    .default([])
    .meta({ ...notes });
}

/** A group of keys; each key's own default stands when the group is absent. Unknown names are errors. */
export function group<T extends z.ZodRawShape>(shape: T, description: string) {
  return z
    .strictObject(shape)
    .prefault({} as never)
    .meta({ description });
}
