import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import type { Desk } from '../cli/desk.js';
import { startS3, type S3Server } from '../servers/s3.js';
import { deskWith, nativeValue, signOf } from './lab.js';

let s3: S3Server;
let desk: Desk;
test.before(async () => {
  s3 = await startS3();
  desk = deskWith({});
  await s3.createBucket('my-s3-bucket');
  for (const day of [1, 2, 3]) await s3.put('my-s3-bucket', `logs/csv-2015010${day}`, `${day}\n`);
  await s3.put('my-s3-bucket', 'logs/other.txt', 'x\n');
});
test.after(async () => {
  await s3.stop();
  desk.remove();
});

const PARSER = '  parser: {type: csv, columns: [{name: n, type: long}]}\n';
const ACCESS = '  access_key_id: ABCXYZ123ABCXYZ123\n  secret_access_key: AbCxYz123aBcXyZ123\n';

interface S3Case {
  readonly name: string;
  readonly config: string;
  readonly stdout?: string;
  readonly objects?: Readonly<Record<string, string>>;
}

const CASES: readonly S3Case[] = [
  {
    name: 'input: prefix, endpoint, keys',
    config: `in:\n  type: s3\n  bucket: my-s3-bucket\n  path_prefix: logs/csv-\n  endpoint: s3-us-west-1.amazonaws.com\n${ACCESS}${PARSER}out: {type: stdout}\n`,
    stdout: '1\n2\n3\n',
  },
  {
    name: 'input: one path',
    config: `in:\n  type: s3\n  bucket: my-s3-bucket\n  path: logs/csv-20150102\n  endpoint: s3.amazonaws.com\n  auth_method: basic\n${ACCESS}${PARSER}out: {type: stdout}\n`,
    stdout: '2\n',
  },
  {
    name: 'input: pattern, last_path, limits, retries',
    config: `in:
  type: s3
  bucket: my-s3-bucket
  path_prefix: logs/
  path_match_pattern: csv-\\d+$
  last_path: logs/csv-20150101
  total_file_count_limit: 1
  min_task_size: 10000
  skip_glacier_objects: true
  incremental: true
  endpoint: s3.amazonaws.com
  auth_method: basic
${ACCESS}  maximum_retries: 3
  initial_retry_interval_millis: 2000
  maximum_retry_interval_millis: 480000
${PARSER}out: {type: stdout}
`,
    stdout: '2\n',
  },
  {
    name: 'input: modified time, session',
    config: `in:
  type: s3
  bucket: my-s3-bucket
  path_prefix: logs/csv-
  use_modified_time: true
  last_modified_time: '2015-01-01T00:00:00.000Z'
  incremental: false
  endpoint: s3.amazonaws.com
${ACCESS}${PARSER}out: {type: stdout}
`,
    stdout: '1\n2\n3\n',
  },
  {
    name: 'output: names as Embulk makes them',
    config: `in:\n  type: config\n  columns: [{name: n, type: long}]\n  values: [[[1], [2]]]
out:
  type: s3
  bucket: my-s3-bucket
  path_prefix: logs/out
  file_ext: csv
  endpoint: s3.amazonaws.com
${ACCESS}  formatter: {type: csv}
`,
    objects: { 'logs/out.000.00.csv': 'n\r\n1\r\n2\r\n' },
  },
  {
    name: 'output: every option',
    config: `in:\n  type: config\n  columns: [{name: n, type: long}]\n  values: [[[1], [2]]]
out:
  type: s3
  path_prefix: export/data
  sequence_format: "-%03d-%02d"
  file_ext: .tsv
  bucket: my-s3-bucket
  endpoint: s3.amazonaws.com
  auth_method: basic
${ACCESS}  tmp_path: /tmp
  tmp_path_prefix: embulk-output-s3-
  formatter: {type: csv, delimiter: "\\t", header_line: false, newline: LF}
`,
    objects: { 'export/data-000-00.tsv': '1\n2\n' },
  },
];

for (const { name, config, stdout, objects } of CASES) {
  test(name, async () => {
    const text = config
      .replace(/endpoint: .*/, `endpoint: ${s3.endpoint}`)
      .replace('ABCXYZ123ABCXYZ123', s3.accessKeyId)
      .replace('AbCxYz123aBcXyZ123', s3.secretAccessKey);
    desk.write('embulk.yml', text);
    await desk.ok(['convert', 'embulk.yml', '-o', 'native.yml', '--force']);
    const written = readFileSync(join(desk.folder, 'native.yml'), 'utf8');
    assert.equal(parse(written), await nativeValue(text));
    assert.is(await signOf(written), undefined);
    const outcome = await desk.ok(['run', 'embulk.yml', '--embulk']);
    if (stdout !== undefined) assert.is(outcome.stdout, stdout);
    for (const [key, body] of Object.entries(objects ?? {})) assert.is(String(await s3.get('my-s3-bucket', key)), body);
  });
}

test.run();
