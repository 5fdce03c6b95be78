// The secrets check finds what is planted, row by row, and passes what is meant to pass. The repository itself is looked through by `pnpm check`.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the planted code is a text
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { findSecretProblems, isSecretName, type SecretRules } from './check-secrets.ts';
import { JOINED, PLAIN, REVEALED } from './secret-rules.ts';

const NOTHING: SecretRules = { revealed: {}, plain: {}, joined: {} };
const ROOT = '/planted';
const PRELUDE = `
declare const console: { log(...all: unknown[]): void };
declare class Secret { reveal(): string; toString(): string; toJSON(): string; readonly length: number }
declare class SecretBytes { reveal(): Uint8Array; toString(): string }
declare const s: Secret; declare const b: SecretBytes; declare const maybe: Secret | undefined;
declare const logger: { log(level: string, text: string, fields?: object): void };
declare function hash(text: string): string;
`;

// parsed and bound once, not once per row
const libraries = new Map<string, ts.SourceFile | undefined>();

/** What the check says of one planted file, without its place. */
function problemsOf(text: string, rules: SecretRules = NOTHING): readonly string[] {
  const path = `${ROOT}/planted.ts`;
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2022.d.ts'],
    types: [],
    strict: true,
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.getSourceFile = (name, version) => {
    if (name === path) return ts.createSourceFile(name, `${PRELUDE}\n${text}\nexport {};`, version, true);
    if (!libraries.has(name)) libraries.set(name, getSourceFile.call(host, name, version));
    return libraries.get(name);
  };
  host.fileExists = (name) => name === path || fileExists.call(host, name);
  const program = ts.createProgram([path], options, host);
  const { looked, problems } = findSecretProblems(program, ROOT, rules, (name) => name === 'planted.ts');
  expect(looked).toBe(1);
  return problems;
}

const allowed: SecretRules = { ...NOTHING, revealed: { 'planted.ts': 'a test' } };

