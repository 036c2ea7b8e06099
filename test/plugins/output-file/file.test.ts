import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Point } from '../../../src/core/spi/index.js';
import { TestProject } from '../../engine/project.js';

const test = suite('output file');

interface Options {
  readonly out: string;
  readonly incremental?: boolean;
  readonly filters?: string;
  readonly rejects?: number;
}

/** A pipeline of two tasks (a plain and a compressed file). */
function makeProject({ out, incremental = false, filters = '[]', rejects = 0 }: Options): TestProject {
  const project = new TestProject();
  project.write('in/a.csv', 'id,country,amount\n1,jp,1.50\n2,de,2.25\n');
  project.write('in/b.csv.gz', gzipSync('id,country,amount\n3,jp,3.00\n'));
  project.write(
    'p.yml',
    `in:
  type: file
  path_prefix: in/
  incremental: ${incremental}
  parser: {type: csv, skip_header_lines: 1, columns: [{name: id, type: long}, {name: country, type: string}, {name: amount, type: "decimal(10,2)"}]}
filters: ${filters}
out: ${out}
exec: {max_rejects: ${rejects}}
`,
  );
  return project;
}

/** Objects below a folder by name, without Sluice's own. */
function objects(project: TestProject, folder = 'out'): Map<string, Buffer> {
  const base = join(project.folder, folder);
  if (!existsSync(base)) return new Map();
  const files = readdirSync(base, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && !entry.parentPath.includes('_sluice'),
  );
  return new Map(
    files
      .map((entry): [string, Buffer] => {
        const path = join(entry.parentPath, entry.name);
        return [path.slice(base.length + 1), readFileSync(path)];
      })
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

function texts(project: TestProject): string[] {
  return [...objects(project).values()].map(String).sort();
}

/** What Sluice keeps below the folder. */
function own(project: TestProject): string[] {
  return (
    readdirSync(join(project.folder, 'out/_sluice'), { recursive: true, withFileTypes: true }) as readonly { name: string; isFile(): boolean }[]
  )
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name);
}

async function using(project: TestProject, work: (project: TestProject) => Promise<void>): Promise<void> {
  try {
    await work(project);
  } finally {
    project.remove();
  }
}

const BOTH = ['id,country,amount\n1,jp,1.50\n2,de,2.25\n', 'id,country,amount\n3,jp,3.00\n'];
const CSV = '{type: csv, newline: LF}';

test('append adds files that name their run, and a manifest that lists them', () =>
  using(makeProject({ out: `{type: file, path_prefix: out/o_, formatter: ${CSV}}` }), async (project) => {
    const first = await project.run('p.yml');
    const second = await project.run('p.yml');
    assert.equal(texts(project), [...BOTH, ...BOTH].sort());
    const names = [...objects(project).keys()];
    for (const run of [first, second]) {
      const { run_id: id } = run;
      const manifest = JSON.parse(readFileSync(join(project.folder, `out/_sluice/p/${id}.json`), 'utf8')) as Record<string, unknown>;
      assert.equal(manifest['files'], [
        { name: `o_${id}.000.00.csv`, bytes: 38, rows: 2 },
        { name: `o_${id}.001.00.csv`, bytes: 28, rows: 1 },
      ]);
      assert.is(manifest['rows'], 3);
      assert.ok(names.includes(`o_${id}.000.00.csv`));
    }
    assert.equal(own(project).sort(), [`${first.run_id}.json`, `${second.run_id}.json`].sort());
  }));

test('filtered and rejected rows are counted and stay out', () =>
  using(
    makeProject({ out: `{type: file, path_prefix: out/o_, formatter: ${CSV}}`, filters: '[{type: where, condition: "id <> 2"}]', rejects: 1 }),
    async (project) => {
      project.write('in/a.csv', 'id,country,amount\n1,jp,1.50\nbad,x,1\n2,de,2.25\n');
      const { read, written, filtered, rejected } = await project.run('p.yml');
      assert.equal({ read, written, filtered, rejected }, { read: 4, written: 2, filtered: 1, rejected: 1 });
      assert.equal(texts(project), ['id,country,amount\n1,jp,1.50\n', 'id,country,amount\n3,jp,3.00\n']);
    },
  ));

test('replace deletes exactly what the runs before had written', () =>
  using(makeProject({ out: `{type: file, path_prefix: out/o_, mode: replace, formatter: ${CSV}}` }), async (project) => {
    const first = await project.run('p.yml');
    writeFileSync(join(project.folder, 'out/o_foreign.csv'), 'mine');
    const second = await project.run('p.yml');
    const names = [...objects(project).keys()];
    assert.equal(names, [`o_${second.run_id}.000.00.csv`, `o_${second.run_id}.001.00.csv`, 'o_foreign.csv']);
    assert.is.not(first.run_id, second.run_id);
    assert.equal(own(project), [`${second.run_id}.json`]);
  }));

test('replace of one named file', () =>
  using(
    makeProject({
      out: '{type: file, path: out/all.jsonl, mode: replace, formatter: {type: jsonl}}',
      filters: '[{type: sql, query: "SELECT * FROM input ORDER BY id"}]',
    }),
    async (project) => {
      const expected = '{"id":1,"country":"jp","amount":1.50}\n{"id":2,"country":"de","amount":2.25}\n{"id":3,"country":"jp","amount":3.00}\n';
      await project.run('p.yml');
      assert.equal(
        [...objects(project)].map(([name, bytes]) => [name, String(bytes)]),
        [['all.jsonl', expected]],
      );
      project.write('in/a.csv', 'id,country,amount\n');
      await project.run('p.yml');
      assert.equal(texts(project), ['{"id":3,"country":"jp","amount":3.00}\n']);
      const loose = makeProject({ out: '{type: file, path: out/all.jsonl, formatter: {type: jsonl}}' });
      await using(loose, async () => {
        const outcome = await loose.sluice(['run', 'p.yml']);
        assert.is(outcome.code, 3);
        assert.match(outcome.stderr, /more than one file of this name/);
        assert.match(outcome.stderr, /path_prefix/);
        assert.equal(texts(loose), []);
      });
    },
  ));

test('an object of another run is an error, unless overwrite says otherwise', () =>
  using(
    makeProject({ out: `{type: file, path_prefix: out/o_, sequence_format: "%03d.%02d.", file_ext: txt, formatter: ${CSV}}` }),
    async (project) => {
      await project.run('p.yml');
      assert.equal([...objects(project).keys()], ['o_000.00.txt', 'o_001.00.txt']);
      const outcome = await project.sluice(['run', 'p.yml']);
      assert.is(outcome.code, 2);
      assert.match(outcome.stderr, /out\/o_00[01]\.00\.txt exists, and this run did not write it/);
      assert.match(outcome.stderr, /overwrite: true/);
      const text = readFileSync(join(project.folder, 'p.yml'), 'utf8');
      project.write('p.yml', text.replace('{type: file,', '{type: file, overwrite: true,'));
      await project.run('p.yml');
      assert.equal(texts(project), BOTH);
    },
  ));

test('partition folders hold any value, and stay below the prefix', () =>
  using(makeProject({ out: `{type: file, path_prefix: out/o_, partition_by: [country], formatter: ${CSV}}`, incremental: true }), async (project) => {
    const hostile = ['../../up', '/abs', 'a=b&c', '%2e%2e', '..', 'ä ü', 'tab\tand\\', 'quote\'"', 'NULL', '__proto__', '*?[x]'];
    const rows = hostile.map((value, i) => `${i},"${value.replaceAll('"', '""')}",1`);
    mkdirSync(join(project.folder, 'in'), { recursive: true });
    project.write('in/a.csv', `id,country,amount\n${rows.join('\n')}\n100,,1\n101,"",1\n`);
    await project.run('p.yml');
    const names = [...objects(project).keys()];
    assert.ok(names.includes(names.find((name) => name.startsWith('country=..%2F..%2Fup/')) ?? 'none'), names.join('\n'));
    assert.ok(
      names.every((name) => /^country=[^/]*\/o_[^/]+\.csv$/.test(name)),
      names.join('\n'),
    );
    assert.equal(
      readdirSync(project.folder)
        .filter((name) => !name.startsWith('.'))
        .sort(),
      ['in', 'out', 'p.yml'],
    );
    project.write(
      'back.yml',
      `in: {type: file, path_prefix: out/, parser: {type: csv, skip_header_lines: 1, columns: [{name: id, type: long}, {name: amount, type: double}]}}
out: {type: warehouse, table: t.back}
`,
    );
    await project.run('back.yml');
    const back = await project.query<{ id: number; country: string | null }>(
      "SELECT id, country FROM t.back WHERE id <> 3 OR country <> 'jp' ORDER BY id, country",
    );
    const expected = [...hostile.map((country, id) => ({ id, country })), { id: 100, country: null }, { id: 101, country: '' }];
    assert.equal(back, expected);
  }));

test('a value that cannot name a folder is rejected', () =>
  using(makeProject({ out: `{type: file, path_prefix: out/o_, partition_by: [country], formatter: ${CSV}}`, rejects: 2 }), async (project) => {
    project.write('in/a.csv', `id,country,amount\n1,${'ä'.repeat(100)},1\n2,__HIVE_DEFAULT_PARTITION__,1\n4,jp,1\n`);
    const summary = await project.run('p.yml');
    assert.is(summary.rejected, 2);
    assert.is(summary.written, 2);
  }));

test('files are split by size at records, and read back the same', () =>
  using(
    makeProject({ out: `{type: file, path_prefix: out/o_, max_file_size: 200KB, formatter: ${CSV}, encoders: [{type: gzip, level: 1}]}` }),
    async (project) => {
      project.write('in/a.csv', `id,country,amount\n${Array.from({ length: 400_000 }, (_, i) => `${i},"line\n${i}",1.00`).join('\n')}\n`);
      await project.run('p.yml');
      const files = [...objects(project)];
      assert.ok(files.length > 3, `${files.length} files`);
      let rows = 0;
      for (const [name, bytes] of files) {
        const text = gunzipSync(bytes).toString();
        assert.ok(text.startsWith('id,country,amount\n') && text.endsWith('.00\n'), name);
        rows += text.split('.00\n').length - 1;
      }
      assert.is(rows, 400_001);
    },
  ));

test('no rows make one file with the header, no file beside others', () =>
  using(
    makeProject({ out: `{type: file, path_prefix: out/o_, formatter: ${CSV}}`, filters: '[{type: where, condition: "id > 2"}]' }),
    async (project) => {
      await project.run('p.yml');
      assert.equal(texts(project), ['id,country,amount\n3,jp,3.00\n']);
      const none = makeProject({ out: `{type: file, path_prefix: out/o_, formatter: ${CSV}}`, filters: '[{type: where, condition: "id > 9"}]' });
      await using(none, async () => {
        await none.run('p.yml');
        assert.equal(texts(none), ['id,country,amount\n']);
      });
    },
  ));

for (const [format, parser] of [
  ['{type: csv}', '{type: csv, skip_header_lines: 1, COLUMNS}'],
  ['{type: tsv, quote_policy: ALL, charset: utf-16le, bom: true}', '{type: csv, delimiter: "\\t", charset: utf-16le, skip_header_lines: 1, COLUMNS}'],
  ['{type: jsonl}', '{type: json, COLUMNS}'],
  ['{type: parquet}', '{type: parquet}'],
] as const) {
  test(`reading our own ${format} back gives equal rows`, async () => {
    const columns = `columns: [{name: l, type: long}, {name: d, type: double}, {name: m, type: "decimal(38,10)"}, {name: s, type: string}, {name: day, type: date}, {name: at, type: timestamp}, {name: local, type: datetime}, {name: b, type: boolean}]`;
    const project = new TestProject();
    await using(project, async () => {
      const rows = [
        '9007199254740993,0.1,12345678901234567890.0000000001,"a,""b""\nc\r\nd",2024-02-29,2015-01-27T19:23:49.123456Z,2015-01-27 19:23:49,true',
        '-9223372036854775808,1e22,-0.5000000000,"",0001-01-01,9999-12-31T23:59:59.999999Z,1969-12-31 23:59:59.5,false',
        ',5e-324,,"\\N ; \t\'é😀",,,,',
        // JSON has no such number.
        `0,${format.includes('json') ? '7' : 'Infinity'},0,NULL,1970-01-01,1970-01-01T00:00:00Z,1970-01-01 00:00:00,true`,
        ',,,,,,,',
      ];
      project.write('data.csv', `l,d,m,s,day,at,local,b\n${rows.join('\n')}\n`);
      const source = `{type: file, path_prefix: data.csv, parser: {type: csv, skip_header_lines: 1, ${columns}}}`;
      project.write('direct.yml', `in: ${source}\nout: {type: warehouse, table: t.direct}\n`);
      project.write(
        'out.yml',
        `in: ${source}\nout: {type: file, path_prefix: out/x_, formatter: ${format}, encoders: [{type: gzip, level: 6}]}\n`.replace(
          /, encoders.*(?=}\n$)/,
          format.includes('parquet') ? '' : '$&',
        ),
      );
      project.write(
        'back.yml',
        `in: {type: file, path_prefix: out/, parser: ${parser.replace('COLUMNS', columns)}}\nout: {type: warehouse, table: t.back}\n`,
      );
      for (const name of ['direct', 'out', 'back']) await project.run(`${name}.yml`);
      const select = (table: string): Promise<unknown[]> => project.query(`SELECT * FROM ${table} ORDER BY ALL`);
      assert.equal(await select('t.back'), await select('t.direct'));
    });
  });
}

