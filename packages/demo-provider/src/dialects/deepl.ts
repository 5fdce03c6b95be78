/** DeepL translation of text, JSON or form in. See developers.deepl.com/api-reference/translate. It translates nothing. */
import { encodeSecret } from '../answer.ts';
import { type Call, echoOf, jsonReply, type Reply } from '../call.ts';
import { errorReply } from '../errors.ts';

/** Answers `POST /v2/translate`: each text comes back behind the target language in brackets. */
export function answerTranslate(call: Call): Reply {
  const asked = readRequest(call);
  if (asked === null) return errorReply('deepl', 400, 'Bad request. Reason: the body cannot be read.');
  if (asked.texts.length === 0) return errorReply('deepl', 400, "Parameter 'text' not specified.");
  if (asked.target === '') return errorReply('deepl', 400, "Value for 'target_lang' not supported.");
  const translate = (text: string): string => {
    if (call.knobs.echo) return echoOf(call);
    if (call.knobs.leak !== undefined) return encodeSecret(call.credential, call.knobs.leak);
    return call.knobs.say ?? `[${asked.target}] ${text}`;
  };
  return jsonReply({
    translations: asked.texts.map((text) => ({
      detected_source_language: 'EN',
      text: translate(text),
      billed_characters: text.length,
    })),
  });
}

/** Answers `GET /v2/usage`. */
export function reportDeeplUsage(): Reply {
  return jsonReply({ character_count: 1_000, character_limit: 500_000 });
}

function readRequest(call: Call): { texts: string[]; target: string } | null {
  const body = call.body.toString();
  if ((call.request.headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded')) {
    const form = new URLSearchParams(body);
    return { texts: form.getAll('text'), target: form.get('target_lang') ?? '' };
  }
  try {
    const json = JSON.parse(body) as { text?: unknown; target_lang?: unknown } | null;
    const texts = Array.isArray(json?.text) ? json.text : [json?.text];
    return {
      texts: texts.filter((text): text is string => typeof text === 'string'),
      target: typeof json?.target_lang === 'string' ? json.target_lang : '',
    };
  } catch {
    return null;
  }
}
