import { describe, expect, it } from 'vitest';
import { createPolicyOptions } from './options.ts';

describe('whether countries can be known', () => {
  it('either the header or the file makes them so, and neither is on by itself', () => {
    expect(createPolicyOptions({ country_header: 'cf-ipcountry' }).countries).toBe(true);
    expect(createPolicyOptions({ country_header: null, geoip_file: '/geo.mmdb' }).countries).toBe(true);
    expect(createPolicyOptions({ country_header: 'cf-ipcountry', geoip_file: null }).countries).toBe(true);
    expect(createPolicyOptions({ country_header: null, geoip_file: null }).countries).toBe(false);
  });
});