test('a commit cut off at any point is completed by the next run, which adds nothing else', async () => {
  const points: readonly Point[] = [
    'objects.copied',
    'objects.staged',
    'objects.intent_written',
    'objects.one_published',
    'objects.published',
    'objects.manifest_written',
    'objects.replaced',
    'commit.state_stored',
  ];
  for (const out of ['mode: append', 'mode: replace', 'sequence_format: "%03d"']) {
    for (const point of out.startsWith('mode') ? points : points.slice(3, 6)) {
      await using(makeProject({ out: `{type: file, path_prefix: out/o_, ${out}, formatter: ${CSV}}`, incremental: true }), async (project) => {
        const outcome = await project.sluice(['run', 'p.yml'], {
          reach(reached) {
            if (reached === point) throw new Error('cut off');
          },
        });
        assert.is.not(outcome.code, 0, `${out}, ${point}`);
        await project.run('p.yml');
        assert.equal(texts(project), BOTH, `${out}, ${point}`);
        assert.is(own(project).length, 1, `${out}, ${point}: ${own(project).join(' ')}`);
      });
    }
  }
});

test('a run that is discarded after it published takes its files back', () =>
  using(makeProject({ out: `{type: file, path_prefix: out/o_, formatter: ${CSV}}`, incremental: true }), async (project) => {
    const outcome = await project.sluice(['run', 'p.yml'], {
      reach(reached) {
        if (reached === 'objects.manifest_written') throw new Error('cut off');
      },
    });
    assert.is.not(outcome.code, 0);
    assert.is(objects(project).size, 2);
    project.write('in/a.csv', 'id,country,amount\n7,jp,1.00\n');
    await project.run('p.yml');
    assert.equal(texts(project), ['id,country,amount\n3,jp,3.00\n', 'id,country,amount\n7,jp,1.00\n']);
    assert.is(own(project).length, 1);
  }));

