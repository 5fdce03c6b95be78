// Holds the sources to the first wall of behaviour §9: what is named like a secret is a Secret, its text is taken out only
// where scripts/secret-rules.ts says so, and it never meets a text, JSON, the console or an error message.
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';
import { JOINED, PLAIN, REVEALED } from './secret-rules.ts';

/** What is let pass, by place, with reasons. */
export interface SecretRules {
  /** `file` or `file:function` where `reveal()` may be called. */
  readonly revealed: Readonly<Record<string, string>>;
  /** `file:name` that may be plain text or bytes. */
  readonly plain: Readonly<Record<string, string>>;
  /** `file:function` that may put a revealed text into another. */
  readonly joined: Readonly<Record<string, string>>;
}

/** What a look found; `looked` counts files. */
export interface SecretReport {
  readonly looked: number;
  readonly problems: readonly string[];
}

/** Last words of the names that secrets have. `key` alone is one, and so is what ends in Key; plurals of these are lists of them. */
const LAST_WORD =
  /^(?:key|keys|token|tokens|secret|secrets|password|passwords|passwd|passphrase|credential|credentials|bearer|jwt|jwe|jws)$/;
/** Words before `key` and the like that say it is no secret: `cacheKey`, `maxTokens`, `publicKey`, … */
const HARMLESS =
  /^(?:cache|map|sort|public|lookup|max|min|input|output|cached|used|left|total|prompt|completion|primary|foreign|reasoning|idempotency)$/;
const CLASSES = new Set(['Secret', 'SecretBytes']);
/** Calls whose arguments are shown to somebody. */
const SHOWING =
  /^(?:console\.\w+|JSON\.stringify|String|inspect|util\.inspect|format|util\.format|\w*[Ll]og(?:ger)?\.\w+|log|warn|process\.std(?:out|err)\.write|encodeURIComponent)$/;

/** Looks through a program's source files below `root`; tests are left alone. */
export function findSecretProblems(
  program: ts.Program,
  root: string,
  rules: SecretRules,
  wanted: (path: string) => boolean,
): SecretReport {
  const checker = program.getTypeChecker();
  const used = new Set<string>();
  const problems: string[] = [];
  let looked = 0;
  for (const source of program.getSourceFiles()) {
    const path = relative(root, source.fileName).replaceAll('\\', '/');
    if (!wanted(path)) continue;
    looked += 1;
    lookThrough({ checker, source, path, rules, used, problems });
  }
  const listed = [rules.revealed, rules.plain, rules.joined].flatMap((list) => Object.keys(list));
  for (const row of listed) {
    if (!used.has(row)) problems.push(`scripts/secret-rules.ts: nothing needs "${row}" any more`);
  }
  return { looked, problems };
}

interface Look {
  readonly checker: ts.TypeChecker;
  readonly source: ts.SourceFile;
  readonly path: string;
  readonly rules: SecretRules;
  readonly used: Set<string>;
  readonly problems: string[];
}

function lookThrough(look: Look): void {
  const visit = (node: ts.Node): void => {
    checkName(look, node);
    checkReveal(look, node);
    checkShowing(look, node);
    node.forEachChild(visit);
  };
  visit(look.source);
}

function say(look: Look, node: ts.Node, problem: string): void {
  const { line } = look.source.getLineAndCharacterOfPosition(node.getStart(look.source));
  look.problems.push(`${look.path}:${line + 1}: ${problem}`);
}

/** Whether a list lets one of these places pass; each row that is asked for counts as needed. */
function lets(look: Look, list: Readonly<Record<string, string>>, places: readonly string[]): boolean {
  const row = places.find((place) => Object.hasOwn(list, place));
  if (row !== undefined) look.used.add(row);
  return row !== undefined;
}

/** Whether a name is one that secrets have. */
export function isSecretName(name: string): boolean {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[_$-]+/)
    .filter((word) => word !== '');
  const last = words.at(-1) ?? '';
  return LAST_WORD.test(last) && !HARMLESS.test(words.at(-2) ?? '');
}

