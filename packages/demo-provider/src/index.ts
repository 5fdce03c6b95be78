/** A fake AI provider for tests, benches and the quick start. */
export type { RecordedRequest } from './recorder.ts';
export {
  type DemoCounters,
  type DemoExchange,
  type DemoProvider,
  type DemoProviderOptions,
  type Responder,
  type Step,
  startDemoProvider,
} from './start-demo-provider.ts';
