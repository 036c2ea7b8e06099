import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ConfigError, fileSystemError } from '../spi/index.js';
import type { ErrorPlace, JsonValue } from '../spi/index.js';
import { formatPath } from './config-path.js';
import type { ConfigPath } from './config-path.js';
import { makeProblem } from './problem.js';
import type { Environment } from './environment.js';
import { NO_SECRET_TOKENS, renderTemplate } from './template.js';
import type { SecretTokens } from './template.js';
import { parseYaml } from './yaml-document.js';

/** A config as text came to values; `locate` leads back to the place in the file. */
export interface ConfigDocument {
  /** Absolute path of the file, or the given name of a config without one. */
  readonly file: string;
  /** The file as messages name it. */
  readonly shown: string;
  readonly value: JsonValue;
  readonly secrets: SecretTokens;
  locate(path: ConfigPath, part?: 'key' | 'value'): ErrorPlace;
}

export interface DocumentOptions {
  readonly env: Environment;
  /** Fills `{{ scheduled_time }}`. */
  readonly scheduledTime?: string | undefined;
}

/** Reads `.yml`, `.yaml` or `.yml.liquid`. Messages name the file as `shown`. */
export async function readDocument(file: string, options: DocumentOptions, shown = file): Promise<ConfigDocument> {
  if (!/\.ya?ml(\.liquid)?$/.test(file)) {
    throw makeProblem({
      code: 'CONFIG_EXTENSION',
      text: 'expected a file that ends in .yml, .yaml or .yml.liquid',
      where: { file: shown },
      hint: 'rename it, or name config files: sluice run pipelines/*.yml',
    });
  }
  return parseDocument(decodeText(await readBytes(file, shown), shown), file, options, shown);
}

/** As {@link readDocument}, for text that is at hand; `file` names it and decides whether it is a template. */
export async function parseDocument(text: string, file: string, options: DocumentOptions, shown = file): Promise<ConfigDocument> {
  const path = resolve(file);
  if (!file.endsWith('.liquid')) {
    const document = await parseYaml(text, { file: shown, exactColumn: () => true });
    return { file: path, shown, secrets: NO_SECRET_TOKENS, ...document };
  }
  const rendered = await renderTemplate(text, { file: path, shown }, options.env, options.scheduledTime);
  const lines = compareLines(text, rendered.text);
  const document = await parseYaml(rendered.text, {
    file: lines === undefined ? `${shown} (rendered)` : shown,
    exactColumn: (line) => lines?.has(line) ?? true,
  });
  return { file: path, shown, secrets: rendered.secrets, ...document };
}

/** A config that a command built; its places are paths without lines. */
export function makeDocument(value: JsonValue, name: string): ConfigDocument {
  return {
    file: name,
    shown: name,
    value,
    secrets: NO_SECRET_TOKENS,
    locate: (path) => ({ file: name, ...(path.length === 0 ? {} : { path: formatPath(path) }) }),
  };
}

/** The lines that rendering left as they were, or undefined when lines moved, so that numbers only fit the rendered text. */
function compareLines(source: string, rendered: string): ReadonlySet<number> | undefined {
  const before = source.split('\n');
  const after = rendered.split('\n');
  if (before.length !== after.length) return undefined;
  const same = new Set<number>();
  for (const [i, line] of before.entries()) {
    if (line === after[i]) same.add(i + 1);
    else if (!/\{\{|\{%/.test(line)) return undefined;
  }
  return same;
}

async function readBytes(file: string, shown: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    const isFolder = (error as NodeJS.ErrnoException).code === 'EISDIR';
    if (!isFolder && (error as NodeJS.ErrnoException).code !== 'ENOENT') throw fileSystemError(error, `reading ${shown}`);
    throw new ConfigError({
      code: 'CONFIG_NOT_FOUND',
      message: isFolder ? `${shown}: expected a config file, found a folder` : `${shown}: no such file`,
      hint: 'check the path, or write a config with `sluice guess`',
      where: { file: shown },
      cause: error,
    });
  }
}

function decodeText(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw makeProblem({ code: 'CONFIG_SYNTAX', text: 'expected UTF-8 text', where: { file }, hint: 'save the config as UTF-8', cause: error });
  }
}
