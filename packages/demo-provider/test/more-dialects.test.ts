/** Cohere, Bedrock, Replicate, AssemblyAI and MCP on the wire. Their SDKs are run through a relay by the client matrix. */
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type DemoProvider, startDemoProvider } from '../src/index.ts';

const HI = 'Good morning';
let provider: DemoProvider;
beforeAll(async () => {
  provider = await startDemoProvider();
});
afterAll(() => provider.close());
beforeEach(() => provider.reset());

function send(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(provider.origin + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer sk-demo-not-a-key', ...headers },
    body: JSON.stringify(body),
  });
}
const read = (path: string): Promise<Response> =>
  fetch(provider.origin + path, { headers: { authorization: 'sk-demo-not-a-key' } });

/** The event's or exception's type among headers that are all strings. */
function readType(lines: Buffer): string {
  for (let at = 0; at < lines.length; ) {
    const name = lines.toString('utf8', at + 1, at + 1 + lines.readUInt8(at));
    at += 1 + name.length;
    expect(lines.readUInt8(at)).toBe(7);
    const value = lines.toString('utf8', at + 3, at + 3 + lines.readUInt16BE(at + 1));
    at += 3 + value.length;
    if (/^:(?:event|exception)-type$/.test(name)) return value;
  }
  return '';
}

/** The frames of an Amazon event stream as their type and payload; both checksums are held to. */
function readFrames(bytes: Buffer): [type: string, payload: { delta?: { text: string }; usage?: object }][] {
  const frames: ReturnType<typeof readFrames> = [];
  for (let at = 0; at < bytes.length; ) {
    const total = bytes.readUInt32BE(at);
    const frame = bytes.subarray(at, at + total);
    expect(crc32(frame.subarray(0, 8))).toBe(frame.readUInt32BE(8));
    expect(crc32(frame.subarray(0, -4))).toBe(frame.readUInt32BE(total - 4));
    const head = 12 + frame.readUInt32BE(4);
    frames.push([readType(frame.subarray(12, head)), JSON.parse(frame.toString('utf8', head, total - 4))]);
    at += total;
  }
  return frames;
}

test('Cohere: a stream says piece by piece what the plain answer says, and ends with its usage', async () => {
  const body = { model: 'demo-chat', messages: [{ role: 'user', content: HI }] };
  const plain = (await (await send('/v2/chat', body)).json()) as {
    message: { content: { text: string }[] };
    usage: object;
  };
  expect(plain.message.content[0]?.text).toContain(`"${HI}"`);
  const text = await (await send('/v2/chat', { ...body, stream: true })).text();
  const events = text
    .split('\n\n')
    .flatMap((frame) => /^event: (.+)\ndata: (.+)$/.exec(frame)?.slice(2) ?? [])
    .map((data) => JSON.parse(data));
  expect([...new Set(events.map((event) => event.type))]).toEqual([
    'message-start',
    'content-start',
    'content-delta',
    'content-end',
    'message-end',
  ]);
  const pieces = events.filter((event) => event.type === 'content-delta');
  expect(pieces.map((event) => event.delta.message.content.text).join('')).toBe(
    plain.message.content[0]?.text,
  );
  expect(events.at(-1).delta.usage).toEqual(plain.usage);
});

