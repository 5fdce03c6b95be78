/** The relay as a library, for the command line's `check`: what a start would find, and the registry it would use. */
export type { ConfigProblem } from './config/problems.ts';
export { createCatalog } from './providers/catalog.ts';
export { REGISTRY } from './providers/registry.ts';
export { type CheckStartOptions, checkStart, type StartCheck } from './runtime/node/check-start.ts';
