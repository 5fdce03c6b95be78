import { Secret } from 'relayapi-token';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../clock.ts';
import { deny } from '../errors.ts';
import type { AdmittedCall, Arrival, Opened, Outcome } from '../exchange.ts';
import { errorFields, type LogFields, type Logger } from './logger.ts';
import type { RequestMeasure } from './metrics.ts';
import { createObservability } from './observability.ts';

const KEY = 'sk-demo-not-a-key';
const TOKEN = `${'eyJhbGciOiJBMjU2S1ci'.repeat(4)}.${'a'.repeat(54)}.${'b'.repeat(16)}.${'c'.repeat(300)}.${'d'.repeat(22)}`;

function arrivalOf(more: Partial<Arrival> = {}): Arrival {
  return {
    request: { rawTarget: `/relayapi/${TOKEN}/v1/chat/completions?key=${KEY}` },
    requestId: 'req_1',
    startedAtMs: 1000,
    method: 'POST',
    client: '203.0.113.7',
    clientGroup: '203.0.113.7',
    origin: 'https://app.example.com',
    token: new Secret(TOKEN),
    ...more,
  } as Arrival;
}

const opened = {
  name: 'k7Qx2a:aB3dE5fG',
  claims: { iss: 'shop', sub: 'user-42', upstream: [{ provider: 'openai', key: new Secret(KEY) }] },
} as unknown as Opened;

const call = {
  arrival: arrivalOf(),
  opened,
  route: {
    provider: { id: 'openai' },
    destination: { origin: 'https://api.openai.com' },
    endpoint: { path: '/chat/completions', dialect: 'openai-chat' },
    credential: { name: 'authorization', value: new Secret(`Bearer ${KEY}`) },
    secrets: [new Secret(KEY)],
  },
} as unknown as AdmittedCall;

const outcome: Outcome = {
  upstreamStatus: 200,
  status: 200,
  written: true,
  bodyPassed: true,
  callerGone: false,
  cut: false,
  denial: null,
  ageMs: 250,
  requestBytes: 100,
  responseBytes: 2000,
  usage: { inputTokens: 12, outputTokens: 34 },
};

function observe(level: 'debug' | 'info' = 'debug') {
  const lines: { level: string; message: string; fields: LogFields }[] = [];
  const measures: RequestMeasure[] = [];
  let live = 0;
  let faults = 0;
  const logger: Logger = {
    enabled: (wanted) => level === 'debug' || wanted !== 'debug',
    log: (wanted, message, fields = {}) => lines.push({ level: wanted, message, fields }),
  };
  const clock: Clock = { nowMs: () => 0, monotonicMs: () => 1500 } as Clock;
  const stage = createObservability(
    {},
    {
      logger,
      clock,
      metrics: {
        request: (measure) => measures.push(measure),
        live: (change) => {
          live += change;
        },
        fault: () => {
          faults += 1;
        },
        render: async (gauges) => ({ text: JSON.stringify(gauges), contentType: 'text/plain' }),
      },
    },
  );
  return { stage, lines, measures, live: () => live, faults: () => faults };
}

