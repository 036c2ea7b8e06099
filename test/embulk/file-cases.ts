/** A config as users of Embulk write it, and what its run gives. */
export interface EmbulkCase {
  readonly name: string;
  readonly config: string;
  /** Standard output, or the files below `out/` as `name: text`. */
  readonly expected: string | Readonly<Record<string, string>>;
}

const ORDERS = `in:
  type: file
  path_prefix: data/orders_
  parser:
    type: csv
    skip_header_lines: 1
    columns:
    - {name: id, type: long}
    - {name: account, type: long}
    - {name: time, type: timestamp, format: '%Y-%m-%d %H:%M:%S'}
    - {name: purchase, type: timestamp, format: '%Y%m%d'}
    - {name: comment, type: string}
`;

const ORDERS_CSV = `id,account,time,purchase,comment
1,32864,2015-01-27 19:23:49,20150127,embulk
2,14824,2015-01-27 19:01:23,20150127,embulk jruby
3,27559,2015-01-28 02:20:02,20150128,"Embulk ""csv"" parser plugin"
4,11270,2015-01-29 11:54:36,20150129,NULL
`;

/** Files that the cases read; `.gz` and `.bz2` are compressed by the test. */
export const DATA: Readonly<Record<string, string>> = {
  'data/orders_01.csv': ORDERS_CSV,
  'data/packed_01.csv.gz': ORDERS_CSV,
  'data/packed_02.csv.bz2': ORDERS_CSV,
  'data/log_2015.tsv': '# a comment\n  a \t\\N\t2015-01-27 12:00:00\textra\nb\t2\n',
  'data/quoted.csv': '"a\\"b","line 1\nline 2"\n"c""d",x\n',
  'data/zones.csv': '2015-01-27 19:23:49,27/Jan/2015:19:23:49 -0800,12:34:56\n',
  'data/records.json': '{"id": 1, "name": "a", "tags": {"x": [1, 2]}}\n{"id": 2, "name": null, "ratio": 1.5}\n',
  'data/page.json': '{"items": [{"user": {"id": 7}, "at": "2015-01-27"}, {"user": {"id": 8}, "at": "2015-01-28"}]}\n',
  'data/names.csv': '1,x,y\n',
  'data/days/2015-01-01.csv': '1\n',
  'data/days/2015-01-02.csv': '2\n',
  'data/days/2015-01-03.csv': '3\n',
  'data/nulls.csv': 'a,\n,2\n',
};

const TIMES = [
  '1,32864,2015-01-27 19:23:49.000000 +0000,2015-01-27 00:00:00.000000 +0000,embulk',
  '2,14824,2015-01-27 19:01:23.000000 +0000,2015-01-27 00:00:00.000000 +0000,embulk jruby',
  '3,27559,2015-01-28 02:20:02.000000 +0000,2015-01-28 00:00:00.000000 +0000,"Embulk ""csv"" parser plugin"',
  '4,11270,2015-01-29 11:54:36.000000 +0000,2015-01-29 00:00:00.000000 +0000,NULL',
  '',
].join('\n');

const file = (path: string, parser: string): string => `in:\n  type: file\n  path_prefix: ${path}\n  parser: {${parser}}\n`;
const STDOUT = 'out: {type: stdout}\n';

