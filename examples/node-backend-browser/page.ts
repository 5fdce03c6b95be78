// The page: the official OpenAI SDK, pointed at the sealed URL. No key ever comes here.
import OpenAI from 'openai';

const form = document.querySelector('form') as HTMLFormElement;
const input = document.querySelector('input') as HTMLInputElement;
const log = document.querySelector('main') as HTMLElement;
const messages: { role: 'user' | 'assistant'; content: string }[] = [];
let client: OpenAI | null = null;

async function connect(): Promise<OpenAI> {
  const answer = await fetch('/relay-url', { method: 'POST' });
  if (!answer.ok) throw new Error(`the backend gave no relay URL (${answer.status})`);
  const { baseURL } = (await answer.json()) as { baseURL: string };
  // The SDK wants some key; the token in the URL is what counts.
  return new OpenAI({ baseURL, apiKey: 'relay', dangerouslyAllowBrowser: true });
}

/** Starts an answer; a URL that has expired meanwhile is fetched anew, once. */
async function ask() {
  const body = { model: 'set-by-the-relay', messages, stream: true as const };
  client ??= await connect();
  try {
    return await client.chat.completions.create(body);
  } catch (error) {
    if (!(error instanceof OpenAI.APIError) || error.status !== 401) throw error;
    client = await connect();
    return client.chat.completions.create(body);
  }
}

function show(className: string, text: string): HTMLElement {
  const line = document.createElement('p');
  line.className = className;
  line.textContent = text;
  log.append(line);
  return line;
}

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const content = input.value;
  input.value = '';
  messages.push({ role: 'user', content });
  show('user', content);
  const line = show('assistant', '');
  try {
    let text = '';
    for await (const part of await ask()) {
      text += part.choices[0]?.delta.content ?? '';
      line.textContent = text;
    }
    messages.push({ role: 'assistant', content: text });
    line.classList.add('done');
  } catch (error) {
    messages.pop();
    line.className = 'error';
    line.textContent = error instanceof Error ? error.message : String(error);
  }
});
