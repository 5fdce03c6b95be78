/**
 * Opens tokens with jose on the platform's native cryptography, in any JavaScript runtime, behind the strict checks (token spec §4
 * steps 1 to 8). Its twin is open-sync.ts. Every failure is the same `null`; whoever presents a bad token learns nothing.
 */
import { compactDecrypt, compactVerify } from 'jose';
import { type Keyring, type KeyringState, stateOf } from './keyring.ts';
import { finishOpening, type OpenedToken, portableTools, readSealed, readSigned } from './open-checks.ts';
import { revealText, type Secret } from './secret.ts';

const AES_OPTIONS = { keyManagementAlgorithms: ['A256KW'], contentEncryptionAlgorithms: ['A256GCM'] };
const ECC_OPTIONS = { keyManagementAlgorithms: ['ECDH-ES+A256KW'], contentEncryptionAlgorithms: ['A256GCM'] };

/** Opens a token; null = `token_invalid`, for whatever reason. `now` in seconds. Never throws, never rejects. */
export async function openToken(
  token: string | Secret,
  keyring: Keyring,
  options: { now: number },
): Promise<OpenedToken | null> {
  try {
    return await openChecked(revealText(token), stateOf(keyring), options.now);
  } catch {
    // jose throws many kinds of errors, a plain TypeError among them; none may be told from another
    return null;
  }
}

async function openChecked(text: string, state: KeyringState, now: number): Promise<OpenedToken | null> {
  const sealed = readSealed(text, state, now, portableTools);
  if (sealed === null) return null;
  const { outer } = sealed;
  if (outer.issuer !== null) {
    const { plaintext } = await compactDecrypt(text, outer.key, AES_OPTIONS);
    return finishOpening(plaintext, { outer, signer: null, issuer: outer.issuer }, now, portableTools);
  }
  const { plaintext } = await compactDecrypt(text, outer.key, ECC_OPTIONS);
  const signed = readSigned(plaintext, outer, state, now, portableTools);
  if (signed === null) return null;
  const { signer } = signed;
  const { payload } = await compactVerify(signed.text, signer.key, { algorithms: ['ES256'] });
  return finishOpening(payload, { outer, signer, issuer: signer.issuer }, now, portableTools);
}
