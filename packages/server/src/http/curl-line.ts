/** The one-line example that streams a chat through a sealed URL; shown at the start and on the try-it page. */

/** A shell command for `relayUrl` (a URL with its token). `origin` adds the header that a page would send. */
export function curlLine(relayUrl: string, options: { model: string; origin?: string }): string {
  const body = JSON.stringify({
    model: options.model,
    stream: true,
    messages: [{ role: 'user', content: 'Hello!' }],
  });
  const origin = options.origin === undefined ? '' : ` -H 'Origin: ${options.origin}'`;
  return `curl -N ${relayUrl}/chat/completions${origin} -H 'Content-Type: application/json' -d '${body}'`;
}
