import type { Scaffold } from './scaffold.js';

/** A parser of lines whose fields stand between separators. */
export const parserScaffold: Scaffold = {
  index: (type) => `// @ts-check
import { createHash } from 'node:crypto';
import { DataError, defineParser, quoteIdentifier, quoteLiteral, quotePaths } from 'sluice/spi';

/** @typedef {{ type: string, columns: { name: string, type: import('sluice/spi').ColumnType }[], separator: string }} Config */

const LONGEST = 2_000_000;

/**
 * Every record of a file with its place: \`values\`, or the \`reason\` why it is rejected. It is read again for rejects and
 * places, so that memory holds one chunk and one line, whatever the size of the file.
 * @param {import('sluice/spi').ParserFile} file
 * @param {Config} config
 * @param {AbortSignal} signal
 */
async function* readRecords(file, config, signal) {
  let rest = Buffer.alloc(0);
  let offset = file.offset ?? 0;
  let number = 0;
  /** @param {Buffer} bytes */
  const record = (bytes) => {
    const raw = bytes.toString('utf8');
    const values = raw.split(config.separator);
    const reason = values.length === config.columns.length ? undefined : \`expected \${config.columns.length} fields, found \${values.length}\`;
    return { number: ++number, offset, raw, values, reason };
  };
  for await (const chunk of file.open()) {
    signal.throwIfAborted();
    // A source may use its buffer again for the next chunk: copy what is kept.
    rest = Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      yield record(rest.subarray(0, end));
      offset += end + 1;
      rest = rest.subarray(end + 1);
    }
    if (rest.length > LONGEST) {
      const message = \`\${file.name}, byte \${offset}: a line of more than 2 MB\`;
      throw new DataError({ code: 'LINE_TOO_LONG', message, hint: 'check that this is a file of lines' });
    }
  }
  if (rest.length > 0) yield record(rest);
}

/** @param {import('sluice/spi').ParserFile} file */
async function hashRaw(file) {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of file.openRaw()) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { source: file.name, bytes, hash: \`sha256:\${hash.digest('hex')}\` };
}

export default defineParser(
  /** @type {import('sluice/spi').ParserPlugin<Config>} */ ({
    kind: 'parser',
    type: '${type}',
    summary: 'Reads lines with a separator between fields; replace it with your format.',
    stability: 'experimental',
    schema: {
      type: 'object',
      additionalProperties: false,
      required: ['type', 'columns'],
      properties: {
        type: { const: '${type}', description: 'Selects this parser.' },
        columns: {
          type: 'array',
          minItems: 1,
          description: 'Columns in the order of the fields.',
          items: {
            type: 'object',
            additionalProperties: false,
            required: ['name', 'type'],
            properties: {
              name: { type: 'string', minLength: 1, description: 'Column name in the target.' },
              type: { type: 'string', 'x-column-type': true, description: 'Column type; text that does not convert is rejected.' },
            },
          },
        },
        separator: { type: 'string', minLength: 1, default: '|', description: 'Text between two fields.' },
      },
    },
    examples: [{ title: 'Two columns', config: { type: '${type}', columns: [{ name: 'id', type: 'long' }, { name: 'name', type: 'string' }] } }],

    // Once: with \`text\` the relation holds text, and the engine converts it by its strict rules.
    async plan(config) {
      return { columns: config.columns.map(({ name, type }) => ({ name, type, text: {} })) };
    },

    // For each file (more than one only with \`filesPerTask\`): a relation, and where its rows come from.
    async open([file], plan, config, ctx) {
      const spool = ctx.spool('ndjson');
      let good = 0;
      let rejected = 0;
      let paths;
      try {
        for await (const { values, reason } of readRecords(file, config, ctx.signal)) {
          if (reason === undefined) {
            // An empty field is NULL.
            await spool.write(Buffer.from(\`\${JSON.stringify(Object.fromEntries(plan.columns.map(({ name }, i) => [name, values[i] || null])))}\\n\`));
            good++;
          } else ctx.rejectsSoFar(++rejected);
        }
        paths = await spool.finish();
      } catch (error) {
        await spool.remove();
        throw error;
      }
      const types = plan.columns.map(({ name }) => \`\${quoteLiteral(name)}: 'VARCHAR'\`).join(', ');
      const none = \`(SELECT \${plan.columns.map(({ name }) => \`NULL::VARCHAR AS \${quoteIdentifier(name)}\`).join(', ')} LIMIT 0)\`;
      const rows = \`read_json(\${quotePaths(paths)}, format = 'newline_delimited', hive_partitioning = false, columns = {\${types}})\`;
      return {
        relation: { from: paths.length > 0 ? rows : none, columns: plan.columns },
        async check(delivered, failure) {
          if (failure !== undefined) throw failure;
          if (delivered !== good) throw new Error(\`\${good} records were spooled, but \${delivered} rows came back\`);
          return { keep: true, read: good + rejected, rejected, files: [await hashRaw(file)], rejects: listRejects };
        },
        async *places(ordinals, withRaw) {
          let row = 0;
          let next = 0;
          for await (const { number, offset, raw, reason } of readRecords(file, config, ctx.signal)) {
            if (reason !== undefined || ++row !== ordinals[next]) continue;
            next++;
            yield [{ source: file.name, recordNumber: number, byteOffset: offset, raw: withRaw ? raw : null }];
          }
        },
        close: () => spool.remove(),
      };

      async function* listRejects() {
        for await (const { number, offset, raw, reason } of readRecords(file, config, ctx.signal)) {
          if (reason !== undefined) yield [{ source: file.name, recordNumber: number, byteOffset: offset, columnName: null, reason, raw }];
        }
      }
    },
  }),
);
`,
  test: () => `import { test } from 'node:test';
import { checkParser } from 'sluice/conformance';
import plugin from './index.js';

const columns = [
  { name: 'id', type: 'long' },
  { name: 'name', type: 'string' },
];

test('keeps the contract of a parser', async () => {
  await checkParser(
    plugin,
    [
      { title: 'two files', config: { columns }, files: { a: '1|ann\\n2|\\n', b: '3|zoë' }, rejected: [] },
      { title: 'a bad record', config: { columns }, files: { a: '1|ann\\nnonsense\\n3|x\\n' }, rows: [['1', 'ann'], ['3', 'x']], rejected: ['a:2'] },
    ],
    {
      // Values of every type as a file of this format, for the suite to try its own.
      encode: (all, rows) => ({
        config: { columns: all.map(({ name, type }) => ({ name, type })), separator: '\\u0001' },
        content: rows.map((row) => \`\${row.map((value) => value ?? '').join('\\u0001')}\\n\`).join(''),
      }),
    },
  );
});
`,
  pipeline: (type) => `in:
  type: file
  path_prefix: data/${type}
  parser:
    type: ${type}
    columns: [{name: id, type: long}, {name: name, type: string}]
out: {type: warehouse, table: demo.${type}}
`,
};
