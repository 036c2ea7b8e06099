import { resolve } from 'node:path';
import { ConfigError, isSecretName, ownValue, Secret } from '../spi/index.js';
import type { ErrorPlace, JsonValue } from '../spi/index.js';
import type { ConfigPath } from './config-path.js';
import type { Environment } from './environment.js';
import { acceptsKey, alternativesOf, itemSchemas, propertySchemas, typesOf } from './json-schema.js';
import type { SchemaNode } from './json-schema.js';
import { makeProblem } from './problem.js';
import { commandSecret, fileSecret } from './secret-sources.js';
import type { SecretTokens } from './template.js';

/** A config value whose secret keys hold {@link Secret} objects. */
export type SecretValue = JsonValue | Secret | readonly SecretValue[] | { readonly [key: string]: SecretValue };

export interface ReferenceScope {
  readonly env: Environment;
  /** `{file: PATH}` starts here. */
  readonly root: string;
  /** Whether the value at this path may be a command: only those of sluice.yml. */
  commands(path: ConfigPath): boolean;
  readonly tokens: SecretTokens;
  readonly scheduledTime: string | undefined;
  locate(path: ConfigPath, part?: 'key' | 'value'): ErrorPlace;
}

/**
 * Puts values in place of `{env: NAME}`, `{file: PATH}`, `{command: …}` and `{{ scheduled_time }}`. Keys that the schema
 * marks `x-secret` become {@link Secret} objects; elsewhere `env` gives plain text unless its name looks like a secret's.
 */
export function resolveReferences(
  value: JsonValue,
  schema: SchemaNode,
  scope: ReferenceScope,
): { value: SecretValue; problems: readonly ConfigError[] } {
  const resolver = new ReferenceResolver(schema, scope);
  const resolved = resolver.visit(value, alternativesOf(schema, schema), []);
  return { value: resolved, problems: resolver.problems };
}

class ReferenceResolver {
  readonly problems: ConfigError[] = [];
  readonly #root: SchemaNode;
  readonly #scope: ReferenceScope;

  constructor(root: SchemaNode, scope: ReferenceScope) {
    this.#root = root;
    this.#scope = scope;
  }

  visit(value: JsonValue, schemas: readonly SchemaNode[], path: ConfigPath): SecretValue {
    if (typeof value === 'string') return this.#text(value, schemas, path);
    if (typeof value !== 'object' || value === null) return isSecretKey(schemas) && value !== null ? literalSecret(String(value)) : value;
    if (Array.isArray(value))
      return (value as readonly JsonValue[]).map((item, i) => this.visit(item, itemSchemas(schemas, i, this.#root), [...path, i]));
    const reference = readReference(value as { readonly [key: string]: JsonValue });
    if (reference !== undefined && schemas.length > 0 && !acceptsKey(schemas, reference.kind)) return this.#reference(reference, schemas, path);
    const entries = Object.entries(value).map(
      ([key, inner]) => [key, this.visit(inner as JsonValue, propertySchemas(schemas, key, this.#root), [...path, key])] as const,
    );
    return Object.fromEntries(entries);
  }

  #text(text: string, schemas: readonly SchemaNode[], path: ConfigPath): SecretValue {
    const secretKey = isSecretKey(schemas);
    const names = this.#scope.tokens.within(text);
    if (names.length > 0) {
      if (secretKey) return this.#templateSecret(text);
      return this.#fail(path, {
        code: 'SECRET_IN_PLAIN_KEY',
        text: `the secret ${names.join(', ')} would be written into a plain key`,
        hint: 'use it only in keys that hold secrets, or rename the variable when it is none',
      });
    }
    const filled = this.#fillScheduledTime(text, path);
    return secretKey ? literalSecret(filled) : filled;
  }

  #templateSecret(text: string): Secret {
    const { tokens, env } = this.#scope;
    const name = tokens.exact(text);
    return new Secret(name === undefined ? null : { env: name }, () => Promise.resolve(tokens.replace(text, (variable) => env[variable] ?? '')));
  }

  #fillScheduledTime(text: string, path: ConfigPath): string {
    if (/\{\{-?\s*env\./.test(text)) {
      this.#fail(path, {
        code: 'TEMPLATE_IN_PLAIN_FILE',
        text: 'only files that end in .yml.liquid are rendered as templates',
        hint: 'rename the file to end in .yml.liquid, or write {env: NAME}',
      });
      return text;
    }
    return text.replaceAll(/\{\{\s*scheduled_time\s*\}\}/g, (placeholder) => {
      if (this.#scope.scheduledTime !== undefined) return this.#scope.scheduledTime;
      this.#fail(path, {
        code: 'NO_SCHEDULED_TIME',
        text: 'scheduled_time has no value in this run',
        hint: 'give the nominal time with --at, or start the pipeline from a schedule',
      });
      return placeholder;
    });
  }

