/** The port to whatever knows in which country an address is. A runtime that can read files brings one; none is needed. */
import type { Address } from '../address.ts';

/** Looks addresses up. Never throws, never waits. */
export interface CountryLookup {
  /** ISO 3166-1 code of an address; null when it is not known. */
  find(address: Address): string | null;
}
