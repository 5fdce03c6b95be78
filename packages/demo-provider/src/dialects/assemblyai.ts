/** AssemblyAI transcripts: a file is uploaded, a transcript asked for, then read. See assemblyai.com/docs/api-reference. */
import { makeAnswer } from '../answer.ts';
import { type Call, echoOf, jsonReply, keepJob, type Reply } from '../call.ts';
import { errorReply } from '../errors.ts';

/** Answers `POST /v2/upload`: the address holds the number of bytes. */
export function uploadAudio(call: Call): Reply {
  return jsonReply({
    upload_url: `https://cdn.assemblyai.example/upload/demo${call.serial}-${call.body.length}`,
  });
}

/** Answers `POST /v2/transcript`: queued, and done when it is asked for. */
export function createTranscript(call: Call): Reply {
  const { audio_url: audioUrl } = call.json;
  if (typeof audioUrl !== 'string') return errorReply('assemblyai', 400, 'audio_url is required');
  const answer = makeAnswer(audioUrl, audioUrl, call.knobs, {
    echo: call.knobs.echo ? echoOf(call) : '',
    credential: call.credential,
  });
  const id = `demo-transcript-${call.serial}`;
  const queued = {
    id,
    audio_url: audioUrl,
    status: 'queued',
    language_code: 'en_us',
    text: null,
    words: null,
  };
  keepJob(call.jobs, id, {
    ...queued,
    status: 'completed',
    text: answer.text,
    confidence: 1,
    audio_duration: 1,
    words: [...answer.pieces].map((text, i) => ({
      text: text.trim(),
      start: i * 100,
      end: i * 100 + 90,
      confidence: 1,
      speaker: null,
    })),
  });
  return jsonReply(queued);
}

/** Answers `GET /v2/transcript/{id}`. */
export function readTranscript(call: Call): Reply {
  const job = call.jobs.get(call.path.slice(call.path.lastIndexOf('/') + 1));
  return job
    ? jsonReply(job)
    : errorReply('assemblyai', 404, 'Transcript lookup error, transcript id not found');
}
