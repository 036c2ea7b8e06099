import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeOpenApi } from '../../src/server/http/openapi.js';
import { ROUTES } from '../../src/server/http/routes/index.js';

/** The OpenAPI document of the HTTP API, of the version that package.json names. */
export async function writeOpenApi(root: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  return `${JSON.stringify(makeOpenApi(ROUTES, version), undefined, 2)}\n`;
}
