import { EXEC_SCHEMA, PROJECT_SCHEMA, SINGLE_PIPELINE_SCHEMA } from '../../src/core/config/index.js';
import { GENERATED_NOTE, listOptions, writeOptionTable } from './markdown.js';
import type { DocumentedPlugin } from './plugins.js';

export function writeConfigPage(plugins: readonly DocumentedPlugin[]): string {
  const links = (kind: string): string =>
    plugins
      .filter((plugin) => plugin.kind === kind)
      .map(({ type }) => `[${type}](plugins/${kind}-${type}.md)`)
      .join(', ') || 'none yet';
  const project = listOptions(PROJECT_SCHEMA).filter((row) => !row.key.startsWith('exec.'));
  return `${GENERATED_NOTE}

# Config files

A pipeline file says what to read (\`in\`), what to change (\`filters\`) and where to write (\`out\`):

\`\`\`yaml
# yaml-language-server: $schema=../configs/schema/pipeline.schema.json
in:
  type: file
  path_prefix: ./data/orders_
  parser:
    type: csv
    skip_header_lines: 1
    columns:
      - {name: id, type: long}
      - {name: amount, type: "decimal(12,2)"}
out:
  type: warehouse
  table: shop.orders
exec: {max_threads: 2, memory_limit: 800MB, max_rejects: 100}
\`\`\`

Files are YAML 1.2: only \`true\` and \`false\` are booleans (\`yes\` and \`on\` are text), timestamps are text, a key may stand only once.
Every error names file, line, column and path, and all errors of a file are shown together. Relative paths start at the project root.

## Pipeline file

${writeOptionTable(listOptions(SINGLE_PIPELINE_SCHEMA))}
Inputs: ${links('input')}. Filters: ${links('filter')}. Outputs: ${links('output')}.

Several pipelines of one file run together and give one report; each has a name of its own, and \`exec\` beside the list holds for all:

\`\`\`yaml
pipelines:
  - name: orders
    in: {type: csv, path_prefix: ./data/orders_, columns: [{name: id, type: long}]}
    out: {type: warehouse, table: shop.orders}
  - name: customers
    in: {type: csv, path_prefix: ./data/customers_, columns: [{name: id, type: long}]}
    out: {type: warehouse, table: shop.customers}
\`\`\`

### Files

Inputs made of files take two more keys: \`parser\` (${links('parser')}) and \`decoders\` (${links('decoder')}), a list such as \`[{type: gzip}]\` or \`[gzip]\`.
Without \`decoders\` the names of the files decide (\`.gz\`). \`in: {type: csv, ...}\` is short for a file input with that parser; the keys of both then stand side by side.

Outputs made of files take \`formatter\` (${links('formatter')}) and \`encoders\` (${links('encoder')}), each a section or a name; see [files](../connectors/files.md).

## exec

${writeOptionTable(listOptions(EXEC_SCHEMA))}
Values of \`exec\` in sluice.yml hold where a pipeline gives none; the command line wins over both.

## sluice.yml

The nearest parent folder of a pipeline file with \`sluice.yml\` or \`.sluice/\` is the project root. Without one, the working folder is taken where it holds the file, else the file's own folder.
\`exec\` here has the keys above.

${writeOptionTable(project)}
## Secrets and variables

| spelling | where | gives |
| --- | --- | --- |
| \`{env: NAME}\` | every key with a plain value | the environment variable; as a number or boolean where the key wants one |
| \`{file: PATH}\` | secret keys | the file's text without its last newline |
| \`{command: "pass show db"}\` | secret keys of sluice.yml | what the command prints |
| \`{{ scheduled_time }}\` | text | the nominal time of the run |

Values of keys marked secret are read when they are used, and never reach a plan, state, log or error. A variable whose name looks like a secret's (PASSWORD, TOKEN, SECRET, KEY) may fill secret keys only.

## Liquid

Files that end in \`.yml.liquid\` are rendered first, strictly: unknown variables and filters are errors. The only variables are \`env.NAME\` and \`scheduled_time\`; \`{{ env.NAME | default: "x" }}\` gives a default.
\`{% include 'sub/table' %}\` reads \`sub/_table.yml.liquid\` from below the config's folder. Where rendering moved lines, errors count those of the rendered text and say so.
`;
}
