// What the load sends, byte for byte.
import { describe, expect, test } from 'vitest';
import { chatBody, lastJson, rawRequest, requestFile, SDK_HEADERS, wrkScript } from './requests.ts';

const target = { port: 8840, paths: ['/a', '/b'], headers: { 'x-own': '1' } };

describe('a chat request', () => {
  test.each([1024, 100_000])('of %i bytes is that long and JSON', (bytes) => {
    const body = chatBody({ bytes });
    expect(Buffer.byteLength(body)).toBe(bytes);
    expect(JSON.parse(body).messages[0].content).toContain('bearer tokens');
  });

  test('says what the upstream is to answer in its model', () => {
    const body = JSON.parse(chatBody({ model: 'bench-sse:1:2:3', stream: true }));
    expect([body.model, body.stream]).toEqual(['bench-sse:1:2:3', true]);
    expect(JSON.parse(chatBody()).stream).toBeUndefined();
  });

  test('as raw bytes has one head, every header and the body’s length', () => {
    const raw = rawRequest(target, '/a', '{"ä":1}');
    const [head = '', body] = raw.split('\r\n\r\n');
    const [line, ...lines] = head.split('\r\n');
    expect(line).toBe('POST /a HTTP/1.1');
    expect(body).toBe('{"ä":1}');
    expect(lines).toContain('content-length: 8');
    expect(lines).toContain('host: 127.0.0.1:8840');
    expect(lines).toContain('x-own: 1');
    for (const [name, value] of Object.entries(SDK_HEADERS)) expect(lines).toContain(`${name}: ${value}`);
  });

  test('in a file is preceded by its length in bytes', () => {
    expect(requestFile(['ab', 'ä'])).toBe('2\nab2\nä');
  });
});

describe('wrk', () => {
  test('gets every header, the body and the file of paths', () => {
    const script = wrkScript(target, 'BODY', '/tmp/paths');
    expect(script).toContain('wrk.body = [==[BODY]==]');
    expect(script).toContain('wrk.headers["x-own"] = [==[1]==]');
    expect(script).toContain('wrk.headers["origin"] = [==[https://app.example]==]');
    expect(script).toContain('io.lines([==[/tmp/paths]==])');
  });

  test('what a load printed last is read', () => {
    expect(lastJson('noise\n{"mark":"from"}\n{"requests":7}\n')).toEqual({ requests: 7 });
    expect(() => lastJson('wrk: no such host\n')).toThrow('no result: wrk: no such host');
  });
});
