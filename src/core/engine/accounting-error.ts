import { BugError } from '../spi/index.js';

/** Rows that do not add up are never committed. */
export function accountingError(source: string, text: string): BugError {
  return new BugError({
    code: 'ACCOUNTING',
    message: `${source}: rows do not balance: ${text}; nothing was committed`,
    hint: 'please report this with the config and, if possible, the file',
  });
}
