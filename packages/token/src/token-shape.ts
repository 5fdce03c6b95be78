/**
 * What a token looks like from outside (token spec §4 steps 1 and 2). Says nothing about what is in it.
 */

const SHAPE = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+){4}$/;

/** Longest token, in characters. */
export const MAX_TOKEN_LENGTH = 4096;

/** Whether a text could be a token: five base64url parts, at most 4096 characters. */
export function isTokenShaped(text: string): boolean {
  return text.length <= MAX_TOKEN_LENGTH && SHAPE.test(text);
}
