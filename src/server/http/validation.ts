import type { FastifySchemaCompiler } from 'fastify';
import type { Ajv, ErrorObject } from 'ajv';
import { HttpError } from './problem.js';
import type { JsonSchema } from './route.js';

/**
 * Judges requests by the schemas of their routes. Paths and queries are text, so their numbers are read from it; bodies are
 * taken as they are, and nothing unknown is dropped in silence.
 */
export async function createValidation(): Promise<FastifySchemaCompiler<JsonSchema>> {
  const module = await import('ajv');
  // Bundled, the CommonJS package has only a default export.
  const Compiler = (module.Ajv ?? (module as unknown as { default: typeof Ajv }).default) as typeof Ajv;
  const options = { strict: true, allowUnionTypes: true, useDefaults: true, allErrors: false } as const;
  const body = new Compiler(options);
  const text = new Compiler({ ...options, coerceTypes: true });
  return ({ schema, httpPart }) => {
    const isBody = httpPart === 'body';
    const validate = (isBody ? body : text).compile(schema);
    return (value: unknown) => {
      if (validate(value)) {
        const endless = isBody ? undefined : findEndless(value);
        return endless === undefined ? { value } : { error: refuse(httpPart ?? 'request', endless, 'expected a finite number') };
      }
      return { error: describeFailure(httpPart ?? 'request', validate.errors?.[0]) };
    };
  };
}

const PARTS: Readonly<Record<string, string>> = { body: 'body', querystring: 'query', params: 'path' };

/** ajv makes Infinity of the text 1e999, and compares no infinite number with a minimum or maximum. */
function findEndless(values: unknown): string | undefined {
  return Object.entries(values ?? {}).find(([, each]) => typeof each === 'number' && !Number.isFinite(each))?.[0];
}

function describeFailure(part: string, error: ErrorObject | undefined): HttpError {
  const path = error?.instancePath.slice(1).replaceAll('/', '.') ?? '';
  const unknown = error?.keyword === 'additionalProperties' ? 'expected no further members' : undefined;
  const allowed = (error?.params as { allowedValues?: unknown } | undefined)?.allowedValues;
  const rule =
    unknown ?? (Array.isArray(allowed) ? `expected one of ${allowed.join(', ')}` : (error?.message ?? 'not valid').replace(/^must/, 'expected to'));
  return refuse(part, path, rule);
}

/** Names and rules only, never the value: it may be a secret that was put into the wrong place. */
function refuse(part: string, path: string, rule: string): HttpError {
  const place = [PARTS[part] ?? part, path].filter((each) => each !== '').join('.');
  return new HttpError(400, { code: 'REQUEST_INVALID', message: `${place}: ${rule}`, hint: '/openapi.json describes every request' });
}
