import { ConfigError, SluiceError, type JsonObject } from '../../core/spi/index.js';
import { currentSnapshot, formatTableName, partitionTexts, sizeOf, splitTableName, type Warehouse } from '../../warehouse/index.js';
import { text, type Command, type CommandContext } from '../command.js';
import { formatBytes, formatCount, formatTable, formatTime } from '../format.js';
import { withSession } from '../session.js';
import { formatTdTables } from '../td-table.js';
import type { TablePointer } from '../../metastore/types.js';

export const command: Command = {
  name: 'tables',
  usage: '',
  summary: 'List all tables and views with rows, bytes, files and last commit.',
  options: {
    namespace: { value: 'NAME', help: 'only this namespace' },
    format: { value: 'FORMAT', help: 'table, or td: Database, Table, Type and Count as Treasure Data’s client lists them' },
  },
  examples: ['sluice tables', 'sluice tables --namespace shop --json', 'sluice tables --format td'],
  arity: [0, 0],
  run: (context) =>
    withSession(context, undefined, async (session) => {
      const namespace = text(context.options, 'namespace');
      const format = readFormat(context);
      const warehouse = await session.warehouse();
      const facts: JsonObject[] = [];
      const problems: unknown[] = [];
      for (const pointer of await warehouse.catalog.listTables(namespace)) {
        try {
          facts.push(await describe(warehouse, pointer));
        } catch (error) {
          // One damaged table must not hide the others.
          if (!(error instanceof SluiceError)) throw error;
          problems.push(error);
        }
      }
      for (const view of await warehouse.metastore.catalog.listViews()) {
        if (namespace === undefined || view.namespace === namespace)
          facts.push({ name: formatTableName(view), kind: 'view', dialect: view.dialect, comment: view.comment });
      }
      facts.sort((a, b) => (String(a['name']) < String(b['name']) ? -1 : 1));
      if (context.out.json) for (const fact of facts) await context.out.printJson(fact);
      else if (format === 'td') await context.out.printLine(formatTdTables(tdRows(facts)));
      else if (facts.length > 0)
        await context.out.printLine(formatTable(['name', 'kind', 'rows', 'bytes', 'files', 'partitioned by', 'last commit (UTC)'], facts.map(cells)));
      else if (problems.length === 0) context.out.say('no tables; `sluice run` and `sluice load` make them');
      return problems.map((problem) => context.out.fail(problem)).at(-1) ?? 0;
    }),
};

function readFormat(context: CommandContext): 'table' | 'td' {
  const format = text(context.options, 'format') ?? 'table';
  if (format === 'table' || format === 'td') return format;
  throw new ConfigError({ code: 'USAGE', message: `--format: expected table or td, found ${format}`, hint: '--json gives one object a line' });
}

function tdRows(facts: readonly JsonObject[]): (readonly [string, string, number])[] {
  return facts
    .filter((fact) => fact['kind'] === 'table')
    .map((fact) => {
      const { namespace, name } = splitTableName(String(fact['name']));
      return [namespace, name, Number(fact['rows'])] as const;
    });
}

async function describe(warehouse: Warehouse, pointer: TablePointer): Promise<JsonObject> {
  const name = formatTableName(pointer);
  if (pointer.icebergType === 'VIEW') return { name, kind: 'foreign view' };
  const table = await warehouse.reader.metadata(pointer.metadataLocation);
  const size = await sizeOf(warehouse.reader, table);
  const snapshot = currentSnapshot(table);
  return {
    name,
    kind: 'table',
    ...size,
    partitioned_by: [...partitionTexts(table)],
    last_commit: snapshot ? new Date(snapshot['timestamp-ms']).toISOString() : null,
    snapshot_id: snapshot ? String(snapshot['snapshot-id']) : null,
    uuid: table['table-uuid'],
    comment: table.properties['comment'] ?? null,
  };
}

function cells(fact: JsonObject): string[] {
  const number = (key: string, format: (value: number) => string): string => (typeof fact[key] === 'number' ? format(fact[key]) : '');
  const last = fact['last_commit'];
  return [
    String(fact['name']),
    String(fact['kind']),
    number('rows', formatCount),
    number('bytes', formatBytes),
    number('files', formatCount),
    Array.isArray(fact['partitioned_by']) ? fact['partitioned_by'].join(', ') : '',
    typeof last === 'string' ? formatTime(Date.parse(last)) : '',
  ];
}
