/** What is not passed on of an answer: redirects, encodings, pages, the key, and what is over the token's limit. */
import { beforeEach, describe, expect, test } from 'vitest';
import { settle } from '../../test/support/fake-time.ts';
import { createMemorySink } from '../../test/support/forwarding.ts';
import {
  createForwardingRig,
  type ForwardingRig,
  JSON_TYPE,
  SSE_TYPE,
} from '../../test/support/forwarding-rig.ts';
import { KEY } from '../../test/support/route.ts';

const encode = (text: string) => new TextEncoder().encode(text);
let rig: ForwardingRig;
beforeEach(() => {
  rig = createForwardingRig();
});

describe('answers that are not passed on', () => {
  test.each([301, 302, 303, 307, 308])('A20 %i ends in upstream_redirect', async (status) => {
    const running = await rig.start();
    rig.transport.answer(status, { ...JSON_TYPE, location: 'https://evil.example/' });
    await settle();
    expect(rig.sink).toMatchObject({ status: 502, text: '{"code":"upstream_redirect"}' });
    expect(rig.sink.header('location')).toBeNull();
    expect(rig.transport.requests).toHaveLength(1);
    expect(running.outcome).toMatchObject({ upstreamStatus: status, status: 502 });
  });

  test('A57 a compressed answer is dropped unread', async () => {
    await rig.start();
    rig.transport.answer(200, { ...JSON_TYPE, 'content-encoding': 'gzip' }, 'x'.repeat(1000));
    await settle();
    expect(rig.sink).toMatchObject({ status: 502, text: '{"code":"upstream_encoding"}' });
    expect(rig.transport.aborted).toBe(1);
    expect(rig.tap.bytes).toBe(0);
  });

  test('a page of HTML keeps its status and loses its body, and advice on retrying stays the status’s own', async () => {
    await rig.start();
    rig.transport.answer(503, { 'content-type': 'text/html', 'retry-after': '5' }, '<script>');
    await settle();
    expect(rig.sink).toMatchObject({ status: 503, text: '{"code":"upstream_invalid"}' });
    expect(rig.sink.header('retry-after')).toBe('5');
    expect(rig.sink.header('x-should-retry')).toBeNull();
    expect(rig.sink.header('content-type')).toBe('application/json');
  });

  test('HEAD is answered without a body, refusals included', async () => {
    await rig.start({ method: 'HEAD' });
    rig.transport.answer(200, { 'content-type': 'text/html', 'content-length': '5' });
    await settle();
    expect(rig.sink).toMatchObject({ status: 200, text: '', ended: true });
  });
});

describe('A26 the key does not come back', () => {
  test('in an error body, in whatever encoding and chunking', async () => {
    for (const shown of [KEY, Buffer.from(`a${KEY}`).toString('base64'), encodeURIComponent(KEY)]) {
      const to = createMemorySink();
      const running = await rig.start({}, to);
      rig.transport.answer(400, JSON_TYPE, ...`{"m":"${shown}"}`);
      expect(to.started).toBe(false);
      rig.transport.events.onEnd();
      await settle();
      expect(to).toMatchObject({ status: 400, text: '{"code":"upstream_invalid"}' });
      expect(running.outcome).toMatchObject({ upstreamStatus: 400, denial: { denied: 'upstream_invalid' } });
    }
  });

  test('in a header that is passed on', async () => {
    for (const [status, shown] of [
      [200, 502],
      [429, 429],
    ] as const) {
      const to = createMemorySink();
      await rig.start({}, to);
      rig.transport.answer(status, { ...JSON_TYPE, 'x-request-id': `for-${KEY}` }, '{}');
      rig.transport.events.onEnd();
      await settle();
      expect(to.status).toBe(shown);
      expect(JSON.stringify(to.headers)).not.toContain(KEY);
    }
  });

  test('in the body of an origin that is not trusted: nothing of the key leaves, the stream is cut', async () => {
    const text = `data: {"x":"${KEY}"}\n\n`;
    for (let cut = 1; cut < text.length; cut++) {
      const to = createMemorySink();
      const running = await rig.start({ route: { trusted: false } }, to);
      rig.transport.answer(200, SSE_TYPE, text.slice(0, cut), text.slice(cut));
      await rig.time.advance(1000);
      expect(to.destroyed).toBe(true);
      expect(to.text).not.toContain('sk-');
      const passed = to.text.replace(/\n\ndata: \{"error":"upstream_invalid"\}\n\n$/, '');
      expect('data: {"x":"'.startsWith(passed)).toBe(true);
      expect(running.outcome).toMatchObject({ cut: true, denial: { denied: 'upstream_invalid' } });
    }
    expect(rig.transport.aborted).toBe(text.length - 1);
  });

  test('what only began like the key is passed on, at the latest at the end', async () => {
    await rig.start({ route: { trusted: false } });
    rig.transport.answer(200, { 'content-type': 'text/plain' }, 'x sk-demo-not');
    expect(rig.sink.text).toBe('x ');
    rig.transport.events.onEnd();
    await settle();
    expect(rig.sink).toMatchObject({ text: 'x sk-demo-not', ended: true });
  });

  test('a trusted origin’s body is not looked into', async () => {
    await rig.start();
    rig.transport.answer(200, { 'content-type': 'text/plain' }, `so ${KEY}`);
    expect(rig.sink.text).toBe(`so ${KEY}`);
  });

  test('the credential itself is searched for even where the route lists no secrets', async () => {
    await rig.start({ route: { secrets: [] } });
    rig.transport.answer(500, JSON_TYPE, `"${KEY}"`);
    rig.transport.events.onEnd();
    await settle();
    expect(rig.sink.text).not.toContain(KEY);
  });
});

