/** RelayAPI for Node backends: seal a provider key and its limits into a URL (interfaces: README). */
export { MintError, RaiError, Secret } from 'relayapi-token';
export { RelayAPIClient } from './client.ts';
export { type GenerateOptions, OPTION_NAMES, type UpstreamOptions } from './options.ts';
export { type ReadRaiOptions, readRaiBytes, readRaiFile } from './rai-file.ts';
