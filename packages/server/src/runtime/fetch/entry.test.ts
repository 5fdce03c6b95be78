/** The fetch entry with Web objects alone: requests in, streams out, honest ends. */
import { describe, expect, test, vi } from 'vitest';
import { SHAPED } from '../../../test/support/inbound.ts';
import { BodyAborted, BodyIdle, type InboundRequest, type ResponseSink } from '../../io.ts';
import { createFetchHandler, type FetchHandlerOptions } from './entry.ts';

type Handle = (request: InboundRequest, sink: ResponseSink) => Promise<void> | void;
const make = (handle: Handle, options?: FetchHandlerOptions) => createFetchHandler({ handle }, options);
const URL_ = `https://relay.test/relayapi/${SHAPED}/v1/models?x=%20&y`;
const encode = (text: string) => new TextEncoder().encode(text);
const post = (body: BodyInit, init: RequestInit = {}) =>
  new Request(URL_, { method: 'POST', body, duplex: 'half', ...init } as RequestInit);

async function readAll(request: InboundRequest): Promise<string> {
  let text = '';
  for await (const chunk of request.body.chunks()) text += new TextDecoder().decode(chunk);
  return text;
}
const ok: (sink: ResponseSink, text?: string) => void = (sink, text = '') => {
  sink.start(200, []);
  sink.end(encode(text));
};

describe('requests', () => {
  test('show what a fetch runtime knows, and say that it is not the wire', async () => {
    let seen: InboundRequest | undefined;
    const handler = make((request, sink) => {
      seen = request;
      ok(sink);
    });
    await handler(new Request(URL_, { headers: { 'X-A': '1' } }), { remoteAddress: '192.0.2.9' });
    expect(seen).toMatchObject({
      method: 'GET',
      rawTarget: `/relayapi/${SHAPED}/v1/models?x=%20&y`,
      rawHeaders: ['x-a', '1'],
      httpVersion: null,
      peerAddress: '192.0.2.9',
      exact: false,
      upgrade: false,
    });
    expect(seen?.body.declaredBytes).toBe(0);
  });

  test('the target of a bare origin is a slash, a fragment is left out', async () => {
    const targets: string[] = [];
    const handler = make((request, sink) => {
      targets.push(request.rawTarget);
      ok(sink);
    });
    await handler(new Request('https://relay.test'));
    await handler(new Request('https://relay.test/a?b#c'));
    expect(targets).toEqual(['/', '/a?b']);
  });

  test('A32 bodies arrive whole, declared or not', async () => {
    const seen: unknown[] = [];
    const handler = make(async (request, sink) => {
      seen.push(request.body.declaredBytes, await readAll(request));
      ok(sink);
    });
    await handler(post('hello', { headers: { 'content-length': '5' } }));
    await handler(post(new Blob(['wor', 'ld']).stream()));
    expect(seen).toEqual([5, 'hello', null, 'world']);
  });

  test('a body that breaks is BodyAborted, a pause is BodyIdle', async () => {
    const errors: unknown[] = [];
    const handler = make(
      async (request, sink) => {
        await readAll(request).catch((error: unknown) => errors.push(error));
        ok(sink);
      },
      { bodyIdleMs: 30 },
    );
    const broken = new ReadableStream({
      start(controller) {
        controller.enqueue(encode('a'));
      },
      pull(controller) {
        controller.error(new Error('reset'));
      },
    });
    await handler(post(broken));
    await handler(post(new ReadableStream({})));
    expect(errors[0]).toBeInstanceOf(BodyAborted);
    expect(errors[1]).toBeInstanceOf(BodyIdle);
  });

  test('discarding reads up to its bounds and never throws', async () => {
    let pulled = 0;
    const endless = () =>
      new ReadableStream({
        pull(controller) {
          pulled++;
          controller.enqueue(new Uint8Array(1000));
        },
      });
    const handler = make(async (request, sink) => {
      ok(sink);
      await request.body.discard(10_000, 1000);
    });
    await handler(post(endless()));
    await expect.poll(() => pulled).toBeGreaterThanOrEqual(10);
    const after = pulled;
    await handler(post(new ReadableStream({ pull: (controller) => controller.error(new Error('x')) })));
    expect(pulled).toBeLessThan(after + 3);
  });
});

