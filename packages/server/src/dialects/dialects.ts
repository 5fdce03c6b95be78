/** The dialects by name: what endpoint rows of the registry refer to. The entry file of this shelf. */
import { anthropicMessages } from './anthropic-messages.ts';
import { deepl } from './deepl.ts';
import type { Dialect } from './dialect.ts';
import { gemini } from './gemini.ts';
import { opaque } from './opaque.ts';
import { openaiChat } from './openai-chat.ts';
import { openaiResponses } from './openai-responses.ts';

/** All dialects. That every name a row may use is here is checked where metering is given this table. */
export const DIALECTS = {
  'openai-chat': openaiChat,
  'openai-responses': openaiResponses,
  'anthropic-messages': anthropicMessages,
  gemini,
  deepl,
  opaque,
} as const satisfies Readonly<Record<string, Dialect>>;
