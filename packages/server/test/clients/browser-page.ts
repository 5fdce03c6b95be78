/** What the test page runs: the official SDKs of a page, nothing of ours. Bundled by browser.test.ts. */
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';

/** Where an SDK is pointed to. */
export interface PageTarget {
  readonly sdk: 'openai' | 'anthropic';
  /** Without a version segment. */
  readonly base: string;
  readonly apiKey: string;
  readonly stream: boolean;
  readonly text: string;
  readonly model?: string;
  readonly maxRetries?: number;
}

/** What the page saw. */
export interface PageSight {
  readonly text?: string;
  readonly chunks?: number;
  readonly remaining?: string | null;
  readonly requestId?: string | null;
  readonly error?: { readonly status: number | undefined; readonly message: string; readonly name: string };
}

async function viaOpenAI({ base, apiKey, stream, text, model, maxRetries }: PageTarget): Promise<PageSight> {
  const options = { baseURL: `${base}/v1`, apiKey, maxRetries: maxRetries ?? 0 };
  const client = new OpenAI({ ...options, dangerouslyAllowBrowser: true });
  const body = { model: model ?? 'demo-chat', messages: [{ role: 'user' as const, content: text }] };
  if (!stream) {
    const { data, response } = await client.chat.completions.create(body).withResponse();
    return {
      text: data.choices[0]?.message.content ?? '',
      remaining: response.headers.get('relay-calls-remaining'),
      requestId: response.headers.get('x-request-id'),
    };
  }
  let said = '';
  let chunks = 0;
  for await (const part of await client.chat.completions.create({ ...body, stream: true })) {
    said += part.choices[0]?.delta.content ?? '';
    chunks += 1;
  }
  return { text: said, chunks };
}

async function viaAnthropic(target: PageTarget): Promise<PageSight> {
  const { base, apiKey, stream, text, model, maxRetries } = target;
  const options = { baseURL: base, apiKey, maxRetries: maxRetries ?? 0 };
  const client = new Anthropic({ ...options, dangerouslyAllowBrowser: true });
  const messages = [{ role: 'user' as const, content: text }];
  const body = { model: model ?? 'demo-chat', max_tokens: 64, messages };
  if (!stream) {
    const { data, response } = await client.messages.create(body).withResponse();
    return {
      text: JSON.stringify(data.content),
      remaining: response.headers.get('relay-calls-remaining'),
      requestId: response.headers.get('x-request-id'),
    };
  }
  let chunks = 0;
  const streamed = client.messages.stream(body).on('text', () => {
    chunks += 1;
  });
  return { text: JSON.stringify((await streamed.finalMessage()).content), chunks };
}

/** One call; whatever the SDK throws is told with its words. */
async function call(target: PageTarget): Promise<PageSight> {
  try {
    return await (target.sdk === 'openai' ? viaOpenAI(target) : viaAnthropic(target));
  } catch (error) {
    const { status, message, name } = error as Error & { status?: number };
    return { error: { status, message, name } };
  }
}

declare global {
  var callFromPage: typeof call;
}
globalThis.callFromPage = call;
