/** The built-in entries. A new provider is one line here and one file, or a few lines, in `entries/`. */
import { alibaba, alibabaCn } from './entries/alibaba.ts';
import { anthropic } from './entries/anthropic.ts';
import { azure } from './entries/azure.ts';
import { deepl } from './entries/deepl.ts';
import { google } from './entries/google.ts';
import { JOBS } from './entries/jobs.ts';
import { openai } from './entries/openai.ts';
import { deepseek, groq, mistral, openrouter } from './entries/openai-like.ts';
import type { Provider } from './provider.ts';

/** Every provider that a relay knows without config. The demo provider is not among them (`entries/demo.ts`). */
export const REGISTRY: readonly Provider[] = [
  openai,
  anthropic,
  google,
  mistral,
  deepseek,
  groq,
  openrouter,
  alibaba,
  alibabaCn,
  azure,
  deepl,
  ...JOBS,
];
