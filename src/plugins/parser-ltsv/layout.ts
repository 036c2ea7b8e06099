import type { ConfigPlace } from '../../core/spi/index.js';
import { textOrNull, type LineFormat } from '../shared/line-reading.js';
import type { RecordOutcome } from '../shared/spooled-records.js';
import { readTextColumns } from '../shared/text-columns.js';
import type { LtsvConfig } from './schema.js';

/** The config as columns and a function for one line. Several columns may take the same label. */
export function readLayout(config: LtsvConfig, place?: ConfigPlace): LineFormat {
  const labels = config.columns.map((column) => column.label ?? column.name);
  return { columns: readTextColumns(config.columns, config, place), parseText: (line) => parseRecord(line, labels, config.null_string) };
}

function parseRecord(line: string, labels: readonly string[], nullString: string | undefined): RecordOutcome {
  const fields = new Map<string, string>();
  let number = 0;
  for (const field of line.split('\t')) {
    number++;
    const colon = field.indexOf(':');
    if (colon <= 0) return { column: null, reason: `field ${number}: expected label:value, found ${JSON.stringify(field.slice(0, 40))}` };
    const label = field.slice(0, colon);
    if (fields.has(label)) return { column: null, reason: `the label "${label}" occurs twice` };
    fields.set(label, field.slice(colon + 1));
  }
  return { values: labels.map((label) => textOrNull(fields.get(label), nullString)) };
}
