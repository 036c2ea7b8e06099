import { createHash } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CancelledError } from '../../../src/core/spi/index.js';
import ltsv from '../../../src/plugins/parser-ltsv/index.js';
import { planError, readTexts, rejectsOf } from '../parser-regexp/lab.js';

const columns = [
  { name: 'id', type: 'long' },
  { name: 'note', type: 'string', label: 'msg' },
];

test('labels become columns in any order; missing and empty ones are NULL, others are passed over', async () => {
  const { rows, verdict } = await readTexts(ltsv, { columns }, ['id:1\tmsg:a:b\n\nmsg:"x", y\tid:9007199254740993\tother:z\nid:3\nid:\tmsg:']);
  assert.equal(rows, [
    ['1', 'a:b'],
    ['9007199254740993', '"x", y'],
    ['3', null],
    [null, null],
  ]);
  assert.is(verdict.read, 4);
});

test('a single column that is NULL is a row, too', async () => {
  const { rows } = await readTexts(ltsv, { columns: [{ name: 'a', type: 'string' }] }, ['b:1\na:x\nb:2\n']);
  assert.equal(rows, [[null], ['x'], [null]]);
});

test('null_string leaves empty texts alone', async () => {
  const { rows } = await readTexts(ltsv, { columns, null_string: '-' }, ['id:-\tmsg:\nid:1\tmsg:-']);
  assert.equal(rows, [
    [null, ''],
    ['1', null],
  ]);
});

test('malformed records are rejects with their number, offset and text', async () => {
  const text = 'id:1\nnonsense\nid:2\tid:3\n\nid:4\t\n:x\nid:5\tmsg:é\n';
  const result = await readTexts(ltsv, { columns }, [text]);
  assert.equal(
    result.rows.map((row) => row[0]),
    ['1', '5'],
  );
  assert.equal(rejectsOf(result), [
    'f1:2@5: field 1: expected label:value, found "nonsense"',
    'f1:3@14: the label "id" occurs twice',
    'f1:4@25: field 2: expected label:value, found ""',
    'f1:5@31: field 1: expected label:value, found ":x"',
  ]);
  assert.equal(
    result.rejects.map((r) => r.raw),
    ['nonsense', 'id:2\tid:3', 'id:4\t', ':x'],
  );
  assert.equal(result.places?.at(-1), { source: 'f1', recordNumber: 6, byteOffset: 34, raw: 'id:5\tmsg:é' });
});

test('records count anew in each file; the header of each is skipped; hashes are those of the raw bytes', async () => {
  const files = ['\uFEFF# head\nid:1\nbad\n', '# head\r\nid:2\r\nid:3', ''];
  const result = await readTexts(ltsv, { columns, skip_header_lines: 1 }, files, { step: 1 });
  assert.equal(
    result.rows.map((row) => row[0]),
    ['1', '2', '3'],
  );
  assert.equal(rejectsOf(result), ['f1:2@15: field 1: expected label:value, found "bad"']);
  assert.equal(
    result.places?.map((p) => [p.source, p.recordNumber, p.byteOffset]),
    [
      ['f1', 1, 10],
      ['f2', 1, 8],
      ['f2', 2, 14],
    ],
  );
  assert.equal(
    result.verdict.files.map((f) => f.hash),
    files.map((text) => `sha256:${createHash('sha256').update(text).digest('hex')}`),
  );
});

const NEWLINES: readonly [rule: string | null, text: string, ids: string[]][] = [
  [null, 'id:1\rid:2\r\nid:3\n\r\n\rid:4\r', ['1', '2', '3', '4']],
  ['LF', 'id:1\r\nid:2', ['1\r', '2']],
  ['CR', 'id:1\rid:2\r', ['1', '2']],
  ['CRLF', 'id:1\r\nid:2\rx\nid\r\n\r\nid:3', ['1', '2\rx\nid', '3']],
];
for (const [rule, text, ids] of NEWLINES) {
  for (const step of [1, 2, 100]) {
    test(`newlines ${rule ?? 'of any kind'}, pieces of ${step} bytes`, async () => {
      const config = { columns: [{ name: 'id', type: 'string' }], line_delimiter_recognized: rule };
      const { rows } = await readTexts(ltsv, config, [text], { step });
      assert.equal(
        rows.map((row) => row[0]),
        ids,
      );
    });
  }
}

