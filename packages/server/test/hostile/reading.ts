/** How these tests read answers: one word for what the relay said. */

/** `403 path_denied`, from the body that any dialect of the relay's errors has; `200 -` where there is no code. */
export function wordOf(status: number, body: string): string {
  let code = '-';
  try {
    const parsed = JSON.parse(body) as { error?: { code?: unknown; details?: { reason?: string }[] } };
    const { error } = parsed;
    if (typeof error?.code === 'string') code = error.code;
    else if (error?.details?.[0]?.reason !== undefined) code = error.details[0].reason.toLowerCase();
  } catch {
    // no JSON, no code
  }
  return `${status} ${code}`;
}

/** The same of a fetched answer. */
export async function wordFrom(response: Response): Promise<string> {
  return wordOf(response.status, await response.text());
}
