// A parser: lines such as `at=2026-01-01 level=warn`. It hands over a relation and can place every record.
import { createHash } from 'node:crypto';
import { defineParser, quoteIdentifier, quoteLiteral } from 'sluice/spi';

/** Each line with its number, offset and fields; nothing is held in memory but one chunk and one line. */
async function* readLines(file, signal) {
  let rest = Buffer.alloc(0);
  let offset = 0;
  let number = 0;
  const line = (bytes) => {
    const text = bytes.toString('utf8').trimEnd();
    const pairs = text.split(' ').map((pair) => /^(\w+)=(.*)$/.exec(pair));
    const fields = pairs.includes(null) ? undefined : Object.fromEntries(pairs.map(([, key, value]) => [key, value]));
    const record = { number: ++number, offset, text, fields };
    offset += bytes.length + 1;
    return record;
  };
  for await (const chunk of file.open()) {
    signal.throwIfAborted();
    rest = Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      yield line(rest.subarray(0, end));
      rest = rest.subarray(end + 1);
    }
  }
  if (rest.length > 0) yield line(rest);
}

async function hashRaw(file) {
  const hash = createHash('sha256');
  for await (const chunk of file.openRaw()) hash.update(chunk);
  return { source: file.name, bytes: file.size, hash: `sha256:${hash.digest('hex')}` };
}

export default defineParser({
  kind: 'parser',
  type: 'key_value',
  summary: 'Reads lines of key=value pairs.',
  stability: 'experimental',
  schema: {
    type: 'object',
    additionalProperties: false,
    required: ['columns'],
    properties: {
      columns: {
        type: 'array',
        description: 'Keys to read, with their types.',
        items: {
          type: 'object',
          additionalProperties: false,
          required: ['name', 'type'],
          properties: {
            name: { type: 'string', description: 'The key.' },
            type: { type: 'string', 'x-column-type': true, description: 'Column type.' },
          },
        },
      },
    },
  },
  examples: [{ title: 'Logs', config: { type: 'key_value', columns: [{ name: 'at', type: 'timestamp' }] } }],

  // `text: {}`: the relation holds text, and the engine converts it by its strict rules.
  async plan(config) {
    return { columns: config.columns.map(({ name, type }) => ({ name, type, text: {} })) };
  },

  // `filesPerTask` is 1 unless the plugin says otherwise.
  async open([file], plan, _config, ctx) {
    const spool = ctx.spool('ndjson');
    let good = 0;
    let bad = 0;
    let paths;
    try {
      for await (const { fields } of readLines(file, ctx.signal)) {
        if (fields === undefined) bad++;
        else {
          good++;
          await spool.write(Buffer.from(`${JSON.stringify(fields)}\n`));
        }
      }
      paths = await spool.finish();
    } catch (error) {
      // Stopped or failed half-way: nobody will close a reading that never came to be.
      await spool.remove();
      throw error;
    }
    const types = plan.columns.map(({ name }) => `${quoteLiteral(name)}: 'VARCHAR'`).join(', ');
    const none = `(SELECT ${plan.columns.map(({ name }) => `NULL::VARCHAR AS ${quoteIdentifier(name)}`).join(', ')} LIMIT 0)`;
    const from = `read_json([${paths.map(quoteLiteral).join(', ')}], format = 'newline_delimited', columns = {${types}})`;
    return {
      relation: { from: paths.length > 0 ? from : none, columns: plan.columns },
      async check(rows) {
        if (rows !== good) throw new Error(`expected ${good} rows, the scan gave ${rows}`);
        return {
          keep: true,
          read: good + bad,
          rejected: bad,
          files: [await hashRaw(file)],
          async *rejects() {
            for await (const { number, offset, text, fields } of readLines(file, ctx.signal)) {
              if (fields !== undefined) continue;
              const reason = 'expected pairs such as key=value';
              yield [{ source: file.name, recordNumber: number, byteOffset: offset, columnName: null, reason, raw: text }];
            }
          },
        };
      },
      // Where the n-th row of the relation came from; ordinals ascend.
      async *places(ordinals, withRaw) {
        let row = 0;
        let next = 0;
        for await (const { number, offset, text, fields } of readLines(file, ctx.signal)) {
          if (fields === undefined || ++row !== ordinals[next]) continue;
          next++;
          yield [{ source: file.name, recordNumber: number, byteOffset: offset, raw: withRaw ? text : null }];
        }
      },
      close: () => spool.remove(),
    };
  },
});