export const FILE_CASES: readonly EmbulkCase[] = [
  { name: 'what embulk guess writes for its example', config: `${ORDERS}${STDOUT}`, expected: TIMES },
  {
    name: 'gzip, with every option of the csv parser as guess writes it',
    config: `in:
  type: file
  path_prefix: data/packed_01
  decoders:
  - {type: gzip}
  parser:
    charset: UTF-8
    newline: LF
    type: csv
    delimiter: ','
    quote: '"'
    escape: '"'
    null_string: 'NULL'
    trim_if_not_quoted: false
    skip_header_lines: 1
    allow_extra_columns: false
    allow_optional_columns: false
    stop_on_invalid_record: false
    columns:
    - {name: id, type: long}
    - {name: account, type: long}
    - {name: time, type: timestamp, format: '%Y-%m-%d %H:%M:%S'}
    - {name: purchase, type: timestamp, format: '%Y%m%d'}
    - {name: comment, type: string}
exec: {max_threads: 1, min_output_tasks: 1}
${STDOUT}`,
    expected: TIMES.replace('+0000,NULL', '+0000,'),
  },
  {
    name: 'bzip2, and the old spelling header_line',
    config: `${ORDERS.replace('data/orders_', 'data/packed_02').replace('skip_header_lines: 1', 'header_line: true').replace('  parser:', '  decoders: [{type: bzip2}]\n  parser:')}${STDOUT}`,
    expected: TIMES,
  },
  {
    name: 'last_path and follow_symlinks',
    config: `in:
  type: file
  path_prefix: data/days/2015-
  last_path: data/days/2015-01-01.csv
  follow_symlinks: true
  parser: {type: csv, columns: [{name: n, type: long}]}
${STDOUT}`,
    expected: '2\n3\n',
  },
  {
    name: 'a csv of another dialect',
    config: `in:
  type: file
  path_prefix: data/log_
  parser:
    type: csv
    delimiter: "\\t"
    quote: null
    null_string: '\\N'
    comment_line_marker: '#'
    trim_if_not_quoted: true
    allow_optional_columns: true
    allow_extra_columns: true
    max_quoted_size_limit: 1000
    columns:
    - {name: name, type: string}
    - {name: n, type: long}
    - {name: at, type: timestamp, format: '%Y-%m-%d %H:%M:%S'}
${STDOUT}`,
    expected: 'a,,2015-01-27 12:00:00.000000 +0000\nb,2,\n',
  },
  {
    name: 'backslash escapes, and newlines within values as CRLF, by default',
    config: `${file('data/quoted.csv', 'type: csv, columns: [{name: a, type: string}, {name: b, type: string}]')}out:
  type: file
  path_prefix: out/q
  file_ext: csv
  formatter: {type: csv, header_line: false, newline: LF, newline_in_field: CRLF}
`,
    expected: { 'q000.00.csv': '"a""b","line 1\r\nline 2"\n"c""d",x\n' },
  },
  {
    name: 'time zones and formats by default and by column',
    config: `in:
  type: file
  path_prefix: data/zones
  parser:
    type: csv
    default_timezone: Asia/Tokyo
    default_timestamp_format: '%Y-%m-%d %H:%M:%S'
    default_date: '2015-02-01'
    columns:
    - {name: a, type: timestamp}
    - {name: b, type: timestamp, format: '%d/%b/%Y:%H:%M:%S %z'}
    - {name: c, type: timestamp, format: '%H:%M:%S', timezone: UTC}
${STDOUT}`,
    expected: '2015-01-27 10:23:49.000000 +0000,2015-01-28 03:23:49.000000 +0000,2015-02-01 12:34:56.000000 +0000\n',
  },
  {
    name: 'json without columns',
    config: `${file('data/records', 'type: json')}${STDOUT}`,
    expected: '"{""id"": 1, ""name"": ""a"", ""tags"": {""x"": [1, 2]}}"\n"{""id"": 2, ""name"": null, ""ratio"": 1.5}"\n',
  },
  {
    name: 'json with columns',
    config: `${file('data/records', 'type: json, stop_on_invalid_record: true, columns: [{name: id, type: long}, {name: ratio, type: double}, {name: tags, type: json}]')}${STDOUT}`,
    expected: '1,,"{""x"": [1, 2]}"\n2,1.5,\n',
  },
  {
    name: 'json: root, flatten_json_array, element_at',
    config: `in:
  type: file
  path_prefix: data/page
  parser:
    type: json
    root: /items
    flatten_json_array: true
    default_timestamp_format: '%Y-%m-%d'
    columns:
    - {name: user, type: long, element_at: /user/id}
    - {name: at, type: timestamp}
${STDOUT}`,
    expected: '7,2015-01-27 00:00:00.000000 +0000\n8,2015-01-28 00:00:00.000000 +0000\n',
  },
  {
    name: 'rename: columns',
    config: `${ORDERS}filters:
- type: rename
  columns: {account: customer, comment: note}
- {type: remove_columns, keep: [id, customer, note]}
out: {type: stdout, prints_column_names: true}
`,
    expected: 'id,customer,note\n1,32864,embulk\n2,14824,embulk jruby\n3,27559,"Embulk ""csv"" parser plugin"\n4,11270,NULL\n',
  },
  {
    name: 'rename: rules',
    config: `${file('data/names', 'type: csv, columns: [{name: "1 Foo-Bar", type: long}, {name: _USER.Name, type: string}, {name: a_b, type: string}]')}filters:
- type: rename
  rules:
  - {rule: upper_to_lower}
  - {rule: regex_replace, match: '^_+', replace: ''}
  - {rule: character_types, pass_types: [a-z, 0-9], pass_characters: "_", replace: "_"}
  - {rule: first_character_types, pass_types: [a-z], pass_characters: "_", prefix: "_"}
  - {rule: truncate, max_length: 20}
  - {rule: unique_number_suffix, delimiter: "_"}
out: {type: stdout, prints_column_names: true}
`,
    expected: '_1_foo_bar,user_name,a_b\n1,x,y\n',
  },
  {
    name: 'remove_columns: remove, with names that do not exist',
    config: `${ORDERS}filters:
- {type: remove_columns, remove: [time, purchase, comment, nothing], accept_unmatched_columns: true}
${STDOUT}`,
    expected: '1,32864\n2,14824\n3,27559\n4,11270\n',
  },
  {
    name: 'column: add_columns and drop_columns',
    config: `${file('data/nulls', 'type: csv, columns: [{name: s, type: string}, {name: n, type: long}]')}filters:
- type: column
  default_timezone: Asia/Tokyo
  default_timestamp_format: '%Y-%m-%d'
  add_columns:
  - {name: d, type: timestamp, default: '2015-07-13'}
  - {name: copy, src: s}
  - {name: one, type: long, default: 1}
  - {name: none, type: double}
  drop_columns:
  - {name: s}
${STDOUT}`,
    expected: ',2015-07-12 15:00:00.000000 +0000,a,1,\n2,2015-07-12 15:00:00.000000 +0000,,1,\n',
  },
  {
    name: 'column: columns with defaults and src, and speedometer',
    config: `${file('data/nulls', 'type: csv, columns: [{name: s, type: string}, {name: n, type: long}]')}filters:
- type: speedometer
  speed_limit: 250000
- type: column
  columns:
  - {name: n, default: 0}
  - {name: t, src: s}
out: {type: stdout, prints_column_names: true}
`,
    expected: 'n,t\n0,a\n2,\n',
  },
  {
    name: 'add_time: a fixed time, and one from a column',
    config: `${ORDERS}filters:
- {type: remove_columns, keep: [id, purchase]}
- type: add_time
  to_column: {name: time, type: long}
  from_column: {name: purchase}
- type: add_time
  to_column: {name: loaded, type: timestamp}
  from_value: {mode: fixed_time, value: '2016-01-01 00:00:00 UTC', timestamp_format: '%Y-%m-%d %H:%M:%S %Z'}
- {type: remove_columns, remove: [purchase]}
${STDOUT}`,
    expected: ['1,1422316800', '2,1422316800', '3,1422403200', '4,1422489600', ''].join(',2016-01-01 00:00:00.000000 +0000\n'),
  },
  {
    name: 'rows of the config itself; times of stdout in a zone',
    config: `in:
  type: config
  columns:
  - {name: s, type: string}
  - {name: t, type: timestamp, format: '%Y-%m-%d %H:%M:%S'}
  values:
  - - ['a', '2015-01-27 00:00:00']
    - [null, null]
out: {type: stdout, timezone: Asia/Tokyo}
`,
    expected: 'a,2015-01-27 09:00:00.000000 +0900\n,\n',
  },
  {
    name: 'a file output with the names of Embulk',
    config: `${ORDERS}filters: [{type: remove_columns, keep: [id, comment]}]
out:
  type: file
  path_prefix: out/orders_
  file_ext: csv
  formatter: {type: csv}
`,
    expected: { 'orders_000.00.csv': 'id,comment\r\n1,embulk\r\n2,embulk jruby\r\n3,"Embulk ""csv"" parser plugin"\r\n4,NULL\r\n' },
  },
  {
    name: 'all options of the csv formatter, sequence_format, gzip',
    config: `${ORDERS}filters: [{type: remove_columns, keep: [id, time, comment]}]
out:
  type: file
  path_prefix: out/orders
  sequence_format: ".%03d.%02d"
  file_ext: .tsv.gz
  formatter:
    type: csv
    delimiter: "\\t"
    quote: "'"
    quote_policy: ALL
    escape: '\\'
    header_line: false
    null_string: '\\N'
    newline: LF
    newline_in_field: LF
    charset: UTF-8
    default_timezone: Asia/Tokyo
    column_options:
      time: {format: '%Y/%m/%d %H:%M', timezone: America/Los_Angeles}
  encoders:
  - {type: gzip, level: 1}
`,
    expected: {
      'orders.000.00.tsv.gz': [
        "'1'\t'2015/01/27 11:23'\t'embulk'",
        "'2'\t'2015/01/27 11:01'\t'embulk jruby'",
        `'3'\t'2015/01/27 18:20'\t'Embulk "csv" parser plugin'`,
        "'4'\t'2015/01/29 03:54'\t'NULL'",
        '',
      ].join('\n'),
    },
  },
  {
    name: 'bzip2 by its encoder',
    config: `${file('data/days/2015-01-01', 'type: csv, columns: [{name: n, type: long}]')}out:
  type: file
  path_prefix: out/n_
  file_ext: csv.bz2
  formatter: {type: csv, newline: LF, header_line: false}
  encoders: [{type: bzip2, level: 9}]
`,
    expected: { 'n_000.00.csv.bz2': '1\n' },
  },
  {
    name: 'plugins named as Maven artifacts, numbers and flags as text, output null',
    config: `in:
  type: {source: maven, group: org.embulk, name: file, version: 0.11.0}
  path_prefix: data/days/
  follow_symlinks: 'false'
  parser: {type: embulk:csv, skip_header_lines: '0', columns: [{name: n, type: long}]}
out: {type: null}
`,
    expected: '',
  },
];
