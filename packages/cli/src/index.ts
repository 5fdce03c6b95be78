/** The relayapi command as a function, for programs that bring their own streams. */
export { run } from './program.ts';
export { createTerminal, type Terminal } from './terminal.ts';
