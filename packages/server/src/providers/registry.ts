/** The built-in entries. A new provider is one object in a file of `entries/`, or a file and one line here. */
import { alibaba, alibabaCn } from './entries/alibaba.ts';
import { anthropic } from './entries/anthropic.ts';
import { AWS_SERVICES } from './entries/aws.ts';
import { azure, azureFoundry } from './entries/azure.ts';
import { CHINESE_HOSTS } from './entries/chinese-hosts.ts';
import { CHINESE_LABS } from './entries/chinese-labs.ts';
import { CLOUD_HOSTS } from './entries/cloud-hosts.ts';
import { CLOUDS } from './entries/clouds.ts';
import { CUSTOMER_HOSTS } from './entries/customer-hosts.ts';
import { deepl } from './entries/deepl.ts';
import { GATEWAYS } from './entries/gateways.ts';
import { google } from './entries/google.ts';
import { GOOGLE_CLOUD } from './entries/google-cloud.ts';
import { HOSTS } from './entries/hosts.ts';
import { JOBS } from './entries/jobs.ts';
import { LABS } from './entries/labs.ts';
import { LOCAL } from './entries/local.ts';
import { MEDIA } from './entries/media.ts';
import { openai } from './entries/openai.ts';
import { deepseek, groq, mistral, openrouter } from './entries/openai-like.ts';
import { SPEECH_PROVIDERS } from './entries/speech.ts';
import { TOOLS } from './entries/tools.ts';
import { UNCONFIRMED } from './entries/unconfirmed.ts';
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
  azureFoundry,
  deepl,
  ...LABS,
  ...CHINESE_LABS,
  ...CHINESE_HOSTS,
  ...GATEWAYS,
  ...HOSTS,
  ...CLOUD_HOSTS,
  ...CUSTOMER_HOSTS,
  ...LOCAL,
  ...UNCONFIRMED,
  ...SPEECH_PROVIDERS,
  ...MEDIA,
  ...AWS_SERVICES,
  ...GOOGLE_CLOUD,
  ...CLOUDS,
  ...TOOLS,
  ...VECTORS,
  ...JOBS,
];
