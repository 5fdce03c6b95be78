/** Multipart bodies and header values: what passes is read alike by the platform, and by ourselves when it is built anew. */
import { validateHeaderValue } from 'node:http';
import { isHeaderText } from '../../../../src/forwarding/header-text.ts';
import { headerValues } from '../../../../src/io.ts';
import {
  boundaryOf,
  buildMultipart,
  fieldsOf,
  parseMultipart,
} from '../../../../src/translation/multipart.ts';
import { bytesOf, type FuzzTarget, hold } from '../target.ts';

const BOUNDARY = 'form';
const part = (head: string, content: string) => `--${BOUNDARY}\r\n${head}\r\n\r\n${content}\r\n`;
const field = (name: string, content: string) =>
  part(`Content-Disposition: form-data; name="${name}"`, content);

/** Browsers escape three characters of a name, and the platform takes the escapes back; none of them can make a name that is checked. */
function asBrowsersWrite(name: string): string {
  return name.replace(/%0a/gi, '\n').replace(/%0d/gi, '\r').replaceAll('%22', '"');
}

async function checkForm(input: string): Promise<string> {
  const parts = parseMultipart(bytesOf(input), BOUNDARY);
  if (parts === null) return 'refused';
  hold(parts.length > 0 && parts.length <= 128, 'a number of parts');
  const plain = parts.filter(({ name }) => !name.endsWith('[]')).map(({ name }) => name);
  hold(new Set(plain).size === plain.length, 'a name twice');
  const built = buildMultipart(parts);
  const boundary = boundaryOf(built.contentType);
  hold(boundary !== null, 'our own boundary is refused');
  const again = parseMultipart(built.bytes, boundary);
  hold(again !== null && again.length === parts.length, 'our own form is refused');
  for (const [i, { name, fileName, content }] of again.entries()) {
    const first = parts[i];
    hold(
      name === first?.name && fileName === first.fileName && Buffer.from(content).equals(first.content),
      'a part changed',
    );
  }
  const fields = fieldsOf(parts);
  const theirs = await new Response(Buffer.from(built.bytes), {
    headers: { 'content-type': built.contentType },
  })
    .formData()
    .catch(() => null);
  // the platform refuses some names that are fine; where it reads, it reads the same
  if (theirs === null) return 'ours alone';
  hold(
    JSON.stringify([...theirs.keys()]) === JSON.stringify(parts.map(({ name }) => asBrowsersWrite(name))),
    'the platform reads other names',
  );
  for (const [name, value] of fields ?? []) {
    const texts = theirs.getAll(asBrowsersWrite(name)).filter((one) => typeof one === 'string');
    hold(
      texts.at(-1)?.replace(/^\ufeff/, '') === value.replace(/^\ufeff/, ''),
      'the platform reads another value',
    );
  }
  return `${Math.min(parts.length, 4)} parts${fields === null ? ', no text' : ''}`;
}

export const multipartTarget: FuzzTarget = {
  name: 'multipart',
  sources: /server\/src\/translation\/multipart\.ts$/,
  seeds: [
    `${field('model', 'demo')}${field('prompt', 'hello\r\n--for')}--${BOUNDARY}--\r\n`,
    `${part('content-disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav', 'RIFF\0\xff')}--${BOUNDARY}--`,
    `${field('a[]', '1')}${field('a[]', '2')}--${BOUNDARY}--\r\n`,
  ],
  dictionary: [
    '\r\n',
    '\n',
    '\r',
    `--${BOUNDARY}`,
    `--${BOUNDARY}--`,
    `\r\n--${BOUNDARY}\r\n`,
    '\r\n\r\n',
    'Content-Disposition: form-data; name="model"',
    '; filename="x"',
    "; name*=utf-8''a",
    'name=a',
    'Content-Type: text/plain; charset=utf-16',
    'Content-Length: 1',
    'content-transfer-encoding: base64',
    '"',
    '\\"',
    ';',
    '\0',
    '\xff',
    '\xc3\xa9',
    '\xef\xbb\xbf',
    '[]',
    ' ',
    '\t',
    '%22',
    '%0d%0a',
    'model',
  ],
  maxLength: 2000,
  check: checkForm,
};

function checkHeader(input: string): string {
  const fits = isHeaderText(input);
  let theirs = true;
  try {
    validateHeaderValue('x', input);
  } catch {
    theirs = false;
  }
  hold(!fits || theirs, 'node refuses this value');
  hold(!fits || !/[\r\n\0]/.test(input), 'a line end passed');
  const raw = input.split('\n');
  const lower = raw[0]?.toLowerCase() ?? '';
  const plain = raw.flatMap((text, i) =>
    i % 2 === 0 && i + 1 < raw.length && text.toLowerCase() === lower ? [raw[i + 1]] : [],
  );
  if (lower.length === raw[0]?.length)
    hold(
      JSON.stringify(headerValues(raw, lower)) === JSON.stringify(plain),
      'values that a plain look finds differently',
    );
  const named = boundaryOf(input);
  if (named !== null)
    hold(
      named.length <= 70 && !/[\r\n"]/.test(named) && input.includes(named),
      'a boundary that is not there',
    );
  return `${fits ? 'fits' : 'does not'} ${named === null ? '' : 'boundary'}`;
}

export const headerTextTarget: FuzzTarget = {
  name: 'header-text',
  sources: /server\/src\/(?:forwarding\/header-text|translation\/multipart)\.ts$/,
  seeds: [
    'application/json',
    'Accept\na\naccept\nb\nX\nc',
    'multipart/form-data; boundary=abc',
    'multipart/form-data; boundary="a b"',
    'a\tb \xe9',
  ],
  dictionary: [
    '\r\n',
    '\n',
    '\r',
    '\0',
    '\t',
    '\x7f',
    '\x80',
    '\xff',
    ';',
    'boundary=',
    '"',
    'multipart/form-data',
    ' ',
    ',',
  ],
  maxLength: 300,
  check: checkHeader,
};
