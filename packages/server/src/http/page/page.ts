/**
 * The try-it page: asks the relay for a sealed URL, then chats through it with the official OpenAI SDK, in the browser.
 * Keeps the URL in memory only; nothing of it is stored, logged or put into the document but the two copy fields.
 */
import OpenAI from 'openai';
import { clockText, meterState } from './countdown.ts';
import { explainError, type Trouble } from './explain.ts';

interface Sealed {
  readonly url: string;
  /** Seconds since the epoch; corrected by what the relay says. */
  expires: number;
  readonly lifeSeconds: number;
  readonly calls: number;
  left: number;
  over: boolean;
}

interface Message {
  readonly role: 'user' | 'assistant';
  readonly content: string;
}

function part<T extends HTMLElement = HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no #${id}`);
  return element as T;
}

const limits = part<HTMLFormElement>('limits');
const composer = part<HTMLFormElement>('composer');
const prompt = part<HTMLTextAreaElement>('prompt');
const send = part<HTMLButtonElement>('send');
const model = part<HTMLSelectElement>('model');
const log = part('log');

let sealed: Sealed | null = null;
let running: AbortController | null = null;
const conversation: Message[] = [];

// --- what is left -------------------------------------------------------------------------------------------------

function showMeter(name: 'calls' | 'time', left: number, whole: number, text: string): void {
  const bar = part<HTMLProgressElement>(`${name}-bar`);
  bar.max = whole;
  bar.value = Math.max(0, Math.min(left, whole));
  bar.setAttribute('aria-valuetext', text);
  part(`${name}-left`).textContent = text;
  part(`${name}-meter`).className = `meter ${meterState(left, whole)}`.trim();
}

function showLeft(): void {
  if (sealed === null) return;
  part('meters').hidden = false;
  showMeter('calls', sealed.left, sealed.calls, String(sealed.left));
  part('calls-of').textContent = `of ${sealed.calls}`;
  const seconds = sealed.expires - Date.now() / 1000;
  showMeter('time', seconds, sealed.lifeSeconds, clockText(seconds));
}

/** The relay tells on every relayed answer where the URL stands. */
function readStanding(headers: { get(name: string): string | null }): void {
  if (sealed === null) return;
  const left = headers.get('relay-calls-remaining');
  const expires = headers.get('relay-expires');
  if (left !== null && /^\d+$/.test(left)) sealed.left = Number(left);
  if (expires !== null && /^\d+$/.test(expires)) sealed.expires = Number(expires);
  showLeft();
}

// --- problems -----------------------------------------------------------------------------------------------------

function showTrouble(trouble: Trouble | null): void {
  const box = part('problem');
  box.hidden = trouble === null;
  box.replaceChildren();
  if (trouble === null) return;
  const line = (kind: string, text: string, className = '') => {
    const element = document.createElement(kind);
    element.textContent = text;
    element.className = className;
    box.append(element);
    return element;
  };
  line('strong', trouble.title, 'trouble-title');
  line('span', trouble.advice);
  if (trouble.code !== '') line('span', trouble.code, 'code');
  if (trouble.over) {
    const again = line('button', 'Get another URL') as HTMLButtonElement;
    again.type = 'button';
    again.addEventListener('click', () => void getUrl());
  }
}

function showLimitsProblem(text: string, field: string | null): void {
  const box = part('limits-problem');
  box.hidden = text === '';
  box.textContent = text;
  for (const input of limits.querySelectorAll('input, select')) input.removeAttribute('aria-invalid');
  const input = field === null ? null : limits.elements.namedItem(field);
  if (input instanceof HTMLElement) {
    input.setAttribute('aria-invalid', 'true');
    input.focus();
  }
}

// --- getting a URL ------------------------------------------------------------------------------------------------

function readChoice(): Record<string, unknown> {
  const data = new FormData(limits);
  const text = (name: string) => String(data.get(name) ?? '');
  return {
    calls: Number(text('calls')),
    seconds: Number(text('seconds')),
    perMinute: text('perMinute') === '' ? null : Number(text('perMinute')),
    model: text('model') === '' ? null : text('model'),
    origin: text('origin'),
  };
}

async function getUrl(): Promise<void> {
  const choice = readChoice();
  const button = part<HTMLButtonElement>('get-url');
  button.disabled = true;
  try {
    const response = await fetch('/try/url', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(choice),
    });
    const answer = await response.json();
    if (!response.ok) {
      showLimitsProblem(answer.error?.message ?? 'The relay refused.', answer.error?.param ?? null);
      return;
    }
    showLimitsProblem('', null);
    takeUrl(answer, choice);
  } catch {
    showLimitsProblem('The relay does not answer. Is it still running?', null);
  } finally {
    button.disabled = false;
  }
}

function takeUrl(
  answer: { url: string; expires: number; calls: number; curl: string },
  choice: Record<string, unknown>,
): void {
  running?.abort();
  const { url, expires, calls, curl } = answer;
  sealed = { url, expires, calls, left: calls, lifeSeconds: Number(choice['seconds']), over: false };
  part<HTMLInputElement>('url').value = url;
  part<HTMLInputElement>('curl').value = curl;
  part('sealed').hidden = false;
  if (typeof choice['model'] === 'string') model.value = choice['model'];
  conversation.length = 0;
  log.replaceChildren(emptyNote('The URL is ready. Say something.'));
  showTrouble(null);
  showLeft();
  part('status').textContent = `A new URL: ${calls} calls, ${clockText(Number(choice['seconds']))} left.`;
  prompt.focus();
}

