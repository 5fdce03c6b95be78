/** A raw client for tests: writes bytes, shows bytes, and tells how the connection ended. */
import { connect } from 'node:net';

export interface WireAnswer {
  /** Everything that came back, as latin1. */
  readonly text: string;
  /** `end` for a FIN, an error code for a reset. */
  readonly ending: string;
}

/** Sends bytes and reads until the connection ends or `until` is satisfied. */
export function talk(
  port: number,
  bytes: string | Buffer,
  until: (text: string) => boolean = () => false,
): Promise<WireAnswer> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    const finish = (ending: string): void => {
      resolve({ text, ending });
      socket.destroy();
    };
    socket.on('data', (data) => {
      text += data.toString('latin1');
      if (until(text)) finish('enough');
    });
    socket.on('end', () => finish('end'));
    socket.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? error.message));
  });
}

/** The bytes of a chat request. */
export function chatRequest(model: string, more: object = {}, key = 'sk-demo-not-a-key'): string {
  const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'two words' }], ...more });
  return `POST /v1/chat/completions HTTP/1.1\r\nhost: demo\r\nauthorization: Bearer ${key}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}