type Declared = ts.Node & { name: ts.Identifier | ts.StringLiteral };

function isDeclared(node: ts.Node): node is Declared {
  const named =
    ts.isPropertySignature(node) ||
    ts.isPropertyDeclaration(node) ||
    ts.isParameter(node) ||
    ts.isVariableDeclaration(node) ||
    ts.isBindingElement(node) ||
    ts.isFunctionDeclaration(node) ||
    ts.isMethodSignature(node);
  return named && node.name !== undefined && (ts.isIdentifier(node.name) || ts.isStringLiteral(node.name));
}

/** A name like a secret's whose type is text or bytes. A function by such a name is judged by what it gives. */
function checkName(look: Look, node: ts.Node): void {
  if (!isDeclared(node) || !isSecretName(node.name.text)) return;
  const type = look.checker.getTypeAtLocation(node.name);
  const [signature] = type.getCallSignatures();
  if (!isPlain(look, signature === undefined ? type : look.checker.getReturnTypeOfSignature(signature)))
    return;
  if (lets(look, look.rules.plain, [`${look.path}:${node.name.text}`])) return;
  say(look, node, `"${node.name.text}" is plain ${look.checker.typeToString(type)}: make it a Secret`);
}

function isPlain(look: Look, type: ts.Type): boolean {
  if (type.isUnion()) return type.types.some((part) => isPlain(look, part));
  if (type.isStringLiteral() || type.isNumberLiteral()) return false;
  if ((type.flags & ts.TypeFlags.StringLike) !== 0) return true;
  const name = type.symbol?.name;
  if (name === 'Uint8Array' || name === 'Buffer') return true;
  if (name === 'Promise' || look.checker.isArrayType(type)) {
    const [inner] = look.checker.getTypeArguments(type as ts.TypeReference);
    return inner !== undefined && isPlain(look, inner);
  }
  const indexed = look.checker.getIndexTypeOfType(type, ts.IndexKind.String);
  return name === undefined || name === '__type' ? indexed !== undefined && isPlain(look, indexed) : false;
}

function isSecret(look: Look, node: ts.Node): boolean {
  const has = (type: ts.Type): boolean =>
    type.isUnion() ? type.types.some(has) : CLASSES.has(type.symbol?.name ?? '');
  return has(look.checker.getTypeAtLocation(withoutCasts(node)));
}

/** What a cast was put on: `secret as never` is still the Secret. */
function withoutCasts(node: ts.Node): ts.Node {
  const wrapped =
    ts.isAsExpression(node) ||
    ts.isParenthesizedExpression(node) ||
    ts.isNonNullExpression(node) ||
    ts.isSatisfiesExpression(node);
  return wrapped ? withoutCasts(node.expression) : node;
}

function isRevealCall(look: Look, node: ts.Node): node is ts.CallExpression {
  if (!ts.isCallExpression(node)) return false;
  const { expression } = node;
  return (
    ts.isPropertyAccessExpression(expression) &&
    expression.name.text === 'reveal' &&
    isSecret(look, expression.expression)
  );
}

/** `file:function` of every named function around a node, inside first. */
function placesOf(look: Look, node: ts.Node): string[] {
  const places: string[] = [];
  for (let at: ts.Node | undefined = node.parent; at !== undefined; at = at.parent) {
    const name = functionName(at);
    if (name !== null) places.push(`${look.path}:${name}`);
  }
  return [...places, look.path];
}

function functionName(node: ts.Node): string | null {
  if (ts.isFunctionDeclaration(node)) return node.name?.text ?? null;
  const holds = ts.isVariableDeclaration(node) && node.initializer && ts.isFunctionLike(node.initializer);
  if (!holds && !ts.isMethodDeclaration(node)) return null;
  return ts.isIdentifier(node.name) ? node.name.text : null;
}