describe('error answers', () => {
  test.each([400, 404, 429, 500, 503])('%i passes with its body once it is whole', async (status) => {
    const running = await rig.start({ remaining: 3 });
    rig.transport.answer(status, { ...JSON_TYPE, 'retry-after': '90' }, '{"error":', '"x"}');
    expect(rig.sink.started).toBe(false);
    rig.transport.events.onEnd();
    await settle();
    expect(rig.sink).toMatchObject({ status, text: '{"error":"x"}', ended: true });
    expect(rig.sink.header('content-length')).toBe('13');
    expect(rig.sink.header('retry-after')).toBe('60');
    expect(rig.sink.header('relay-calls-remaining')).toBe('3');
    expect(running.outcome).toMatchObject({
      upstreamStatus: status,
      status,
      bodyPassed: false,
      denial: null,
    });
  });

  test('one that is too long to be searched keeps its status and loses its body', async () => {
    await rig.start();
    rig.transport.answer(500, JSON_TYPE, 'x'.repeat(64 * 1024), 'y');
    await settle();
    expect(rig.sink).toMatchObject({ status: 500, text: '{"code":"upstream_invalid"}' });
    expect(rig.transport.aborted).toBe(1);
  });

  test('one that breaks off keeps its status too, one that drips without end is 504', async () => {
    await rig.start();
    rig.transport.answer(500, JSON_TYPE, '{');
    rig.transport.fail('reset');
    await settle();
    expect(rig.sink).toMatchObject({ status: 500, text: '{"code":"upstream_unreachable"}' });

    const dripping = createMemorySink();
    await rig.start({}, dripping);
    rig.transport.answer(500, JSON_TYPE);
    for (let i = 0; i < 31; i++) {
      rig.transport.events.onData(encode('x'));
      await rig.time.advance(1000);
    }
    expect(dripping).toMatchObject({ status: 504, text: '{"code":"upstream_timeout"}' });
  });
});

describe('limits.response_bytes', () => {
  const claims = { limits: { response_bytes: 10 } };

  test('cuts a stream at exactly that many bytes', async () => {
    const running = await rig.start({ claims });
    rig.transport.answer(200, { 'content-type': 'text/plain' }, '1234567', '89abcdef');
    await settle();
    expect(rig.sink).toMatchObject({ text: '123456789a', destroyed: true, ended: false });
    expect(rig.transport.aborted).toBe(1);
    expect(running.outcome).toMatchObject({
      responseBytes: 10,
      cut: true,
      denial: { denied: 'budget_exhausted', param: 'limits.response_bytes' },
    });
  });

  test('lets an answer of exactly that length pass', async () => {
    await rig.start({ claims });
    rig.transport.answer(200, { ...JSON_TYPE, 'content-length': '10' }, '123456789a');
    rig.transport.events.onEnd();
    expect(rig.sink).toMatchObject({ text: '123456789a', ended: true });
  });

  test('refuses a longer declared length before anything is sent', async () => {
    const running = await rig.start({ claims });
    rig.transport.answer(200, { ...JSON_TYPE, 'content-length': '11' }, '123456789ab');
    await settle();
    expect(rig.sink).toMatchObject({ status: 402, text: '{"code":"budget_exhausted"}' });
    expect(running.outcome).toMatchObject({ upstreamStatus: 200, bodyPassed: false });
  });
});
