/** AssemblyAI's SDK: a buffer uploaded and transcribed, the transcript read in several forms and deleted. */
import { AssemblyAI } from 'assemblyai';
import { need, type Steps, type WhereTo } from './job.ts';

const client = ({ base, key }: WhereTo) => new AssemblyAI({ apiKey: key, baseUrl: base });

export const assemblyai: Steps = {
  async transcribe(door) {
    const { transcripts } = client(door);
    const { id, status, text, audio_url } = await transcripts.transcribe(
      { audio: Buffer.from('RIFF, more or less'), speech_model: 'universal' },
      { pollingInterval: 10 },
    );
    const { sentences } = await transcripts.sentences(id);
    const subtitles = await transcripts.subtitles(id, 'srt', 32);
    return { id, status, text, audio_url, sentences: sentences.map((one) => one.text), subtitles };
  },
  upload: (door) => client(door).files.upload(Buffer.from('RIFF')),
  submit: (door, given) => client(door).transcripts.submit({ audio: need(given, 'audio') }),
  get: (door, given) => client(door).transcripts.get(need(given, 'id')),
  sentences: (door, given) => client(door).transcripts.sentences(need(given, 'id')),
  subtitles: (door, given) => client(door).transcripts.subtitles(need(given, 'id'), 'vtt'),
  delete: (door, given) => client(door).transcripts.delete(need(given, 'id')),
  list: (door) => client(door).transcripts.list(),
};
