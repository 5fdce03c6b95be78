/** A fake AI provider for tests, benches and the quick start. */
export type { DemoExchange, Handler, Responder, Step, StepChooser } from './hooks.ts';
export type { DemoCounters } from './listener.ts';
export type { RecordedRequest } from './recorder.ts';
export { createSelfSignedCertificate, type SelfSignedCertificate } from './self-signed-certificate.ts';
export { type DemoProvider, type DemoProviderOptions, startDemoProvider } from './start-demo-provider.ts';
