import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { fileSystemError, RemoteError, Secret } from '../spi/index.js';
import type { ConfigError, ErrorPlace } from '../spi/index.js';
import { formatPlace, makeProblem } from './problem.js';

const COMMAND_TIMEOUT_MS = 30_000;

/** The file's text without its last newline, read at each use; a problem when it cannot be read now. */
export function fileSecret(name: string, path: string, where: ErrorPlace): Secret | ConfigError {
  try {
    accessSync(path, constants.R_OK);
  } catch (error) {
    return makeProblem({
      code: 'SECRET_MISSING',
      text: `the file ${name} cannot be read`,
      where,
      hint: `create ${path}, readable by this user alone`,
      cause: error,
    });
  }
  return new Secret({ file: name }, async () => {
    try {
      return (await readFile(path, 'utf8')).replace(/\r?\n$/, '');
    } catch (error) {
      throw fileSystemError(error, `${formatPlace(where)}: reading the secret file ${name}`);
    }
  });
}

/** What the shell command prints, without its last newline; run once, at the first use. */
export function commandSecret(command: string, root: string, where: ErrorPlace): Secret {
  let running: Promise<string> | undefined;
  return new Secret({ command }, () => (running ??= runCommand(command, root, where)));
}

async function runCommand(command: string, root: string, where: ErrorPlace): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)('/bin/sh', ['-c', command], { cwd: root, timeout: COMMAND_TIMEOUT_MS });
    return stdout.replace(/\r?\n$/, '');
  } catch (error) {
    const { code, killed } = error as { code?: number | string; killed?: boolean };
    const reason = killed === true ? `did not end within ${COMMAND_TIMEOUT_MS / 1000} seconds` : `failed with status ${code ?? 'unknown'}`;
    throw new RemoteError({
      code: 'SECRET_COMMAND_FAILED',
      message: `${formatPlace(where)}: the command for this secret ${reason}`,
      hint: 'run the command by hand in the project folder',
      retryable: false,
      where,
    });
  }
}
