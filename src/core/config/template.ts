import { realpath, readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, normalize, relative, sep } from 'node:path';
import { randomBytes } from 'node:crypto';
import { isSecretName } from '../spi/index.js';
import { makeProblem } from './problem.js';
import type { Environment } from './environment.js';

export interface RenderedTemplate {
  readonly text: string;
  /** Stand-ins that the text holds in place of environment variables named like a secret. */
  readonly secrets: SecretTokens;
}

/** Finds the stand-ins of secrets in rendered text. */
export interface SecretTokens {
  /** The variable when `text` is exactly one stand-in. */
  exact(text: string): string | undefined;
  /** Variables whose stand-ins `text` holds, whole or altered by a filter. */
  within(text: string): readonly string[];
  /** The text with each stand-in replaced. */
  replace(text: string, read: (name: string) => string): string;
}

const RENDER_LIMIT_MS = 2_000;
const MEMORY_LIMIT = 10_000_000;

/**
 * Renders a `.yml.liquid` file: strict variables and filters; only `env.*` and `scheduled_time` exist; `include 'a/b'`
 * reads `a/_b.yml.liquid` below the config's folder (Embulk's rule). Values of secret variables never enter the text.
 */
export async function renderTemplate(
  source: string,
  at: { file: string; shown: string },
  env: Environment,
  scheduledTime: string | undefined,
): Promise<RenderedTemplate> {
  const { Liquid, UndefinedVariableError } = await import('liquidjs');
  const marker = randomBytes(8).toString('hex');
  const names: string[] = [];
  const variables: { [name: string]: string } = {};
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) continue;
    variables[name] = isSecretName(name) && value !== '' ? `${marker}x${names.push(name) - 1}x` : value;
  }
  const folder = dirname(at.file);
  const engine = new Liquid({
    root: [folder],
    fs: includeFiles(folder),
    relativeReference: false,
    strictVariables: true,
    strictFilters: true,
    lenientIf: true,
    ownPropertyOnly: true,
    renderLimit: RENDER_LIMIT_MS,
    memoryLimit: MEMORY_LIMIT,
  });
  try {
    const text = (await engine.parseAndRender(source, { env: variables, scheduled_time: scheduledTime ?? '{{ scheduled_time }}' })) as string;
    return { text, secrets: makeTokens(marker, names) };
  } catch (error) {
    throw templateProblem(error, at.shown, error instanceof UndefinedVariableError, Object.keys(variables));
  }
}

/** For text that came from no template. */
export const NO_SECRET_TOKENS: SecretTokens = { exact: () => undefined, within: () => [], replace: (text) => text };

function makeTokens(marker: string, names: readonly string[]): SecretTokens {
  const pattern = new RegExp(`${marker}x(\\d+)x`, 'g');
  const nameAt = (index: string | undefined): string => names[Number(index)] ?? '';
  return {
    exact: (text) => {
      const match = new RegExp(`^${marker}x(\\d+)x$`).exec(text);
      return match ? nameAt(match[1]) : undefined;
    },
    within: (text) => {
      if (!text.toLowerCase().includes(marker)) return [];
      const found = [...text.matchAll(pattern)].map((match) => nameAt(match[1]));
      return found.length > 0 ? found : ['a secret variable'];
    },
    replace: (text, read) => text.replaceAll(pattern, (_match, index: string) => read(nameAt(index))),
  };
}

function templateProblem(error: unknown, shown: string, undefinedVariable: boolean, known: readonly string[]) {
  const { token, originalError } = error as { token?: { getPosition?(): number[]; file?: string }; originalError?: Error };
  const [line, column] = token?.getPosition?.() ?? [];
  const where = { file: token?.file ?? shown, ...(line === undefined ? {} : { line }), ...(column === undefined ? {} : { column }) };
  const reason = (originalError?.message ?? (error as Error).message).split('\n', 1)[0] ?? '';
  if (!undefinedVariable)
    return makeProblem({
      code: 'TEMPLATE_ERROR',
      text: reason,
      where,
      hint: 'see the Liquid section of docs/reference/config.md',
      cause: originalError,
    });
  const name = /undefined variable: (?:env\.)?(\S+)/.exec(reason)?.[1] ?? '';
  const isEnv = reason.includes('env.');
  return makeProblem({
    code: 'TEMPLATE_VARIABLE',
    text: isEnv ? `the environment variable ${name} is not set` : `unknown variable ${name}: templates know env.* and scheduled_time`,
    where,
    hint: isEnv
      ? `set ${name}${similarName(name, known)}, or give a default: {{ env.${name} | default: "..." }}`
      : `write env.${name} to mean the environment variable`,
  });
}

function similarName(name: string, known: readonly string[]): string {
  const same = known.find((candidate) => candidate.toLowerCase() === name.toLowerCase());
  return same === undefined ? '' : ` (there is ${same})`;
}

/** The file system of `include`: `_name.yml.liquid` files below `folder`, nothing else. */
function includeFiles(folder: string) {
  const inside = (path: string): boolean => {
    const below = relative(folder, path);
    return below !== '' && !isAbsolute(below) && below.split(sep)[0] !== '..';
  };
  return {
    sep,
    dirname,
    resolve(_dir: string, name: string): string {
      const path = normalize(join(folder, dirname(name), `_${name.split('/').at(-1) ?? ''}.yml.liquid`));
      if (isAbsolute(name) || !inside(path)) throw new Error(`include "${name}" leaves the config's folder`);
      return path;
    },
    async exists(path: string): Promise<boolean> {
      const real = await realpath(path).catch(() => undefined);
      return real !== undefined && isBelow(await realpath(folder), real);
    },
    contains: (_root: string, path: string): Promise<boolean> => Promise.resolve(inside(path)),
    readFile: (path: string): Promise<string> => readFile(path, 'utf8'),
    existsSync: (): boolean => false,
    readFileSync: (): string => '',
    fallback: (): undefined => undefined,
  };
}

function isBelow(folder: string, path: string): boolean {
  return path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}
