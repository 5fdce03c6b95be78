/** Error bodies as each dialect's own service writes them, status and message given. */
import { type Dialect, jsonReply, type Reply } from './call.ts';

const OPENAI_TYPES: Record<number, [type: string, code: string | null]> = {
  400: ['invalid_request_error', null],
  401: ['invalid_request_error', 'invalid_api_key'],
  403: ['invalid_request_error', 'unsupported_country_region_territory'],
  404: ['invalid_request_error', 'model_not_found'],
  413: ['invalid_request_error', 'request_too_large'],
  429: ['requests', 'rate_limit_exceeded'],
};

const ANTHROPIC_TYPES: Record<number, string> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};

const GOOGLE_STATUSES: Record<number, string> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  409: 'ABORTED',
  429: 'RESOURCE_EXHAUSTED',
  499: 'CANCELLED',
  500: 'INTERNAL',
  501: 'UNIMPLEMENTED',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

/** Bedrock says in a header what kind of error it is. */
const AMAZON_TYPES: Record<number, string> = {
  400: 'ValidationException',
  401: 'UnrecognizedClientException',
  403: 'AccessDeniedException',
  404: 'ResourceNotFoundException',
  408: 'ModelTimeoutException',
  429: 'ThrottlingException',
  503: 'ServiceUnavailableException',
};

/** The error object of a dialect, as it stands in a body. */
export function errorBody(dialect: Dialect, status: number, message: string): Record<string, unknown> {
  switch (dialect) {
    case 'anthropic':
      return {
        type: 'error',
        error: {
          type: ANTHROPIC_TYPES[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error'),
          message,
        },
        request_id: 'req_demo',
      };
    case 'gemini':
      return { error: { code: status, message, status: GOOGLE_STATUSES[status] ?? 'UNKNOWN' } };
    case 'deepl':
    case 'bedrock':
      return { message };
    case 'cohere':
      return { id: 'demo', message };
    case 'replicate':
      return { title: status === 401 ? 'Unauthenticated' : 'Error', detail: message, status };
    case 'assemblyai':
      return { error: message };
    case 'mcp':
      return { jsonrpc: '2.0', error: { code: -32000, message }, id: null };
    default: {
      const [type, code] = OPENAI_TYPES[status] ?? [
        status < 500 ? 'invalid_request_error' : 'server_error',
        null,
      ];
      return { error: { message, type, param: null, code } };
    }
  }
}

/** A whole error answer of a dialect. */
export function errorReply(dialect: Dialect, status: number, message: string): Reply {
  const reply = jsonReply(errorBody(dialect, status, message), status);
  if (dialect === 'bedrock')
    reply.headers['x-amzn-errortype'] = AMAZON_TYPES[status] ?? 'InternalServerException';
  return reply;
}

/** What a dialect writes into a running stream before it gives up. */
export function errorFrame(dialect: Dialect, message = 'The demo provider failed as asked.'): string {
  switch (dialect) {
    case 'anthropic':
      return `event: error\ndata: ${JSON.stringify({ type: 'error', error: { type: 'overloaded_error', message } })}\n\n`;
    case 'responses':
      return `event: error\ndata: ${JSON.stringify({ type: 'error', code: 'server_error', message, param: null, sequence_number: 99 })}\n\n`;
    case 'gemini':
      return `data: ${JSON.stringify(errorBody('gemini', 503, message))}\n\n`;
    default:
      return `data: ${JSON.stringify(errorBody('openai', 500, message))}\n\n`;
  }
}