function checkReveal(look: Look, node: ts.Node): void {
  const handedOn =
    ts.isPropertyAccessExpression(node) && node.name.text === 'reveal' && isSecret(look, node.expression);
  if (!handedOn) return;
  const places = placesOf(look, node);
  if (lets(look, look.rules.revealed, places)) return;
  say(look, node, `reveal() in ${places[0]}: hand the Secret on, or list the place with its reason`);
}

/** A Secret, or its text, on its way into something that is shown. */
function checkShowing(look: Look, node: ts.Node): void {
  const shown = partsShown(node, look.source);
  if (shown === null) return;
  for (const part of shown.parts) {
    if (isSecret(look, part))
      say(look, part, `a Secret in ${shown.where}: it prints [secret], and is not meant to print`);
    const revealed = findReveal(look, part);
    if (revealed === null || lets(look, look.rules.joined, placesOf(look, part))) continue;
    say(look, revealed, `the text of a Secret in ${shown.where}`);
  }
}

function partsShown(node: ts.Node, source: ts.SourceFile): { where: string; parts: ts.Node[] } | null {
  if (ts.isTemplateExpression(node)) {
    return { where: 'a template', parts: node.templateSpans.map((span) => span.expression) };
  }
  const plus = ts.isBinaryExpression(node) ? node.operatorToken.kind : null;
  if (plus === ts.SyntaxKind.PlusToken || plus === ts.SyntaxKind.PlusEqualsToken) {
    const { left, right } = node as ts.BinaryExpression;
    return { where: 'a concatenation', parts: [left, right] };
  }
  if (ts.isCallExpression(node)) {
    const called = node.expression.getText(source);
    if (SHOWING.test(called)) return { where: `${called}()`, parts: [...node.arguments] };
    const method = ts.isPropertyAccessExpression(node.expression) ? node.expression : null;
    if (method?.name.text === 'toString' || method?.name.text === 'toJSON') {
      return { where: `${method.name.text}()`, parts: [method.expression] };
    }
  }
  if (ts.isNewExpression(node) && /Error$/.test(node.expression.getText(source))) {
    return { where: 'an error', parts: [...(node.arguments ?? [])] };
  }
  return ts.isThrowStatement(node) ? { where: 'a throw', parts: [node.expression] } : null;
}

/** The reveal() in an expression whose value can reach the expression's own; functions called on the way end the search. */
function findReveal(look: Look, node: ts.Node): ts.Node | null {
  if (isRevealCall(look, node)) return node;
  if (ts.isCallExpression(node) && !ts.isPropertyAccessExpression(node.expression)) return null;
  return node.forEachChild((child) => findReveal(look, child) ?? undefined) ?? null;
}

/** All sources of the packages and examples that hold or handle keys; tests and the demo provider aside. */
function isWatched(path: string): boolean {
  return /^packages\/(?:token|server|sdk-node|cli)\/src\/.*\.ts$/.test(path) && !/\.test\.ts$/.test(path);
}

/** The program of the repository at `root`. */
function loadProgram(root: string): ts.Program {
  const base = ts.readConfigFile(join(root, 'packages/server/tsconfig.json'), (path) =>
    readFileSync(path, 'utf8'),
  );
  const parsed = ts.parseJsonConfigFileContent(base.config, ts.sys, join(root, 'packages/server'));
  const names = ts.sys
    .readDirectory(join(root, 'packages'), ['.ts'], ['**/node_modules', '**/dist'])
    .filter((path) => isWatched(relative(root, path).replaceAll('\\', '/')));
  return ts.createProgram(names, { ...parsed.options, noEmit: true });
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '..');
  const rules = { revealed: REVEALED, plain: PLAIN, joined: JOINED };
  const { looked, problems } = findSecretProblems(loadProgram(root), root, rules, isWatched);
  // a program of nothing finds nothing
  const all = looked === 0 ? ['no source was read'] : problems;
  for (const problem of all) console.log(problem);
  console.log(
    `${looked} files, ${Object.keys(REVEALED).length} places that reveal, ${Object.keys(PLAIN).length} plain by leave`,
  );
  process.exitCode = all.length > 0 ? 1 : 0;
}
