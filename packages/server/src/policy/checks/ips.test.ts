import { BlockList, isIPv6 } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../test/contract/store-contract.ts';
import { makeClaims } from '../../../test/support/policy.ts';
import { checkIps } from './ips.ts';

const verdict = (ips: readonly string[] | string | undefined, client: string | null) =>
  checkIps(makeClaims(ips === undefined ? {} : { ips }), client)?.denied ?? 'ok';

describe('ips', () => {
  it('admits anybody without the claim, and nobody by an empty list', () => {
    expect(verdict(undefined, null)).toBe('ok');
    expect(verdict([], '192.0.2.1')).toBe('ip_denied');
  });

  it.each([
    ['192.0.2.0/24', '192.0.2.255', 'ok'],
    ['192.0.2.0/24', '192.0.3.0', 'ip_denied'],
    ['192.0.2.7', '192.0.2.7', 'ok'],
    ['192.0.2.7', '192.0.2.8', 'ip_denied'],
    ['192.0.2.7/32', '192.0.2.7', 'ok'],
    ['192.0.2.77/24', '192.0.2.1', 'ok'],
    ['0.0.0.0/0', '203.0.113.9', 'ok'],
    ['0.0.0.0/0', '2001:db8::1', 'ip_denied'],
    ['::/0', '2001:db8::1', 'ok'],
    ['::/0', '192.0.2.1', 'ip_denied'],
    ['2001:db8::/32', '2001:db8:ffff::1', 'ok'],
    ['2001:db8::/32', '2001:db9::1', 'ip_denied'],
    ['2001:db8::/33', '2001:db8:8000::1', 'ip_denied'],
    ['2001:DB8::1', '2001:db8:0:0:0:0:0:1', 'ok'],
    ['192.0.2.0/24', '::ffff:192.0.2.9', 'ok'],
    ['::ffff:192.0.2.0/120', '192.0.2.9', 'ok'],
    ['::ffff:192.0.2.0/120', '192.0.3.9', 'ip_denied'],
    ['::ffff:0:0/90', '192.0.2.9', 'ip_denied'],
    ['::ffff:0:0/96', '192.0.2.9', 'ok'],
    ['::ffff:c000:209', '192.0.2.9', 'ok'],
    ['::192.0.2.9', '192.0.2.9', 'ip_denied'],
    ['64:ff9b::192.0.2.9', '64:ff9b::c000:209', 'ok'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8', 'ok'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:9', 'ip_denied'],
    ['1::/16', '1:2::', 'ok'],
    ['::1', '::1', 'ok'],
    ['::', '::', 'ok'],
    ['::', '::1', 'ip_denied'],
  ])('%s and %s: %s', (block, client, expected) => {
    expect(verdict([block], client)).toBe(expected);
  });

  it('reads the list of a token once, not for each request', () => {
    let reads = 0;
    const ips: string[] = [];
    Object.defineProperty(ips, 0, {
      get() {
        reads += 1;
        return '192.0.2.0/24';
      },
    });
    const claims = makeClaims({ ips });
    for (let i = 0; i < 3; i++) expect(checkIps(claims, '192.0.2.1')).toBeNull();
    expect(reads).toBe(1);
  });

  it('admits by any block of the list', () => {
    expect(verdict(['10.0.0.0/8', '192.0.2.0/24'], '192.0.2.1')).toBe('ok');
    expect(verdict(['10.0.0.0/8', '2001:db8::/32'], '192.0.2.1')).toBe('ip_denied');
  });

  it.each([
    '127.1/8',
    '010.0.0.0/8',
    '0x0a.0.0.0/8',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    'x',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8',
    '1::2::3',
    ':::',
    ':1',
    '1.2.3.4::',
    '::1.2.3',
    '::ffff:010.0.0.1',
    '10.0.0.0/08',
    '8',
    '',
    '::1/129',
  ])('an entry that is no plain block (%s) admits nobody', (block) => {
    for (const client of ['10.0.0.1', '127.0.0.1', '8.0.0.1', '::1'])
      expect(verdict([block], client)).toBe('ip_denied');
  });

  it('refuses a caller whose address is unknown or no address', () => {
    expect(verdict(['0.0.0.0/0'], null)).toBe('ip_denied');
    for (const client of ['127.1', '0177.0.0.1', 'localhost', '1.2.3.4:80', '']) {
      expect(verdict(['0.0.0.0/0'], client)).toBe('ip_denied');
    }
  });

  it('fails closed on the pin that this release cannot hold', () => {
    expect(verdict('first', '192.0.2.1')).toBe('ip_denied');
  });

  it('agrees with Node on 5,000 random blocks and addresses', () => {
    const random = createRandom(53);
    const part = (most: number) => Math.floor(random() * most);
    let held = 0;
    for (let round = 0; round < 5000; round++) {
      const six = random() < 0.5;
      // Few distinct parts, so that blocks and addresses meet often.
      const address = () =>
        six
          ? Array.from({ length: 8 }, () => part(3).toString(16))
              .join(':')
              .replace(/(?:^|:)0(?::0)+(?:$|:)/, '::')
          : `10.${part(3)}.${part(2)}.${part(256)}`;
      const [base, client] = [address(), address()];
      const prefix = part(six ? 129 : 33);
      const list = new BlockList();
      list.addSubnet(base, prefix, six ? 'ipv6' : 'ipv4');
      expect(isIPv6(client)).toBe(six);
      const expected = list.check(client, six ? 'ipv6' : 'ipv4');
      if (expected) held += 1;
      expect(`${base}/${prefix} ${client} ${verdict([`${base}/${prefix}`], client)}`).toBe(
        `${base}/${prefix} ${client} ${expected ? 'ok' : 'ip_denied'}`,
      );
    }
    expect(held).toBeGreaterThan(1000);
  });
});