test('other charsets are converted; malformed bytes reject their record and offsets are unknown', async () => {
  const sjis = Buffer.concat([
    Buffer.from('msg:'),
    Buffer.from([0x93, 0xfa, 0x96, 0x7b]),
    Buffer.from('\nmsg:'),
    Buffer.from([0xa0]),
    Buffer.from('\nmsg:ok\n'),
  ]);
  const result = await readTexts(ltsv, { columns, charset: 'shift_jis' }, [sjis]);
  assert.equal(result.rows, [
    [null, '日本'],
    [null, 'ok'],
  ]);
  assert.equal(rejectsOf(result), ['f1:2@-: malformed bytes: not valid in the given charset']);
  const utf8 = await readTexts(ltsv, { columns }, [Buffer.from([0x69, 0x64, 0x3a, 0xff, 0x0a])]);
  assert.equal(rejectsOf(utf8), ['f1:1@0: malformed bytes: not valid in the given charset']);
});

test('a line of more than 2 MB is one reject without its text; values with NUL, quotes and newlines survive', async () => {
  const long = `msg:${'"'.repeat(1_900_000)}`;
  const text = `id:1\n${'x'.repeat(5_000_000)}\nid:2\tmsg:a\0b\n${long}\nid:3`;
  const result = await readTexts(ltsv, { columns }, [text], { step: 1 << 20 });
  assert.equal(rejectsOf(result), ['f1:2@5: the record is longer than 2 MB']);
  assert.is(result.rejects[0]?.raw, null);
  assert.equal(result.rows[1], ['2', 'a\0b']);
  assert.is(result.rows[2]?.[1], '"'.repeat(1_900_000));
  assert.is(result.places?.[3]?.byteOffset, Buffer.byteLength(text) - 4);
});

test('rejects are reported while reading, and the signal ends it', async () => {
  const seen: number[] = [];
  const text = 'bad\n'.repeat(2500);
  await readTexts(ltsv, { columns }, [text], { step: 4000, context: { rejectsSoFar: (n) => seen.push(n) } });
  assert.is(seen.at(-1), 2500);
  assert.ok(seen.length >= 3 && seen.every((n, i) => n > (seen[i - 1] ?? 0)), String(seen));
  const signal = AbortSignal.abort(new CancelledError({ code: 'CANCELLED', message: 'stopped' }));
  const error = await readTexts(ltsv, { columns }, [text], { context: { signal } }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.instance(error, CancelledError);
});

test('a file that is continued has no header, and offsets count from its start', async () => {
  const result = await readTexts(ltsv, { columns, skip_header_lines: 1 }, ['id:7\nbad\n'], { file: { offset: 100 } });
  assert.equal(result.rows, [['7', null]]);
  assert.equal(rejectsOf(result), ['f1:2@105: field 1: expected label:value, found "bad"']);
});

test('encoded files: the text is decoded, hash and size are those of the raw bytes', async () => {
  const raw = async function* (): AsyncGenerator<Uint8Array> {
    yield Promise.resolve(Buffer.from('raw bytes'));
  };
  const { verdict } = await readTexts(ltsv, { columns }, ['id:1\n'], { file: { decoders: ['gzip'], openRaw: raw } });
  assert.equal(verdict.files, [{ source: 'f1', hash: `sha256:${createHash('sha256').update('raw bytes').digest('hex')}`, bytes: 9 }]);
});

const WRONG: readonly [config: Record<string, unknown>, code: string, path: string][] = [
  [{ columns, charset: 'klingon' }, 'CHARSET_UNKNOWN', 'charset'],
  [{ columns: [{ name: 'a', type: 'int' }] }, 'UNKNOWN_COLUMN_TYPE', 'columns[0].type'],
  [{ columns: [...columns, { name: 'ID', type: 'long' }] }, 'COLUMN_TWICE', 'columns[2].name'],
];
for (const [config, code, path] of WRONG) {
  test(`refuses ${JSON.stringify(config).slice(0, 60)}`, async () => {
    const error = await planError(ltsv, config as never);
    assert.is(error.code, code);
    assert.is(error.where.path, path);
  });
}

test.run();
