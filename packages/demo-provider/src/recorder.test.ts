import { createHash } from 'node:crypto';
import { describe, expect, test, vi } from 'vitest';
import { createRecorder } from './recorder.ts';

const head = {
  method: 'POST',
  rawTarget: '/x',
  rawHeaders: ['Host', 'demo', 'X-A', '1', 'x-a', '2'],
  socketId: 1,
};
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

describe('a record', () => {
  test('keeps raw headers as they came and joins repeated ones in the map', () => {
    const { request } = createRecorder(10).begin(head);
    expect(request.rawHeaders).toEqual(head.rawHeaders);
    expect(request.headers).toEqual({ host: 'demo', 'x-a': '1, 2' });
  });

  test('a header named __proto__ is a header', () => {
    const { request } = createRecorder(10).begin({ ...head, rawHeaders: ['__proto__', 'x'] });
    expect(Object.keys(request.headers)).toEqual(['__proto__']);
  });

  test('joins its body and digests it', () => {
    const entry = createRecorder(10).begin(head);
    expect(entry.request.sha256).toBe(sha256(Buffer.alloc(0)));
    entry.addBody(Buffer.from('ab'));
    expect(entry.request.sha256).toBe(sha256(Buffer.from('ab')));
    entry.addBody(Buffer.from('c'));
    expect(entry.request.body.toString()).toBe('abc');
    expect(entry.request.sha256).toBe(sha256(Buffer.from('abc')));
    expect(entry.request.bodyBytes).toBe(3);
  });

  test.each([1, 1024 * 1024 - 1, 1024 * 1024, 1024 * 1024 + 1])(
    'keeps one MiB and digests all, in chunks after the first %i bytes',
    (first) => {
      const bytes = Buffer.alloc(3 * 1024 * 1024, 'abcdefg');
      const entry = createRecorder(10).begin(head);
      entry.addBody(bytes.subarray(0, first));
      entry.addBody(bytes.subarray(first, first + 10));
      entry.addBody(bytes.subarray(first + 10));
      expect(entry.request.body.equals(bytes.subarray(0, 1024 * 1024))).toBe(true);
      expect(entry.request.sha256).toBe(sha256(bytes));
      expect(entry.request.sha256).toBe(sha256(bytes));
      expect(entry.request.bodyBytes).toBe(bytes.length);
    },
  );

  test('closes once: the first ending counts', () => {
    const entry = createRecorder(10).begin(head);
    entry.markClosed(true, null);
    entry.markClosed(false, 200);
    expect(entry.request).toMatchObject({ closedEarly: true, status: null, closedAt: expect.any(Number) });
  });
});

describe('the list', () => {
  test('keeps the newest n and goes on counting', () => {
    const recorder = createRecorder(2);
    for (let i = 0; i < 5; i++) recorder.begin(head);
    expect(recorder.requests.map((request) => request.index)).toEqual([3, 4]);
  });

  test('is the same array after a clear, and counts from 0 again', () => {
    const recorder = createRecorder(2);
    const { requests } = recorder;
    recorder.begin(head);
    recorder.clear();
    expect(requests).toHaveLength(0);
    expect(recorder.begin(head).request.index).toBe(0);
    expect(requests).toHaveLength(1);
  });
});

describe('waitFor', () => {
  test('finds what is already there', async () => {
    const recorder = createRecorder(2);
    const { request } = recorder.begin(head);
    expect(await recorder.waitFor(() => true)).toBe(request);
  });

  test('asks again on arrival, body, completion and end', async () => {
    const recorder = createRecorder(2);
    const seen: string[] = [];
    const waits = [
      recorder.waitFor(() => true).then(() => seen.push('arrival')),
      recorder.waitFor((request) => request.bodyBytes > 0).then(() => seen.push('body')),
      recorder.waitFor((request) => request.complete).then(() => seen.push('complete')),
      recorder.waitFor((request) => request.closedAt !== null).then(() => seen.push('closed')),
    ];
    const entry = recorder.begin(head);
    await waits[0];
    entry.addBody(Buffer.from('x'));
    await waits[1];
    entry.markComplete();
    await waits[2];
    entry.markClosed(false, 200);
    await waits[3];
    expect(seen).toEqual(['arrival', 'body', 'complete', 'closed']);
  });

  test('gives up after its time and says how many there were', async () => {
    const recorder = createRecorder(2);
    recorder.begin(head);
    await expect(recorder.waitFor(() => false, 5)).rejects.toThrow(
      'no such request within 5 ms; 1 are recorded',
    );
  });

  test('a fake clock in the test does not stop it', async () => {
    vi.useFakeTimers();
    try {
      await expect(createRecorder(1).waitFor(() => false, 5)).rejects.toThrow('within 5 ms');
    } finally {
      vi.useRealTimers();
    }
  });
});