  #reference(reference: Reference, schemas: readonly SchemaNode[], path: ConfigPath): SecretValue {
    const { env, root, locate } = this.#scope;
    const secretKey = isSecretKey(schemas);
    const where = locate(path);
    if (reference.kind === 'command') {
      if (!this.#scope.commands(path))
        return this.#fail(path, {
          code: 'SECRET_COMMAND',
          text: '{command: ...} may stand in sluice.yml only',
          hint: 'use {env: NAME} or {file: PATH} here',
        });
      if (!secretKey)
        return this.#fail(path, {
          code: 'SECRET_IN_PLAIN_KEY',
          text: 'this key holds plain text, which {command: ...} may not fill',
          hint: 'write the value itself',
        });
      return commandSecret(reference.name, root, where);
    }
    if (reference.kind === 'file') {
      if (!secretKey)
        return this.#fail(path, {
          code: 'SECRET_IN_PLAIN_KEY',
          text: 'this key holds plain text, which {file: ...} may not fill',
          hint: 'write the value itself, or use {env: NAME}',
        });
      const secret = fileSecret(reference.name, resolve(root, reference.name), where);
      return secret instanceof ConfigError ? this.#add(secret) : secret;
    }
    const value = ownValue(env, reference.name);
    if (value === undefined)
      return this.#fail(path, {
        code: 'SECRET_MISSING',
        text: `the environment variable ${reference.name} is not set`,
        hint: `set it before the command: ${reference.name}=... sluice ...`,
      });
    if (secretKey) return new Secret({ env: reference.name }, () => Promise.resolve(value));
    if (isSecretName(reference.name)) {
      return this.#fail(path, {
        code: 'SECRET_IN_PLAIN_KEY',
        text: `the secret ${reference.name} would be written into a plain key`,
        hint: 'use it only in keys that hold secrets, or rename the variable when it is none',
      });
    }
    return convertText(value, schemas);
  }

  #fail(path: ConfigPath, problem: { code: string; text: string; hint: string }): null {
    return this.#add(makeProblem({ ...problem, where: this.#scope.locate(path) }));
  }

  #add(problem: ConfigError): null {
    this.problems.push(problem);
    return null;
  }
}

interface Reference {
  readonly kind: 'env' | 'file' | 'command';
  readonly name: string;
}

function readReference(value: { readonly [key: string]: JsonValue }): Reference | undefined {
  const keys = Object.keys(value);
  const kind = keys[0];
  if (keys.length !== 1 || (kind !== 'env' && kind !== 'file' && kind !== 'command')) return undefined;
  const name = value[kind];
  return typeof name === 'string' && name !== '' ? { kind, name } : undefined;
}

function isSecretKey(schemas: readonly SchemaNode[]): boolean {
  return schemas.some((schema) => schema['x-secret'] === true);
}

function literalSecret(text: string): Secret {
  return new Secret(null, () => Promise.resolve(text));
}

/** A variable's text as the number or boolean its key wants; anything else stays text, and validation judges it. */
function convertText(text: string, schemas: readonly SchemaNode[]): JsonValue {
  const types = new Set(schemas.flatMap(typesOf));
  if (types.has('string')) return text;
  if ((types.has('integer') || types.has('number')) && /^-?(0|[1-9]\d*)(\.\d+)?$/.test(text)) return Number(text);
  if (types.has('boolean') && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}