describe('planted violations are found', () => {
  it.each([
    ['a field', 'interface A { apiKey: string }', '"apiKey" is plain string'],
    ['a field that may be absent', 'interface A { token?: string | undefined }', '"token" is plain'],
    ['a field of either kind', 'interface A { key: string | Secret }', '"key" is plain'],
    ['a quoted field', "interface A { 'api-key': string }", '"api-key" is plain'],
    ['a class field', 'class A { password = hash("x") }', '"password" is plain'],
    ['a parameter', 'function f(adminSecret: string) {}', '"adminSecret" is plain'],
    ['a variable by inference', 'const token = hash("x");', '"token" is plain'],
    ['a destructured name', 'const { token } = { token: hash("x") };', '"token" is plain'],
    ['bytes', 'interface A { key: Uint8Array }', '"key" is plain'],
    ['a list', 'interface A { tokens: readonly string[] }', '"tokens" is plain'],
    ['a promise', 'interface A { token: Promise<string> }', '"token" is plain'],
    ['a record', 'interface A { credential: Readonly<Record<string, string>> }', '"credential" is plain'],
    ['what a function gives', 'function findToken(): string { return "" }', '"findToken" is plain'],
    ['what an arrow gives', 'const makeSecret = () => hash("x");', '"makeSecret" is plain'],
    ['what a method gives', 'interface A { readKey(): Promise<string | null> }', '"readKey" is plain'],
  ])('%s named like a secret: %s', (_what, text, problem) => {
    expect(problemsOf(text)).toEqual([expect.stringContaining(problem)]);
  });

  it.each([
    ['a call', 'hash(s.reveal());'],
    ['a call of bytes', 'b.reveal();'],
    ['a call through ?.', 'maybe?.reveal();'],
    ['the function handed on', 'const f = s.reveal;'],
    ['a call inside a function', 'function f() { return hash(s.reveal()) }'],
  ])('reveal outside the list: %s', (_what, text) => {
    expect(problemsOf(text)).toEqual([expect.stringMatching(/reveal\(\) in planted\.ts/)]);
  });

  it.each([
    ['a template', 'const x = `a ${s}`;', 'a template'],
    ['a template, perhaps', 'const x = `a ${maybe}`;', 'a template'],
    ['a concatenation', "const x = 'a' + s;", 'a concatenation'],
    ['an appending', "let x = ''; x += s;", 'a concatenation'],
    ['JSON', 'const x = JSON.stringify(s);', 'JSON.stringify()'],
    ['the console', 'console.log(1, s);', 'console.log()'],
    ['String', 'const x = String(s);', 'String()'],
    ['toString', 'const x = s.toString();', 'toString()'],
    ['a log line', "logger.log('info', 'x', s);", 'logger.log()'],
    ['an error', "const x = new Error('x', { cause: 1 }); throw s;", 'a throw'],
    ['an error’s text', 'const x = new Error(maybe as unknown as string, s as object);', 'an error'],
    ['bytes in a template', 'const x = `${b}`;', 'a template'],
  ])('a Secret in %s', (_what, text, where) => {
    expect(problemsOf(text)[0]).toContain(`a Secret in ${where}`);
  });

  it.each([
    ['a template', 'const x = `Bearer ${s.reveal()}`;'],
    ['a concatenation', "const x = 'Bearer ' + s.reveal();"],
    ['JSON', 'const x = JSON.stringify(s.reveal());'],
    ['an object on its way to JSON', 'const x = JSON.stringify({ a: [s.reveal()] });'],
    ['the console', 'console.log(s.reveal());'],
    ['a log line', "logger.log('info', 'x', { a: s.reveal() });"],
    ['an error', 'throw new TypeError(s.reveal());'],
    ['a throw', 'throw { why: s.reveal() };'],
    ['a text made of bytes', 'const x = b.reveal().toString();'],
  ])('a revealed text in %s, even where reveal is allowed', (_what, text) => {
    expect(problemsOf(text, allowed).join()).toContain('the text of a Secret in');
  });
});

describe('what is meant to pass passes', () => {
  it.each([
    'interface A { apiKey: Secret; keys: readonly Secret[]; credential: Record<string, Secret> }',
    'interface A { kid: string; keyId: string; tokenPlace: string; secretsRead: boolean; maxTokens: number }',
    'const outputTokens = hash("x"); const cacheKey = hash("x");',
    'const x = `${s.length} characters`;',
    "const keys = 3; const x = 'a' + keys;",
    "type Place = 'path' | 'header'; interface A { token: Place }",
  ])('%s', (text) => expect(problemsOf(text)).toEqual([]));

  it('a listed place, and no longer when the place is gone', () => {
    const rules: SecretRules = {
      revealed: { 'planted.ts:seal': 'sealed' },
      plain: { 'planted.ts:key': 'an index' },
      joined: { 'planted.ts:seal': 'hashed' },
    };
    const text = 'function seal() { return hash(`${s.reveal()}`) } const key = hash("");';
    expect(problemsOf(text, rules)).toEqual([]);
    expect(problemsOf(text.replaceAll('seal', 'other'), rules).join('\n')).toMatch(
      /reveal\(\) in planted\.ts:other[\s\S]*nothing needs "planted\.ts:seal"/,
    );
    expect(problemsOf('', rules)).toHaveLength(3);
  });

  it.each([
    ['token', true],
    ['xApiKey', true],
    ['admin_secret', true],
    ['keys', true],
    ['kid', false],
    ['monkey', false],
    ['maxTokens', false],
    ['tokenName', false],
  ])('the name %s: %s', (name, secret) => expect(isSecretName(name)).toBe(secret));

  it('reasons stand beside every row', () => {
    for (const list of [REVEALED, PLAIN, JOINED])
      for (const reason of Object.values(list)) expect(reason.length).toBeGreaterThan(5);
  });
});