describe('Bedrock', () => {
  const body = { messages: [{ role: 'user', content: [{ text: HI }] }] };

  test('frames of a stream are whole, and together say what the plain answer says', async () => {
    const plain = (await (await send('/model/demo-chat/converse', body)).json()) as {
      output: { message: { content: { text: string }[] } };
      usage: object;
    };
    expect(plain.output.message.content[0]?.text).toContain(`"${HI}"`);
    const answer = await send('/model/demo-chat/converse-stream', body);
    expect(answer.headers.get('content-type')).toBe('application/vnd.amazon.eventstream');
    const frames = readFrames(Buffer.from(await answer.arrayBuffer()));
    expect(frames[0]?.[0]).toBe('messageStart');
    const deltas = frames.filter(([type]) => type === 'contentBlockDelta');
    expect(deltas.map(([, { delta }]) => delta?.text).join('')).toBe(plain.output.message.content[0]?.text);
    expect(frames.at(-1)?.[0]).toBe('metadata');
    expect(frames.at(-1)?.[1].usage).toEqual(plain.usage);
  });

  test('knobs stand in the path: an error names its type in a header, an exception frame ends a stream', async () => {
    const limited = await send('/model/demo-error-429/converse', body);
    expect([limited.status, limited.headers.get('x-amzn-errortype')]).toEqual([429, 'ThrottlingException']);
    const broken = await send('/model/demo-errorframe-2/converse-stream', body);
    const frames = readFrames(Buffer.from(await broken.arrayBuffer()));
    expect(frames.map(([type]) => type)).toEqual([
      'messageStart',
      'contentBlockDelta',
      'modelStreamErrorException',
    ]);
  });
});

test('Replicate: a prediction is begun, then done; done at once when the caller waits; can be cancelled', async () => {
  const input = { prompt: HI };
  const begun = await (await send('/v1/models/demo/demo-chat/predictions', { input })).json();
  expect(begun).toMatchObject({ status: 'starting', output: null, model: 'demo/demo-chat' });
  const done = await (await fetch(begun.urls.get, { headers: { authorization: 'Bearer k' } })).json();
  expect(done.status).toBe('succeeded');
  expect(done.output.join('')).toContain(`"${HI}"`);
  const waited = await send('/v1/predictions', { version: 'v', input }, { prefer: 'wait=5' });
  expect(await waited.json()).toMatchObject({ status: 'succeeded', version: 'v' });
  const cancelled = await send(`/v1/predictions/${begun.id}/cancel`, {});
  expect(await cancelled.json()).toMatchObject({ id: begun.id, status: 'canceled' });
  const unknown = await read('/v1/predictions/unknown');
  expect([unknown.status, await unknown.json()]).toMatchObject([404, { status: 404 }]);
});

test('AssemblyAI: bytes go up, a transcript is queued, then there', async () => {
  const upload = (await (await send('/v2/upload', 'sound')).json()) as { upload_url: string };
  const queued = await (await send('/v2/transcript', { audio_url: upload.upload_url })).json();
  expect(queued).toMatchObject({ status: 'queued', text: null });
  const done = await (await read(`/v2/transcript/${queued.id}`)).json();
  expect(done).toMatchObject({ status: 'completed', text: expect.stringContaining(upload.upload_url) });
  const nothing = await read('/v2/transcript/unknown');
  expect(await nothing.json()).toEqual({ error: expect.stringContaining('not found') });
});

test('MCP: one tool, whose answer is streamed; notifications are accepted; no listening', async () => {
  const rpc = (method: string, params: object = {}) =>
    send(
      '/mcp',
      { jsonrpc: '2.0', id: 1, method, params },
      { accept: 'application/json, text/event-stream' },
    );
  const hello = await (await rpc('initialize', { protocolVersion: '2025-06-18' })).json();
  expect(hello.result).toMatchObject({
    protocolVersion: '2025-06-18',
    serverInfo: { name: 'relayapi-demo-provider' },
  });
  expect((await send('/mcp', { jsonrpc: '2.0', method: 'notifications/initialized' })).status).toBe(202);
  expect((await (await rpc('tools/list')).json()).result.tools[0].name).toBe('echo');
  const called = await rpc('tools/call', { name: 'echo', arguments: { text: HI } });
  expect(called.headers.get('content-type')).toContain('text/event-stream');
  expect(await called.text()).toContain(HI);
  expect((await (await rpc('tools/call', { name: 'other' })).json()).error.code).toBe(-32602);
  expect((await (await rpc('nothing')).json()).error.code).toBe(-32601);
  expect((await read('/mcp')).status).toBe(405);
});