test('config errors name their key', async () => {
  const bad: readonly (readonly [string, RegExp])[] = [
    [`{type: file, formatter: ${CSV}}`, /expected path_prefix or path, found neither/],
    [`{type: file, path: out/a, path_prefix: out/b, formatter: ${CSV}}`, /found both/],
    ['{type: file, path_prefix: out/o_}', /out.formatter: expected the key "formatter"/],
    ['{type: file, path_prefix: out/o_, formatter: {type: csw}}', /unknown formatter type "csw", did you mean "csv"/],
    ['{type: file, path_prefix: out/o_, formatter: {type: csv, delimeter: ";"}}', /delimeter.*delimiter/],
    [`{type: file, path_prefix: out/o_, formatter: ${CSV}, encoders: [{type: gzap}]}`, /unknown encoder type "gzap"/],
    [`{type: file, path_prefix: out/o_, formatter: ${CSV}, encoders: gzip}`, /expected a list of encoders/],
    [`{type: file, path_prefix: out/o_, formatter: ${CSV}, partition_by: [none]}`, /expected a column, found "none"/],
    [`{type: file, path_prefix: out/o_, formatter: ${CSV}, sequence_format: "%x"}`, /only %d/],
    [`{type: file, path_prefix: out/o_, formatter: ${CSV}, max_file_size: huge}`, /a size such as 100MB/],
    ['{type: file, path_prefix: out/o_, formatter: {type: json}, max_file_size: 1MB}', /jsonl/],
    [`{type: file, path: out/o, formatter: ${CSV}, partition_by: [country]}`, /does not go with path/],
  ];
  for (const [out, message] of bad) {
    await using(makeProject({ out }), async (project) => {
      const outcome = await project.sluice(['run', 'p.yml']);
      assert.is(outcome.code, 2, out);
      assert.match(outcome.stderr, message, out);
    });
  }
});

test.run();
