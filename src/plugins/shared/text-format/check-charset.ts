import type { ConfigPlace } from '../../../core/spi/index.js';
import { configProblem } from '../config-problem.js';
import { nameOf } from './charset.js';

/** Stateful charsets and those whose characters take four bytes are only read. */
const READ_ONLY: ReadonlySet<string> = new Set(['iso-2022-jp', 'gb18030', 'replacement', 'x-user-defined']);

export function checkCharset(label: string, place: ConfigPlace): void {
  const name = nameOf(label);
  if (name !== undefined && !READ_ONLY.has(name)) return;
  throw configProblem(place, 'charset', {
    code: 'CHARSET',
    message: `expected a charset that can be written, found ${JSON.stringify(label)}`,
    hint: 'examples: utf-8, utf-16le, shift_jis, euc-jp, windows-1252, gbk, big5, euc-kr',
  });
}
