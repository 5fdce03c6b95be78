/** The relay as a library, for the command line's `check`: what a start would find, the registry it would use, and what secrets look like. */
export type { ConfigProblem } from './config/problems.ts';
export { createCatalog } from './providers/catalog.ts';
export { REGISTRY } from './providers/registry.ts';
export { printable, redact } from './redact.ts';
export { type CheckStartOptions, checkStart, type StartCheck } from './runtime/node/check-start.ts';
export { type OwnSecret, readOwnSecrets } from './runtime/node/own-secrets.ts';
export { findSecrets, type SecretSpan } from './secret-formats.ts';
