/** A small MCP server over streamable HTTP with one tool, `echo`. See modelcontextprotocol.io/specification. It keeps no session. */
import { makeAnswer } from '../answer.ts';
import { type Call, echoOf, jsonReply, member, type Reply, streamReply } from '../call.ts';
import { errorReply } from '../errors.ts';

const OLDEST_VERSION = '2025-03-26';
const INVALID_PARAMS = -32602;
const UNKNOWN_METHOD = -32601;

const ECHO_TOOL = {
  name: 'echo',
  description: 'Says what it is told.',
  inputSchema: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
};

/** Answers `POST …/mcp`: one JSON-RPC message. The call of a tool is answered as a stream. */
export function answerMcp(call: Call): Reply {
  const { id, method, params } = call.json;
  if (typeof method !== 'string') return errorReply('mcp', 400, 'Invalid Request');
  if (id === undefined) return { ...jsonReply({}, 202), body: '' };
  const success = (result: object): object => ({ jsonrpc: '2.0', id, result });
  const failure = (code: number, message: string): object => ({
    jsonrpc: '2.0',
    id,
    error: { code, message },
  });
  switch (method) {
    case 'initialize':
      return jsonReply(
        success({
          protocolVersion: member(params, 'protocolVersion') ?? OLDEST_VERSION,
          capabilities: { tools: {} },
          serverInfo: { name: 'relayapi-demo-provider', version: '0.1.0' },
        }),
      );
    case 'ping':
      return jsonReply(success({}));
    case 'tools/list':
      return jsonReply(success({ tools: [ECHO_TOOL] }));
    case 'tools/call': {
      if (member(params, 'name') !== 'echo') return jsonReply(failure(INVALID_PARAMS, 'Unknown tool'));
      const result = success({ content: [{ type: 'text', text: sayAgain(call, params) }] });
      return streamReply([`event: message\ndata: ${JSON.stringify(result)}\n\n`], '');
    }
    default:
      return jsonReply(failure(UNKNOWN_METHOD, 'Method not found'));
  }
}

/** Answers `GET …/mcp`: there is nothing that the server would say by itself. */
export function refuseMcpListening(): Reply {
  return errorReply('mcp', 405, 'Method not allowed.');
}

function sayAgain(call: Call, params: unknown): string {
  const text = String(member(member(params, 'arguments'), 'text') ?? '');
  const facts = { echo: call.knobs.echo ? echoOf(call) : '', credential: call.credential };
  return makeAnswer(text, text, call.knobs, facts).text;
}