function emptyNote(text: string): HTMLElement {
  const note = document.createElement('p');
  note.className = 'empty';
  note.textContent = text;
  return note;
}

// --- chatting -----------------------------------------------------------------------------------------------------

function addTurn(kind: 'me' | 'them', text: string): { turn: HTMLElement; text: HTMLElement } {
  log.querySelector('.empty')?.remove();
  const turn = document.createElement('div');
  turn.className = `turn ${kind}`;
  const who = document.createElement('span');
  who.className = 'visually-hidden';
  who.textContent = kind === 'me' ? 'You: ' : 'Model: ';
  const body = document.createElement('div');
  body.className = 'text';
  body.textContent = text;
  turn.append(who, body);
  log.append(turn);
  log.scrollTop = log.scrollHeight;
  return { turn, text: body };
}

function addNote(turn: HTMLElement, text: string): void {
  const note = document.createElement('div');
  note.className = 'note';
  note.textContent = text;
  turn.append(note);
}

function setRunning(controller: AbortController | null): void {
  running = controller;
  send.textContent = controller === null ? 'Send' : 'Stop';
  send.classList.toggle('stop', controller !== null);
  log.setAttribute('aria-busy', String(controller !== null));
}

async function ask(question: string): Promise<void> {
  if (sealed === null) return;
  const controller = new AbortController();
  setRunning(controller);
  showTrouble(null);
  const asked = addTurn('me', question);
  conversation.push({ role: 'user', content: question });
  const answer = addTurn('them', '');
  answer.turn.classList.add('streaming');
  let usage: string | null = null;
  try {
    // the token is in the URL; the SDK wants some key, and the relay drops it. No retries: what the relay says shall be seen
    const client = new OpenAI({
      baseURL: sealed.url,
      apiKey: 'not-needed',
      dangerouslyAllowBrowser: true,
      maxRetries: 0,
    });
    const { data, response } = await client.chat.completions
      .create(
        {
          model: model.value,
          messages: conversation,
          stream: true,
          stream_options: { include_usage: true },
        },
        { signal: controller.signal },
      )
      .withResponse();
    readStanding(response.headers);
    for await (const chunk of data) {
      answer.text.textContent += chunk.choices[0]?.delta?.content ?? '';
      if (chunk.usage) usage = `${chunk.usage.prompt_tokens} tokens in, ${chunk.usage.completion_tokens} out`;
      log.scrollTop = log.scrollHeight;
    }
    conversation.push({ role: 'assistant', content: answer.text.textContent ?? '' });
    // the SDK ends a stopped stream as if it were complete
    if (controller.signal.aborted) addNote(answer.turn, 'Stopped.');
    if (usage !== null) addNote(answer.turn, `${model.value} · ${usage}`);
  } catch (error) {
    answer.turn.classList.add('failed');
    if (controller.signal.aborted) addNote(answer.turn, 'Stopped.');
    else fail(asked.turn, answer, error);
  } finally {
    answer.turn.classList.remove('streaming');
    if (running === controller) setRunning(null);
    showLeft();
    log.scrollTop = log.scrollHeight;
  }
}

function fail(asked: HTMLElement, answer: { turn: HTMLElement; text: HTMLElement }, error: unknown): void {
  // a refused question was not heard: it is not part of the conversation
  conversation.pop();
  const { headers } = error as { headers?: { get(name: string): string | null } };
  if (headers !== undefined) readStanding(headers);
  const trouble = explainError(error);
  if (sealed !== null && trouble.over) sealed.over = true;
  if (sealed !== null && trouble.code.endsWith('calls_exhausted')) sealed.left = 0;
  if (answer.text.textContent === '') {
    answer.turn.remove();
    addNote(asked, 'Not answered');
  } else addNote(answer.turn, 'Broken off.');
  showTrouble(trouble);
}

// --- events -------------------------------------------------------------------------------------------------------

limits.addEventListener('submit', (event) => {
  event.preventDefault();
  void getUrl();
});

composer.addEventListener('submit', (event) => {
  event.preventDefault();
  if (running !== null) {
    running.abort();
    return;
  }
  const question = prompt.value.trim();
  if (question === '') return;
  if (sealed === null) {
    part('get-url').focus();
    showTrouble({
      title: 'There is no URL yet.',
      advice: 'Choose limits, then get one.',
      code: '',
      over: false,
    });
    return;
  }
  prompt.value = '';
  void ask(question);
});

prompt.addEventListener('keydown', (event) => {
  // an input method confirms with Enter too: that is not ours
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  if (running === null) composer.requestSubmit();
});

document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') running?.abort();
});

for (const button of document.querySelectorAll<HTMLButtonElement>('button[data-copy]')) {
  button.addEventListener('click', async () => {
    const field = part<HTMLInputElement>(button.dataset['copy'] ?? '');
    try {
      await navigator.clipboard.writeText(field.value);
      button.textContent = 'Copied';
      part('status').textContent = 'Copied.';
    } catch {
      field.focus();
      field.select();
      button.textContent = 'Select';
    }
    setTimeout(() => {
      button.textContent = 'Copy';
    }, 1500);
  });
}

setInterval(() => {
  if (sealed === null) return;
  showLeft();
  if (!sealed.over && running === null && sealed.expires <= Date.now() / 1000) {
    sealed.over = true;
    part('status').textContent = 'The URL has expired.';
  }
}, 500);
