/** The built-in entries. A new provider is one line here and one file, or a few lines, in `entries/`. */
import { alibaba, alibabaCn } from './entries/alibaba.ts';
import { anthropic } from './entries/anthropic.ts';
import { AWS_SERVICES } from './entries/aws.ts';
import { azure } from './entries/azure.ts';
import { CLOUDS } from './entries/clouds.ts';
import { deepl } from './entries/deepl.ts';
import { google } from './entries/google.ts';
import { GOOGLE_CLOUD } from './entries/google-cloud.ts';
import { MEDIA } from './entries/media.ts';
import { openai } from './entries/openai.ts';
import { deepseek, groq, mistral, openrouter } from './entries/openai-like.ts';
import { SPEECH } from './entries/speech.ts';
import { TOOLS } from './entries/tools.ts';
import { VECTORS } from './entries/vectors.ts';
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
  ...SPEECH,
  ...MEDIA,
  ...AWS_SERVICES,
  ...GOOGLE_CLOUD,
  ...CLOUDS,
  ...TOOLS,
  ...VECTORS,
];
