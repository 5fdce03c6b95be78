/** Google's SDK in its newest and its second line: a file uploaded in its resumable form, read, used and deleted. */
import { createPartFromUri, createUserContent, GoogleGenAI } from '@google/genai';
import { GoogleGenAI as GoogleGenAI2 } from '@google/genai-2';
import { need, type Steps, type WhereTo } from './job.ts';

type Google = Pick<GoogleGenAI, 'files' | 'models'>;

const MODEL = 'gemini-2.5-flash';
const asked = (uri: string) =>
  createUserContent(['What is in this file?', createPartFromUri(uri, 'text/plain')]);

function steps(connect: (door: WhereTo) => Google): Steps {
  return {
    async upload(door) {
      const { files } = connect(door);
      const file = new Blob(['what is in the file'], { type: 'text/plain' });
      const { name, uri } = await files.upload({
        file,
        config: { mimeType: 'text/plain', displayName: 'a' },
      });
      return { name, uri };
    },
    async get(door, given) {
      const { name, uri } = await connect(door).files.get({ name: need(given, 'name') });
      return { name, uri };
    },
    async generate(door, given) {
      const contents = asked(need(given, 'uri'));
      return (await connect(door).models.generateContent({ model: MODEL, contents })).text;
    },
    async stream(door, given) {
      const contents = asked(need(given, 'uri'));
      let text = '';
      for await (const part of await connect(door).models.generateContentStream({ model: MODEL, contents }))
        text += part.text ?? '';
      return text;
    },
    delete: (door, given) => connect(door).files.delete({ name: need(given, 'name') }),
    list: (door) => connect(door).files.list(),
  };
}

export const google3 = steps(
  ({ base, key }) => new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: base } }),
);
export const google2 = steps(
  ({ base, key }) => new GoogleGenAI2({ apiKey: key, httpOptions: { baseUrl: base } }) as unknown as Google,
);
