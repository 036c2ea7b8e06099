import { test } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { RemoteError } from '../../../src/core/spi/index.js';
import { readAvro } from '../../../src/warehouse/table/avro-reader.js';
import type { AvroSchema } from '../../../src/warehouse/table/avro-schema.js';
import { writeAvro } from '../../../src/warehouse/table/avro-writer.js';
import { isWellFormed } from './well-formed.js';

const schema: AvroSchema = {
  type: 'record',
  name: 'all',
  fields: [
    { name: 'b', type: 'boolean', 'field-id': 1 },
    { name: 'i', type: 'int', 'field-id': 2 },
    { name: 'l', type: ['null', 'long'], default: null, 'field-id': 3 },
    { name: 'd', type: 'double' },
    { name: 's', type: 'string' },
    { name: 'y', type: ['null', 'bytes'] },
    { name: 'f', type: { type: 'fixed', name: 'f3', size: 3 } },
    { name: 'a', type: ['null', { type: 'array', items: 'long' }] },
    { name: 'm', type: { type: 'map', values: 'string' } },
    {
      name: 'k',
      type: {
        type: 'array',
        logicalType: 'map',
        items: {
          type: 'record',
          name: 'kv',
          fields: [
            { name: 'key', type: 'int' },
            { name: 'value', type: 'bytes' },
          ],
        },
      },
    },
    { name: 'n', type: { type: 'record', name: 'inner', fields: [{ name: 'x', type: ['null', 'f3'] }] } },
  ],
};

const long = fc.oneof(
  fc.maxSafeInteger(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).filter((v) => v > 9007199254740991n || v < -9007199254740991n),
);
const bytes = fc.uint8Array({ maxLength: 20 }).map((b) => Buffer.from(b));
const record = fc.record(
  {
    b: fc.boolean(),
    i: fc.integer(),
    l: fc.option(long),
    d: fc.double(),
    s: fc.string({ unit: 'binary' }).filter((s) => isWellFormed(s)),
    y: fc.option(bytes),
    f: fc.uint8Array({ minLength: 3, maxLength: 3 }).map((b) => Buffer.from(b)),
    a: fc.option(fc.array(long)),
    m: fc
      .dictionary(
        fc.string().filter((k) => k !== '__proto__'),
        fc.string(),
      )
      .map((m) => ({ ...m })),
    k: fc.array(fc.tuple(fc.integer(), bytes)).map((pairs) => new Map(pairs)),
    n: fc.record({ x: fc.option(fc.uint8Array({ minLength: 3, maxLength: 3 }).map((b) => Buffer.from(b))) }, { noNullPrototype: true }),
  },
  { noNullPrototype: true },
);

test('what was written is read back, with every codec and block size', () => {
  fc.assert(
    fc.property(
      fc.array(record, { maxLength: 10 }),
      fc.constantFrom('null' as const, 'deflate' as const),
      fc.integer({ min: 1, max: 4 }),
      (records, codec, blockRecords) => {
        const file = readAvro(writeAvro(schema, { note: 'x' }, records, { codec, blockRecords }), 'mem');
        assert.equal(file.records, records);
        assert.is(file.metadata.get('note'), 'x');
        assert.equal(file.schema, schema);
      },
    ),
    { numRuns: 200 },
  );
});

test('reads arrays whose blocks carry a byte size', () => {
  const list: AvroSchema = { type: 'record', name: 'r', fields: [{ name: 'a', type: { type: 'array', items: 'int' } }] };
  const plain = Buffer.from(writeAvro(list, {}, [{ a: [1, 2] }], { codec: 'null' }));
  // The record is `04 02 04 00` (2 items); the sized form is `03 04 02 04 00`.
  const at = plain.lastIndexOf(Buffer.from([4, 2, 4, 0]));
  const sized = Buffer.concat([plain.subarray(0, at - 1), Buffer.from([10]), Buffer.from([3, 4, 2, 4, 0]), plain.subarray(at + 4)]);
  assert.equal(readAvro(sized, 'mem').records, [{ a: [1, 2] }]);
});

test('a cut, overwritten or foreign file is METADATA_DAMAGED and names the file', () => {
  const good = Buffer.from(writeAvro(schema.valueOf() as AvroSchema, {}, [], { codec: 'null' }));
  const full = Buffer.from(
    writeAvro({ type: 'record', name: 'r', fields: [{ name: 's', type: 'string' }] }, {}, [{ s: 'hello' }], { codec: 'deflate' }),
  );
  const flipped = Buffer.from(full);
  flipped[flipped.length - 1] = (flipped.at(-1) ?? 0) ^ 1;
  for (const bad of [Buffer.from('PAR1'), good.subarray(0, 30), full.subarray(0, full.length - 5), flipped]) {
    try {
      readAvro(bad, 'file:///x/m0.avro');
      assert.unreachable('expected an error');
    } catch (error) {
      assert.instance(error, RemoteError);
      assert.is((error as RemoteError).code, 'METADATA_DAMAGED');
      assert.match((error as RemoteError).message, 'file:///x/m0.avro');
      assert.ok((error as RemoteError).hint);
    }
  }
});

test.run();
