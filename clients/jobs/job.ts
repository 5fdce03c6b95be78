/** What an SDK is asked to do with a job, step by step. */

/** The relay's address without a version, and the token or, with the token in the path, any text. */
export interface WhereTo {
  readonly base: string;
  readonly key: string;
}

/** Steps by name. `given` holds ids and URLs of another step. What a step gives is what the SDK gave, to be judged by the test. */
export type Steps = Readonly<
  Record<string, (door: WhereTo, given: Readonly<Record<string, string>>) => Promise<unknown>>
>;

/** A value that the test has to have given. */
export function need(given: Readonly<Record<string, string>>, name: string): string {
  const value = given[name];
  if (value === undefined) throw new Error(`${name} was not given`);
  return value;
}
