import type { Ajv, ErrorObject, ValidateFunction } from 'ajv';
import { ConfigError, parseColumnType, Secret } from '../spi/index.js';
import type { ErrorPlace, JsonObject, JsonValue } from '../spi/index.js';
import type { ConfigPath } from './config-path.js';
import { explainErrors } from './explain.js';
import type { SchemaNode } from './json-schema.js';
import { makeProblem } from './problem.js';
import { passesQuickly } from './quick-validation.js';
import { resolveReferences } from './references.js';
import type { ReferenceScope, SecretValue } from './references.js';

export interface Validated {
  /** The value with secrets, references and defaults in place; `{}` when there were problems. */
  readonly config: JsonObject;
  /** As the user wrote it: references filled, no defaults. What the config hash covers. */
  readonly given: SecretValue;
  readonly problems: readonly ConfigError[];
}

/** Resolves references, then validates against one schema and fills its defaults. */
export async function validateSection(
  value: JsonValue,
  schema: SchemaNode,
  scope: ReferenceScope,
  extraKeys: readonly string[] = [],
): Promise<Validated> {
  const resolved = resolveReferences(value, schema, scope);
  const secrets: { path: ConfigPath; secret: Secret }[] = [];
  let copy = hideSecrets(resolved.value, [], secrets);
  const problems: ConfigError[] = [...resolved.problems];
  if (!passesQuickly(schema, copy)) {
    const validate = await compileSchema(schema);
    copy = hideSecrets(resolved.value, [], []);
    if (!validate(copy)) problems.push(...placeErrors(validate.errors ?? [], copy, resolved.problems, secrets, scope, extraKeys));
  }
  for (const { path, secret } of secrets) putBack(copy, path, secret);
  return { config: (problems.length > 0 ? {} : copy) as JsonObject, given: resolved.value, problems };
}

function placeErrors(
  errors: readonly ErrorObject[],
  data: unknown,
  earlier: readonly ConfigError[],
  secrets: readonly { path: ConfigPath }[],
  scope: { locate(path: ConfigPath, part?: 'key' | 'value'): ErrorPlace },
  extraKeys: readonly string[],
): readonly ConfigError[] {
  const settled = new Set([...earlier.map((problem) => problem.where.path), ...secrets.map(({ path }) => scope.locate(path).path)]);
  return explainErrors(errors, data, extraKeys)
    .map(({ code, path, part, text, hint }) => ({ code, text, hint, where: scope.locate(path, part) }))
    .filter(({ where }) => !settled.has(where.path))
    .map(makeProblem);
}

const compiled = new WeakMap<SchemaNode, ValidateFunction>();
let compiler: Promise<Ajv> | undefined;

/**
 * One instance for all schemas, without the meta-schema: checking our own schemas at every start took longer than all
 * else before the first row. The plugin tests and the conformance suite check them.
 */
async function createCompiler(): Promise<Ajv> {
  const { Ajv } = await import('ajv');
  // `strictTypes` and `strictRequired` would forbid `oneOf: [{required: …}]` beside `type: object`.
  const ajv = new Ajv({
    strict: true,
    strictTypes: false,
    strictRequired: false,
    strictTuples: false,
    allErrors: true,
    useDefaults: true,
    verbose: true,
    allowUnionTypes: true,
    logger: false,
    meta: false,
    validateSchema: false,
    addUsedSchema: false,
  });
  for (const keyword of ['x-secret', 'x-advanced', 'x-connection']) ajv.addKeyword({ keyword, schemaType: 'boolean' });
  ajv.addKeyword({ keyword: 'x-expected', schemaType: 'string' });
  ajv.addKeyword({
    keyword: 'x-column-type',
    schemaType: 'boolean',
    type: 'string',
    validate: (_on: boolean, text: string) => parseColumnType(text) !== undefined,
    errors: false,
  });
  return ajv;
}

/** Compiles a plugin's schema; one that is itself wrong is the plugin author's error. */
export async function compileSchema(schema: SchemaNode): Promise<ValidateFunction> {
  const known = compiled.get(schema);
  if (known) return known;
  compiler ??= createCompiler();
  const ajv = await compiler;
  try {
    const validate = ajv.compile(schema);
    compiled.set(schema, validate);
    return validate;
  } catch (error) {
    throw new ConfigError({
      code: 'PLUGIN_INVALID',
      message: `this config schema is not valid: ${(error as Error).message}`,
      hint: 'report this to the plugin author',
      cause: error,
    });
  }
}

/** A deep copy in which plain text stands for each secret. */
function hideSecrets(value: SecretValue, path: ConfigPath, secrets: { path: ConfigPath; secret: Secret }[]): unknown {
  if (value instanceof Secret) {
    secrets.push({ path, secret: value });
    return 'secret';
  }
  if (Array.isArray(value)) return (value as readonly SecretValue[]).map((item, i) => hideSecrets(item, [...path, i], secrets));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value as { [key: string]: SecretValue }).map(([key, inner]) => [key, hideSecrets(inner, [...path, key], secrets)]),
  );
}

function putBack(target: unknown, path: ConfigPath, secret: Secret): void {
  let current = target as { [key: string | number]: unknown };
  for (const part of path.slice(0, -1)) current = current[part] as { [key: string | number]: unknown };
  const last = path.at(-1);
  if (last !== undefined) current[last] = secret;
}