describe('answers', () => {
  test('status, headers and bytes as the relay gave them', async () => {
    const handler = make((_request, sink) => {
      sink.start(429, [
        ['content-type', 'application/json'],
        ['x-a', '1'],
      ]);
      sink.write(encode('{"a":'));
      sink.end(encode('1}'));
    });
    const response = await handler(new Request(URL_));
    expect(response.status).toBe(429);
    expect(response.headers.get('x-a')).toBe('1');
    expect(await response.json()).toEqual({ a: 1 });
  });

  test('the response is there with the head, before any byte', async () => {
    let given: ResponseSink | undefined;
    const handler = make((_request, sink) => {
      given = sink;
      sink.start(200, []);
      return new Promise(() => {});
    });
    const response = await handler(new Request(URL_));
    const reader = response.body?.getReader();
    given?.write(encode('later'));
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('later');
  });

  test.each([204, 304])('%s has no body', async (status) => {
    const handler = make((_request, sink) => {
      sink.start(status, []);
      sink.end();
    });
    const response = await handler(new Request(URL_));
    expect(response.status).toBe(status);
    expect(response.body).toBeNull();
  });

  test('HEAD has none either', async () => {
    const handler = make((_request, sink) => {
      sink.start(200, [['content-length', '5']]);
      expect(sink.write(encode('hello'))).toBe(true);
      sink.end();
    });
    expect((await handler(new Request(URL_, { method: 'HEAD' }))).body).toBeNull();
  });

  test('write says stop when nobody reads, drain says go on', async () => {
    let given: ResponseSink | undefined;
    let drained = 0;
    let writes = 0;
    const handler = make((_request, sink) => {
      given = sink;
      sink.onDrain(() => drained++);
      sink.start(200, []);
      while (sink.write(new Uint8Array(16_384))) writes++;
    });
    const response = await handler(new Request(URL_));
    expect(writes).toBeGreaterThan(1);
    expect(writes).toBeLessThan(10);
    expect(drained).toBe(0);
    const reader = response.body?.getReader();
    await reader?.read();
    await expect.poll(() => drained).toBe(1);
    given?.end();
  });

  test('a broken answer errors the stream, never ends it', async () => {
    const handler = make((_request, sink) => {
      sink.start(200, []);
      sink.write(encode('half'));
      sink.destroy();
    });
    const response = await handler(new Request(URL_));
    await expect(response.text()).rejects.toThrow('broke off');
  });

  test('destroyed before the head, the promise rejects; so it does when nothing was said', async () => {
    await expect(make((_request, sink) => sink.destroy())(new Request(URL_))).rejects.toThrow('broke off');
    await expect(make(() => {})(new Request(URL_))).rejects.toThrow('broke off');
  });
});

describe('the caller leaves', () => {
  test('cancelling the body tells the relay once', async () => {
    let gone = 0;
    let given: ResponseSink | undefined;
    const handler = make((_request, sink) => {
      given = sink;
      sink.onGone(() => gone++);
      sink.start(200, []);
      sink.write(encode('x'));
    });
    const response = await handler(new Request(URL_));
    await response.body?.cancel();
    expect(gone).toBe(1);
    expect(given?.closed).toBe(true);
    expect(given?.write(encode('y'))).toBe(true);
    given?.end();
    given?.destroy();
    let late = 0;
    given?.onGone(() => late++);
    expect([gone, late]).toEqual([1, 1]);
  });

  test('an aborted request does, too', async () => {
    const controller = new AbortController();
    let gone = 0;
    const handler = make((_request, sink) => {
      sink.onGone(() => gone++);
      sink.start(200, []);
    });
    await handler(new Request(URL_, { signal: controller.signal }));
    controller.abort();
    expect(gone).toBe(1);
  });

  test('before the head the promise rejects', async () => {
    const controller = new AbortController();
    const answer = make(() => new Promise(() => {}))(new Request(URL_, { signal: controller.signal }));
    controller.abort();
    await expect(answer).rejects.toThrow('left');
  });

  test('A56 a caller that stops reading is closed after write_timeout; one that reads slowly is not', async () => {
    vi.useFakeTimers();
    try {
      let gone = 0;
      const handler = make(
        (_request, sink) => {
          sink.onGone(() => gone++);
          sink.onDrain(() => {
            while (sink.write(new Uint8Array(40_000)));
          });
          sink.start(200, []);
          while (sink.write(new Uint8Array(40_000)));
        },
        { writeTimeoutMs: 1000 },
      );
      const response = await handler(new Request(URL_));
      const reader = response.body?.getReader();
      for (let i = 0; i < 5; i++) {
        await vi.advanceTimersByTimeAsync(900);
        await reader?.read();
      }
      expect(gone).toBe(0);
      await vi.advanceTimersByTimeAsync(2100);
      expect(gone).toBe(1);
      await expect(reader?.read()).rejects.toThrow('stopped reading');
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('faults', () => {
  test('before the head: 500 internal with CORS headers, reported', async () => {
    const faults: unknown[] = [];
    const handler = make(
      () => {
        throw new Error('bug');
      },
      { onFault: (fault) => faults.push(fault) },
    );
    const response = await handler(new Request(URL_));
    expect(response.status).toBe(500);
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(await response.json()).toMatchObject({ error: { code: 'internal' } });
    expect(faults).toHaveLength(1);
  });

  test('after it: the stream errors', async () => {
    const handler = make(async (_request, sink) => {
      sink.start(200, []);
      throw new Error('bug');
    });
    await expect((await handler(new Request(URL_))).text()).rejects.toThrow('broke off');
  });
});
