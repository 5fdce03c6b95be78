/** The fake provider of the quick start and the tests. In the registry only with `-demo`. */
import { defineProvider } from '../define.ts';
import { ANTHROPIC, GEMINI, OPENAI_BASICS, SPEECH, TRANSCRIPTIONS } from '../endpoints.ts';
import type { Provider } from '../provider.ts';

/** The demo provider at `origin` (`http://127.0.0.1:8842`), which speaks OpenAI, Anthropic and Gemini under both version roots. */
export function demoProvider(origin: string): Provider {
  const anthropicOnly = ANTHROPIC.filter((row) => row.kind === 'inference' && row.path !== '/complete');
  const geminiOnly = GEMINI.filter((row) => row.kind === 'inference');
  return defineProvider({
    id: 'demo',
    name: 'Demo provider',
    base: `${origin}/v1`,
    moreRoots: ['/v1beta'],
    endpoints: [...OPENAI_BASICS, SPEECH, TRANSCRIPTIONS, ...anthropicOnly, ...geminiOnly],
    passHeaders: ['anthropic-version', 'anthropic-beta', 'openai-beta'],
    passQuery: ['alt', 'beta'],
    requestIdHeader: 'x-request-id',
    // It echoes what it is sent when told to: its answers are searched for the key like a stranger's.
    trusted: false,
    asOf: '2026-11',
    sources: ['packages/demo-provider'],
  });
}
