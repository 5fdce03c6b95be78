/** Reads a `.rai` file from disk for the issuing side, with its file mode checked on the opened descriptor (docs/spec/token.md, key files). */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { parseRai, RaiError, type RaiFile } from 'relayapi-token';

/** How a file may be read. */
export interface ReadRaiOptions {
  /** Accepts group-readable files (mode 0040), as container secrets are. Default false. */
  readonly allowGroupRead?: boolean;
}

const READ_BY_OTHERS = 0o077;
const READ_BY_GROUP = 0o040;

/**
 * Reads and checks a key file.
 * Throws RaiError, every problem listed with its JSON path and fix: file missing, mode too loose, foreign owner, bad content.
 */
export function readRaiFile(path: string | URL, options: ReadRaiOptions = {}): RaiFile {
  return parseRai(readRaiBytes(path, options));
}

/** A key file's bytes, its mode and owner checked but not its content. Throws RaiError. For tools that rewrite files. */
export function readRaiBytes(path: string | URL, options: ReadRaiOptions = {}): Uint8Array {
  refuseContent(path);
  let descriptor: number;
  try {
    // non-blocking, or opening a named pipe would wait for its writer
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw problem(
      `${path} cannot be read (${code})`,
      'give the path of an existing .rai file that this user may read',
    );
  }
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) throw problem(`${path} is not a file`, 'give the path of one .rai file');
    if (process.platform !== 'win32') refuseLooseMode(String(path), stat.mode, stat.uid, options);
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** A file's text handed in as its path, from a variable perhaps, would otherwise stand in the message that it cannot be read. */
function refuseContent(path: string | URL): void {
  if (typeof path !== 'string' || !/^\s*[{[]/.test(path)) return;
  throw problem(
    'the text of a .rai file stands where its path belongs',
    'give the path, or the parsed object: new RelayAPIClient(JSON.parse(text))',
  );
}

function refuseLooseMode(path: string, mode: number, uid: number, options: ReadRaiOptions): void {
  const permitted = options.allowGroupRead === true ? READ_BY_GROUP : 0;
  const loose = mode & READ_BY_OTHERS & ~permitted;
  if (loose !== 0) {
    const octal = (mode & 0o777).toString(8).padStart(4, '0');
    throw problem(`${path} is open to other users (mode ${octal})`, `chmod 600 ${path}`);
  }
  const self = process.getuid?.();
  if (self !== undefined && uid !== self && uid !== 0) {
    throw problem(
      `${path} belongs to another user (uid ${uid})`,
      `chown it to the user who runs this program`,
    );
  }
}

function problem(message: string, fix: string): RaiError {
  return new RaiError([{ path: '$', message, fix }]);
}
