import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import ts from 'typescript';

export interface ErrorUse {
  readonly code: string;
  /** `ConfigError` and so on, where the constructor is known. */
  readonly kind: string | undefined;
  /** With `…` in place of what is filled in. */
  readonly message: string | undefined;
  readonly hint: string | undefined;
}

const CODE = /^(?=.{4})[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/;
const POSITIONAL_CODE = /^[A-Z][A-Z0-9]+(_[A-Z0-9]+)+$/;

/** Every place of the source that makes an error: `{code: 'X', message: …, hint: …}`, or a call `f('X_Y', 'message …', …)`. */
export async function collectErrors(source: string): Promise<readonly ErrorUse[]> {
  const found: ErrorUse[] = [];
  for (const entry of await readdir(source, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.ts')) continue;
    const path = join(entry.parentPath, entry.name);
    const file = ts.createSourceFile(path, await readFile(path, 'utf8'), ts.ScriptTarget.ES2022, true);
    const visit = (node: ts.Node): void => {
      if (ts.isObjectLiteralExpression(node)) found.push(...fromObject(node));
      if (ts.isCallExpression(node) || ts.isNewExpression(node)) found.push(...fromCall(node));
      ts.forEachChild(node, visit);
    };
    visit(file);
  }
  return found.sort((a, b) => (a.code < b.code ? -1 : a.code > b.code ? 1 : 0));
}

function fromObject(node: ts.ObjectLiteralExpression): readonly ErrorUse[] {
  const code = propertyOf(node, 'code');
  const message = propertyOf(node, 'message') ?? propertyOf(node, 'text') ?? propertyOf(node, 'reason');
  const hint = propertyOf(node, 'hint');
  if (code === undefined || (message === undefined && hint === undefined && !hasSpread(node))) return [];
  return literalsOf(code)
    .filter((text) => CODE.test(text))
    .map((text) => ({ code: text, kind: kindOf(node), message: textOf(message), hint: textOf(hint) }));
}

function fromCall(node: ts.CallExpression | ts.NewExpression): readonly ErrorUse[] {
  const args = node.arguments ?? [];
  const at = args.findIndex((arg) => ts.isStringLiteral(arg) && POSITIONAL_CODE.test(arg.text));
  const code = args[at];
  const texts = args
    .slice(at + 1)
    .map((arg) => textOf(arg))
    .filter((text) => text?.includes(' '));
  if (code === undefined || !ts.isStringLiteral(code) || texts.length === 0) return [];
  return [{ code: code.text, kind: kindOf(node), message: texts[0], hint: texts[1] }];
}

function propertyOf(node: ts.ObjectLiteralExpression, name: string): ts.Expression | undefined {
  for (const property of node.properties) {
    if (ts.isPropertyAssignment(property) && property.name.getText() === name) return property.initializer;
    if (ts.isShorthandPropertyAssignment(property) && property.name.text === name) return property.name;
  }
  return undefined;
}

function hasSpread(node: ts.ObjectLiteralExpression): boolean {
  return node.properties.some((property) => ts.isSpreadAssignment(property));
}

/** The texts an expression may give: a literal, or the branches of a choice. */
function literalsOf(node: ts.Expression): readonly string[] {
  if (ts.isStringLiteralLike(node)) return [node.text];
  if (ts.isParenthesizedExpression(node) || ts.isAsExpression(node)) return literalsOf(node.expression);
  if (ts.isConditionalExpression(node)) return [...literalsOf(node.whenTrue), ...literalsOf(node.whenFalse)];
  return [];
}

function textOf(node: ts.Expression | undefined): string | undefined {
  if (node === undefined) return undefined;
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isTemplateExpression(node)) return node.head.text + node.templateSpans.map((span) => `…${span.literal.text}`).join('');
  if (ts.isParenthesizedExpression(node)) return textOf(node.expression);
  if (ts.isConditionalExpression(node)) return textOf(node.whenTrue) ?? textOf(node.whenFalse);
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken) {
    const [left, right] = [textOf(node.left), textOf(node.right)];
    return left === undefined && right === undefined ? undefined : `${left ?? '…'}${right ?? '…'}`;
  }
  return undefined;
}

/** The error class around a node, up to its statement. */
function kindOf(node: ts.Node): string | undefined {
  for (let current: ts.Node | undefined = node; current !== undefined && !ts.isStatement(current); current = current.parent) {
    if (ts.isNewExpression(current)) {
      const name = current.expression.getText();
      if (/^[A-Z]\w*Error$/.test(name)) return name;
    }
    if (ts.isCallExpression(current) && /(makeProblem|#fail|#addProblem)$/.test(current.expression.getText())) return 'ConfigError';
  }
  return undefined;
}
