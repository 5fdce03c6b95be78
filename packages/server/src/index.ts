/**
 * The relay as a library, for the command line: what a start would find, the registry it would use, what secrets look like, and one call
 * through a relay in this process.
 */
export type { ConfigProblem } from './config/problems.ts';
export type { Config } from './config/schema.ts';
export { createCatalog } from './providers/catalog.ts';
export type { AuthScheme, Endpoint, Provider } from './providers/provider.ts';
export { REGISTRY } from './providers/registry.ts';
export { printable, redact } from './redact.ts';
export { type CheckStartOptions, checkStart, type StartCheck } from './runtime/node/check-start.ts';
export { callOnce, type OneCall, type OneCallAnswer } from './runtime/node/one-call.ts';
export { type OwnSecret, readOwnSecrets } from './runtime/node/own-secrets.ts';
export { findSecrets, type SecretSpan } from './secret-formats.ts';
