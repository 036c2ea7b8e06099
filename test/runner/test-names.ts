import ts from 'typescript';

export interface DeclaredTest {
  readonly name: string;
  readonly line: number;
  /** `skip` and `only` as in `test.skip('name', …)`. */
  readonly modifier: 'skip' | 'only' | undefined;
}

export interface DeclaredTests {
  readonly tests: readonly DeclaredTest[];
  /** Two tests of one suite with one name: the report could not say which of them failed. */
  readonly duplicates: readonly DeclaredTest[];
}

/** Reads the tests that a file declares with a literal name; names computed in loops are not seen. */
export function readDeclaredTests(path: string, text: string): DeclaredTests {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true);
  const suites = new Set(['test']);
  const tests: DeclaredTest[] = [];
  const duplicates: DeclaredTest[] = [];
  const seen = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isVariableDeclaration(node) && ts.isIdentifier(node.name) && isCallOf(node.initializer, 'suite')) suites.add(node.name.text);
    if (ts.isCallExpression(node)) {
      const declared = readDeclaration(node, suites, source);
      if (declared !== undefined) {
        tests.push(declared.test);
        const key = JSON.stringify([declared.suite, declared.test.name]);
        if (seen.has(key)) duplicates.push(declared.test);
        seen.add(key);
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return { tests, duplicates };
}

function readDeclaration(
  call: ts.CallExpression,
  suites: ReadonlySet<string>,
  source: ts.SourceFile,
): { suite: string; test: DeclaredTest } | undefined {
  const [name, body] = call.arguments;
  if (name === undefined || body === undefined || !ts.isStringLiteralLike(name)) return undefined;
  let callee: ts.Expression = call.expression;
  let modifier: DeclaredTest['modifier'];
  if (ts.isPropertyAccessExpression(callee)) {
    if (callee.name.text !== 'skip' && callee.name.text !== 'only') return undefined;
    modifier = callee.name.text;
    callee = callee.expression;
  }
  if (!ts.isIdentifier(callee) || !suites.has(callee.text)) return undefined;
  const line = source.getLineAndCharacterOfPosition(call.getStart()).line + 1;
  return { suite: callee.text, test: { name: name.text, line, modifier } };
}

function isCallOf(node: ts.Expression | undefined, name: string): boolean {
  return node !== undefined && ts.isCallExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === name;
}
