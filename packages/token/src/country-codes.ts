/**
 * The country codes that a token may name and a relay may recognise: ISO 3166-1 alpha-2 as assigned, and XK.
 * Data only: what is reserved, transitional or a service's own word for "unknown" (EU, UK, XX, ZZ, T1) is not here.
 */

/** ISO 3166-1, officially assigned elements: a fact, checked by a test against Unicode's region data. */
const ASSIGNED =
  'AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ ' +
  'CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR ' +
  'GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP ' +
  'KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT ' +
  'MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW ' +
  'SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ ' +
  'UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW';

/** Kosovo: a user-assigned code by the standard, and the one that every database and network in use gives its callers. */
const KOSOVO = 'XK';

const CODES: ReadonlySet<string> = new Set([...ASSIGNED.split(' '), KOSOVO]);

/** Whether a text is a code of a country, in capitals. */
export function isCountryCode(text: string): boolean {
  return CODES.has(text);
}

/** What people write instead, and should have written. */
const MEANT: Readonly<Record<string, string>> = { UK: 'GB', EL: 'GR' };

/** What is wrong with a list of well-formed codes, for whoever mints; null when each is a country's. */
export function findStrangeCountry(codes: readonly string[]): string | null {
  const strange = codes.find((code) => !isCountryCode(code));
  if (strange === undefined) return null;
  const meant = Object.hasOwn(MEANT, strange) ? `; write ${MEANT[strange]}` : '';
  const region = strange === 'EU' ? '; list the countries one by one' : '';
  return `holds ${strange}, which is no ISO 3166-1 code of a country${meant}${region}`;
}