describe('the access log', () => {
  it('says who asked for what of whom, how it went, how long it took and what it used', () => {
    const { stage, lines } = observe();
    stage.finished(call, outcome);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      level: 'info',
      message: 'relayed',
      fields: {
        request_id: 'req_1',
        'http.request.method': 'POST',
        'url.path': '/relayapi/[token]/v1/chat/completions',
        'client.address': '203.0.113.7',
        token: 'k7Qx2a:aB3dE5fG',
        issuer: 'shop',
        sub: 'user-42',
        duration_ms: 500,
        'gen_ai.provider.name': 'openai',
        'server.address': 'https://api.openai.com',
        'http.response.status_code': 200,
        upstream_ms: 250,
        'gen_ai.usage.input_tokens': 12,
        'gen_ai.usage.output_tokens': 34,
      },
    });
  });

  it('A55 holds neither the key nor a part of the token, whatever happened', () => {
    const { stage, lines } = observe();
    stage.started(call);
    stage.finished(call, outcome);
    stage.finished(call, { ...outcome, denial: deny('upstream_auth', { reason: `401: bad key ${KEY}` }) });
    stage.refused(
      arrivalOf({ origin: `https://${KEY}` }),
      opened,
      deny('bad_target', { reason: `target ${TOKEN}` }),
    );
    stage.failed(
      arrivalOf(),
      new Error(`cannot send to /${TOKEN} with Bearer ${KEY}`, { cause: new Error(KEY) }),
    );
    const text = JSON.stringify(lines);
    expect(lines).toHaveLength(4);
    expect(text).not.toContain(KEY);
    expect(text).not.toContain(TOKEN.slice(0, 30));
    expect(text).not.toContain('c'.repeat(30));
  });

  it('takes the level of a refusal from the error table', () => {
    const { stage, lines } = observe();
    stage.refused(arrivalOf(), null, deny('not_found'));
    stage.refused(arrivalOf(), null, deny('token_invalid'));
    stage.refused(arrivalOf(), opened, deny('store_down'));
    expect(lines.map((line) => line.level)).toEqual(['debug', 'info', 'error']);
    expect(lines[1]?.fields).toMatchObject({
      'error.type': 'token_invalid',
      'http.response.status_code': 401,
    });
    expect(lines[1]?.fields['token']).toBeUndefined();
  });

  it('has a line for a caller that left before anything was sent, and counts it as answered with nothing', () => {
    const { stage, lines, measures } = observe();
    stage.left(arrivalOf(), opened);
    expect(lines).toMatchObject([
      { level: 'info', message: 'left', fields: { caller_gone: true, token: 'k7Qx2a:aB3dE5fG' } },
    ]);
    expect(measures).toMatchObject([{ status: 0, code: '', provider: '', seconds: 0.5 }]);
  });

  it('has a line for what was refused before it became a request: who, what and why, and a measurement', () => {
    const { stage, lines, measures } = observe();
    const denial = deny('bad_framing', { reason: 'HPE_INVALID_METHOD' });
    stage.unheard({ denial, requestId: 'req_9', peerAddress: '203.0.113.7' });
    expect(lines).toEqual([
      {
        level: 'info',
        message: 'refused',
        fields: {
          request_id: 'req_9',
          'client.address': '203.0.113.7',
          'http.response.status_code': 400,
          'error.type': 'bad_framing',
          param: undefined,
          reason: 'HPE_INVALID_METHOD',
        },
      },
    ]);
    expect(measures).toMatchObject([{ status: 400, code: 'bad_framing', provider: '', seconds: 0 }]);
  });

  it('says the status that was answered where that is not the table’s', () => {
    const { stage, lines, measures } = observe();
    stage.refused(arrivalOf(), null, deny('token_invalid'), 403);
    expect(lines[0]?.fields['http.response.status_code']).toBe(403);
    expect(measures[0]?.status).toBe(403);
  });

  it('builds no line that is not written', () => {
    const { stage, lines, measures } = observe('info');
    stage.refused(arrivalOf(), null, deny('not_found'));
    expect(lines).toEqual([]);
    expect(measures).toHaveLength(1);
  });

  it('warns of an answer that was broken off, and says when the caller left', () => {
    const { stage, lines } = observe();
    stage.finished(call, { ...outcome, cut: true, callerGone: true });
    expect(lines[0]).toMatchObject({ level: 'warn', fields: { cut: true, caller_gone: true } });
  });

  it('what stands in Origin is logged only where it is an origin: it may be a token', () => {
    const { stage, lines } = observe();
    const cut = 'JbuFmY7HES20xZuXd8zxOLwsS-BoSULqZUfpxiuIC_X6xLmsoAm4-fUnMXrcPbPXcbXu';
    const origins = [
      'https://app.example.com:8443',
      'http://[::1]:3000',
      'null',
      cut,
      `https://${cut}`,
      'https://a/b',
    ];
    for (const origin of origins) stage.refused(arrivalOf({ origin }), null, deny('origin_denied'));
    expect(lines.map(({ fields }) => fields['origin'])).toEqual([
      ...origins.slice(0, 3),
      ...Array(3).fill('(not an origin)'),
    ]);
  });

  it('a caller cannot break a line or write one of its own', () => {
    const { stage, lines } = observe();
    stage.refused(
      arrivalOf({ method: 'GET\r\nX', origin: 'a\n{"level":"error"}' }),
      null,
      deny('origin_denied', { param: 'x\ny' }),
    );
    expect(JSON.stringify(lines)).not.toMatch(/\\[nr]/);
  });
});

describe('measurements', () => {
  it('count a call once, with provider, operation and usage', () => {
    const { stage, measures, live } = observe();
    stage.started(call);
    expect(live()).toBe(1);
    stage.finished(call, outcome);
    expect(live()).toBe(0);
    expect(measures).toEqual([
      {
        status: 200,
        code: '',
        provider: 'openai',
        operation: 'chat',
        seconds: 0.5,
        upstreamSeconds: 0.25,
        usage: { inputTokens: 12, outputTokens: 34 },
      },
    ]);
  });

  it('count a refusal under its code and no provider', () => {
    const { stage, measures } = observe();
    stage.refused(arrivalOf(), opened, deny('calls_exhausted'));
    expect(measures[0]).toMatchObject({ status: 402, code: 'calls_exhausted', provider: '' });
  });

  it('count a call without an outcome as a fault of ours: status 0', () => {
    const { stage, measures, lines } = observe();
    stage.finished(call, null);
    expect(measures[0]).toMatchObject({ status: 0, provider: 'openai', usage: null });
    expect(lines[0]?.level).toBe('error');
  });

  it.each([
    ['/chat/completions', 'chat'],
    ['/responses', 'chat'],
    ['/messages', 'chat'],
    ['/models/{model}:generateContent', 'generate_content'],
    ['/models/{model}:streamGenerateContent', 'generate_content'],
    ['/embeddings', 'embeddings'],
    ['/audio/speech', 'other'],
  ])('%s is operation %s', (path, operation) => {
    const { stage, measures } = observe();
    stage.finished(
      { ...call, route: { ...call.route, endpoint: { path } } } as unknown as AdmittedCall,
      outcome,
    );
    expect(measures[0]?.operation).toBe(operation);
  });

  it('exceptions are counted', () => {
    const { stage, faults } = observe();
    stage.failed(null, new Error('x'));
    stage.failed(null, 'a string');
    expect(faults()).toBe(2);
  });

  it('gauges are handed on when asked for', async () => {
    const { stage } = observe();
    expect((await stage.metrics({ storeEntries: 3 })).text).toBe('{"storeEntries":3}');
  });
});

it('an error becomes fields without secrets, its stack without its message', () => {
  const fields = errorFields(new TypeError(`no ${KEY}`));
  expect(fields['exception.type']).toBe('TypeError');
  expect(fields['exception.message']).toBe('no [redacted]');
  expect(fields['exception.stacktrace']).toContain('observability.test.ts');
  expect(String(fields['exception.stacktrace'])).not.toContain('no ');
});
