/** Starts a demo provider from a command line and prints its origin: for benches and for trying things by hand. */
import { parseArgs } from 'node:util';
import { startDemoProvider } from './start-demo-provider.ts';

const { values } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '0' },
    pace: { type: 'string', default: '0' },
    keep: { type: 'string', default: '0' },
  },
});
const provider = await startDemoProvider({
  host: values.host,
  port: Number(values.port),
  paceMs: Number(values.pace),
  keep: Number(values.keep),
});
process.stdout.write(`${provider.origin}\n`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void provider.close().then(() => process.exit(0)));
}
