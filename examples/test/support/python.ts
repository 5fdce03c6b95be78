/** The Python of the examples: CI's virtual environment, a checkout's own, or the machine's. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const OWN = fileURLToPath(new URL('../../../.tools/venv/bin/python3', import.meta.url));

/** An interpreter that can import `module`; null when there is none. */
export function findPython(module: string): string | null {
  const candidates = [process.env['RELAYAPI_TEST_PYTHON'], existsSync(OWN) ? OWN : undefined, 'python3'];
  return (
    candidates.find(
      (python) => python && spawnSync(python, ['-c', `import ${module}`], { stdio: 'ignore' }).status === 0,
    ) ?? null
  );
}
