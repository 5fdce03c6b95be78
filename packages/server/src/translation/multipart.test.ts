import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openedWith } from '../../test/support/route.ts';
import { isDenial } from '../errors.ts';
import type { Route } from '../exchange.ts';
import { IMAGE_EDITS, TRANSCRIPTIONS } from '../providers/endpoints.ts';
import type { Endpoint } from '../providers/provider.ts';
import { boundaryOf, buildMultipart, type FormPart, fieldsOf, parseMultipart } from './multipart.ts';
import { createTranslation } from './translation.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const translation = createTranslation();
const TYPE = 'multipart/form-data; boundary=b';

function field(name: string, value: string): string {
  return `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
}

function form(...parts: string[]): string {
  return `${parts.join('')}--b--\r\n`;
}

function rewriteForm(text: string, endpoint: Endpoint = TRANSCRIPTIONS, type = TYPE) {
  return translation.rewrite(
    openedWith({ models: ['whisper-1'] }),
    { endpoint } as Route,
    encoder.encode(text),
    type,
  );
}

const FILE =
  '--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\nRIFF\r\n--not\r\n';

describe('a form under models', () => {
  it('is rebuilt under a boundary of ours, with its fields read', () => {
    const result = rewriteForm(form(field('model', 'whisper-1'), FILE, field('language', 'de')));
    if (isDenial(result)) throw new Error(result.denied);
    expect(result.formFields).toEqual(
      new Map([
        ['model', 'whisper-1'],
        ['language', 'de'],
      ]),
    );
    const boundary = /^multipart\/form-data; boundary=(relayapi-[A-Za-z0-9_-]{24})$/.exec(
      result.contentType ?? '',
    )?.[1];
    expect(boundary).toBeDefined();
    const text = decoder.decode(result.bytes);
    expect(text).not.toContain('--b\r\n');
    expect(text.split(`--${boundary}`)).toHaveLength(5);
    expect(text).toContain(
      'name="file"; filename="a.wav"\r\ncontent-type: audio/wav\r\n\r\nRIFF\r\n--not\r\n',
    );
  });

  it('as the platform itself writes it is read back whole, files of all bytes included', async () => {
    const data = new FormData();
    const bytes = Uint8Array.from({ length: 2000 }, (_, index) => index % 256);
    data.append('model', 'gpt-image-1');
    data.append('image[]', new Blob([bytes], { type: 'image/png' }), 'ä b.png');
    data.append('image[]', new Blob([bytes.slice(7)]), 'c.png');
    data.append('prompt', 'line\r\nline “ü”');
    const sent = new Response(data);
    const body = new Uint8Array(await sent.arrayBuffer());
    const type = sent.headers.get('content-type');
    const result = translation.rewrite(openedWith(), { endpoint: IMAGE_EDITS } as Route, body, type);
    if (isDenial(result)) throw new Error(`${result.denied} ${result.reason}`);
    const read = await new Response(result.bytes as Uint8Array<ArrayBuffer>, {
      headers: { 'content-type': result.contentType ?? '' },
    }).formData();
    expect(read.get('model')).toBe('gpt-image-1');
    expect(read.get('prompt')).toBe('line\r\nline “ü”');
    const images = read.getAll('image[]') as File[];
    expect(images.map((image) => [image.name, image.type, image.size])).toEqual([
      ['ä b.png', 'image/png', 2000],
      ['c.png', 'application/octet-stream', 1993],
    ]);
    expect(new Uint8Array(await (images[0] as File).arrayBuffer())).toEqual(bytes);
  });

  it('is read by formFields alone too', () => {
    expect(translation.formFields(encoder.encode(form(field('a', '1'))), TYPE)).toEqual(
      new Map([['a', '1']]),
    );
    expect(translation.formFields(encoder.encode('x'), TYPE)).toMatchObject({ denied: 'bad_body' });
    expect(translation.formFields(encoder.encode(form(field('a', '1'))), 'text/plain')).toMatchObject({
      denied: 'bad_body',
    });
  });
});

describe('A31 a form that two parsers could read differently is refused', () => {
  const model = field('model', 'whisper-1');
  it.each([
    ['a field given twice', form(model, field('model', 'other'))],
    ['a checked name in capitals', form(model, field('MODEL', 'other'))],
    ['a list of a checked name', form(field('model[]', 'other'))],
    ['a member of a checked name', form(model, field('model.x', 'other'))],
    ['a checked name with spaces', form(model, field(' model', 'other'))],
    [
      'a file under a checked name',
      form('--b\r\nContent-Disposition: form-data; name="model"; filename="x"\r\n\r\nother\r\n'),
    ],
    ['a charset field', form(model, field('_charset_', 'utf-16'))],
    ['an extended name', form("--b\r\nContent-Disposition: form-data; name*=utf-8''model\r\n\r\nother\r\n")],
    [
      'an extended file name',
      form('--b\r\nContent-Disposition: form-data; name="f"; filename*=utf-8\'\'x\r\n\r\nx\r\n'),
    ],
    ['an unquoted name', form('--b\r\nContent-Disposition: form-data; name=model\r\n\r\nother\r\n')],
    ['two names', form('--b\r\nContent-Disposition: form-data; name="a"; name="model"\r\n\r\nother\r\n')],
    ['an escaped quote', form('--b\r\nContent-Disposition: form-data; name="mo\\"del"\r\n\r\nother\r\n')],
    ['an empty name', form(field('', 'x'))],
    [
      'two dispositions',
      form(
        '--b\r\nContent-Disposition: form-data; name="a"\r\nContent-Disposition: form-data; name="model"\r\n\r\nx\r\n',
      ),
    ],
    ['no disposition', form('--b\r\nContent-Type: text/plain\r\n\r\nx\r\n')],
    ['another disposition', form('--b\r\nContent-Disposition: attachment; name="a"\r\n\r\nx\r\n')],
    [
      'a transfer encoding',
      form(
        '--b\r\nContent-Disposition: form-data; name="model"\r\nContent-Transfer-Encoding: base64\r\n\r\nd2hpc3Blci0x\r\n',
      ),
    ],
    ['a folded header line', form('--b\r\nContent-Disposition: form-data;\r\n name="model"\r\n\r\nx\r\n')],
    ['bare line feeds', form(model).replaceAll('\r\n', '\n')],
    [
      'a bare line feed in a head',
      form('--b\r\nContent-Disposition: form-data; name="a"\nX: y\r\n\r\nx\r\n'),
    ],
    ['a preamble', `hello\r\n${form(model)}`],
    ['a line before the first part', `\r\n${form(model)}`],
    ['an epilogue', `${form(model)}more`],
    ['spaces after a boundary', form(model).replace('--b\r\n', '--b \r\n')],
    ['no end', model],
    ['no part', '--b--\r\n'],
    ['a boundary that goes on', form(model, '--bb\r\nContent-Disposition: form-data; name="x"\r\n\r\ny\r\n')],
    ['a control character in a name', form(field('mo\u0000del', 'x'))],
    ['nothing', ''],
  ])('%s', (_, text) => {
    expect(rewriteForm(text)).toMatchObject({ denied: 'bad_body' });
  });

  it('a plain field that is no UTF-8', () => {
    const bytes = encoder.encode(form(field('prompt', 'xx')));
    bytes[bytes.indexOf(0x78)] = 0xff;
    expect(translation.formFields(bytes, TYPE)).toMatchObject({ denied: 'bad_body' });
  });

  it('more than 128 parts, or a head over 4 KiB', () => {
    const many = Array.from({ length: 129 }, (_, index) => field(`f${index}`, ''));
    expect(rewriteForm(form(...many))).toMatchObject({ denied: 'bad_body' });
    expect(rewriteForm(form(...many.slice(1)))).toHaveProperty('formFields');
    expect(rewriteForm(form(field('x'.repeat(5000), '')))).toMatchObject({ denied: 'bad_body' });
  });

  it.each([
    ['no boundary', 'multipart/form-data'],
    ['two boundaries', 'multipart/form-data; boundary=a; boundary=b'],
    ['another parameter', 'multipart/form-data; charset=utf-8; boundary=b'],
    ['an extended boundary', "multipart/form-data; boundary*=utf-8''b"],
    ['another kind', 'multipart/mixed; boundary=b'],
    ['an empty boundary', 'multipart/form-data; boundary=""'],
    ['a boundary over 70', `multipart/form-data; boundary=${'b'.repeat(71)}`],
    ['a boundary that ends in a space', 'multipart/form-data; boundary="b "'],
  ])('%s in the content type', (_, type) => {
    expect(boundaryOf(type)).toBeNull();
    expect(rewriteForm(form(field('model', 'm')), TRANSCRIPTIONS, type)).toMatchObject({
      denied: 'bad_body',
    });
  });

  it('quoted and plain boundaries are read', () => {
    expect(boundaryOf('multipart/form-data; boundary=----WebKitFormBoundaryX1')).toBe(
      '----WebKitFormBoundaryX1',
    );
    expect(boundaryOf('Multipart/Form-Data;boundary="a b=c"')).toBe('a b=c');
    expect(boundaryOf(null)).toBeNull();
  });
});

it('what is built is read back the same, whatever the contents', () => {
  const part = fc.record({
    name: fc.stringMatching(/^[a-z]{1,8}$/),
    fileName: fc.option(fc.stringMatching(/^[A-Za-z0-9 ._-]{0,12}$/)),
    contentType: fc.constantFrom(null, 'image/png'),
    content: fc.uint8Array({ maxLength: 60 }),
  });
  const parts = fc.uniqueArray(part, { selector: ({ name }) => name, minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(parts, (list: FormPart[]) => {
      const { bytes, contentType } = buildMultipart(list);
      const read = parseMultipart(bytes, boundaryOf(contentType) ?? '');
      const expected = list.map((one) => (one.fileName === null ? { ...one, contentType: null } : one));
      expect(read?.map((one) => ({ ...one, content: [...one.content] }))).toEqual(
        expected.map((one) => ({ ...one, content: [...one.content] })),
      );
    }),
  );
});

it('fields hold no files', () => {
  const parts = parseMultipart(encoder.encode(form(FILE, field('a', '1'))), 'b') ?? [];
  expect(fieldsOf(parts)).toEqual(new Map([['a', '1']]));
});
