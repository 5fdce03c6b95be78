/** Tells names and addresses that only this machine can reach. Not a resolver: a name is judged by its text. */

/** True for `localhost`, names under `.localhost`, 127.0.0.0/8 and `::1`, brackets allowed; false for anything else, also for addresses in odd spellings. */
export function isLoopbackHost(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  if (name === 'localhost' || name === '::1') return true;
  if (/^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.localhost$/.test(name)) return true;
  const parts = /^127\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(name);
  if (parts === null) return false;
  return parts.slice(1).every((part) => part === String(Number(part)) && Number(part) < 256);
}
