/** How these tests read answers: one word for what the relay said, and every spelling in which a key could come back. */

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

/** A key as itself and in the encodings a careless upstream would echo it in. */
export function spellingsOf(key: string): Readonly<Record<string, string>> {
  const bytes = Buffer.from(key);
  const all = (write: (byte: number) => string) => [...bytes].map(write).join('');
  const hex = (byte: number) => byte.toString(16).padStart(2, '0');
  return {
    plain: key,
    bearer: `Bearer ${key}`,
    base64: bytes.toString('base64'),
    base64url: bytes.toString('base64url'),
    'base64 of Bearer': Buffer.from(`Bearer ${key}`).toString('base64'),
    'base64 of user:key': Buffer.from(`u:${key}`).toString('base64'),
    hex: bytes.toString('hex'),
    'hex in capitals': bytes.toString('hex').toUpperCase(),
    percent: all((byte) => `%${hex(byte)}`),
    'percent in capitals': all((byte) => `%${hex(byte).toUpperCase()}`),
    'percent twice': all((byte) => `%25${hex(byte)}`),
    'JSON escapes': all((byte) => `\\u00${hex(byte)}`),
    'half escaped': [...bytes]
      .map((byte, i) => (i % 2 ? String.fromCharCode(byte) : `%${hex(byte)}`))
      .join(''),
  };
}
