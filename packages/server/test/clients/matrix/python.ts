/** The Python of the matrix: CI's, or the one that clients/install.sh makes. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const OWN = fileURLToPath(new URL('../../../../../.tools/venv/bin/python3', import.meta.url));

/** An interpreter that has all of the Python SDKs; null when there is none. */
export function findMatrixPython(): string | null {
  const candidates = [process.env['RELAYAPI_TEST_PYTHON'], OWN];
  // found, not loaded: that takes seconds
  const look =
    'import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, ("openai", "anthropic", "google.genai"))))';
  return (
    candidates.find(
      (python) => python !== undefined && spawnSync(python, ['-c', look], { stdio: 'ignore' }).status === 0,
    ) ?? null
  );
}
