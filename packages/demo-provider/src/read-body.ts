/** Reads a request body in full, slowly, in part or not at all, as the knobs in it ask. */
import type { IncomingMessage } from 'node:http';
import type { Knobs } from './knob-table.ts';
import { NO_KNOBS, parseKnobs } from './knobs.ts';
import type { RecordEntry } from './recorder.ts';

const startTimer = globalThis.setTimeout;

/**
 * What became of a body: all of it; its first chunk alone (`early`, with the model found in it); nothing more wanted
 * (`never`); or the caller left.
 */
export type BodyOutcome =
  | { kind: 'read'; body: Buffer }
  | { kind: 'early'; body: Buffer; model: string }
  | { kind: 'never' }
  | { kind: 'gone' };

/** Reads a body and records it. `headKnobs` are those known before the body; else its first chunk is looked into. */
export function readBody(
  request: IncomingMessage,
  entry: RecordEntry,
  headKnobs: Knobs,
  peek = true,
): Promise<BodyOutcome> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let knobs = headKnobs;
    request.on('data', (chunk: Buffer) => {
      if (peek && chunks.length === 0 && knobs.read === undefined) knobs = readKnobs(peekModel(chunk));
      chunks.push(chunk);
      entry.addBody(chunk);
      // After an early answer the server lets the rest come in, so that the connection can be used again.
      if (knobs.read === undefined || (knobs.read === 'early' && chunks.length > 1)) return;
      request.pause();
      if (knobs.read === 'never') resolve({ kind: 'never' });
      else if (knobs.read === 'early') resolve({ kind: 'early', body: chunk, model: peekModel(chunk) });
      else startTimer(() => request.resume(), (chunk.length * 1000) / (knobs.readBytesPerSecond || 1));
    });
    request.on('end', () => {
      entry.markComplete();
      resolve({ kind: 'read', body: chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks) });
    });
    request.on('error', () => resolve({ kind: 'gone' }));
    request.on('close', () => resolve({ kind: 'gone' }));
  });
}

/** The reading knobs have to be known before the body has been read, so the model is searched, not parsed. */
function peekModel(chunk: Buffer): string {
  return /"model"\s*:\s*"([^"\\]*demo-[^"\\]*)"/.exec(chunk.toString('latin1', 0, 65_536))?.[1] ?? '';
}

function readKnobs(model: string): Knobs {
  const knobs = parseKnobs(model);
  return 'problem' in knobs ? NO_KNOBS : knobs;
}
