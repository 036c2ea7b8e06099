import { EMBULK_TABLES, type PluginTable } from '../../src/embulk/index.js';
import { escapeCell, GENERATED_NOTE } from './markdown.js';

const FATES = {
  same: 'same',
  mapped: 'mapped',
  ignored: 'ignored, with a note',
  refused: 'refused',
} as const;

const TITLES: { readonly [kind: string]: string } = {
  exec: 'exec',
  input: 'Inputs',
  parser: 'Parsers',
  decoder: 'Decoders',
  filter: 'Filters',
  output: 'Outputs',
  formatter: 'Formatters',
  encoder: 'Encoders',
};

/** docs/reference/embulk-options.md: what becomes of each option of Embulk's plugins. */
export function writeEmbulkOptionsPage(): string {
  const kinds = [...new Set(EMBULK_TABLES.map(({ kind }) => kind))];
  const parts = [
    GENERATED_NOTE,
    '',
    '# Options of Embulk',
    '',
    'What becomes of each option when [a config of Embulk](../embulk.md) is run or converted. *same*: same meaning, same key; *mapped*: written another way; *ignored*: a note says why it has no effect; *refused*: an error says what to do. Any other option is an error with a suggestion. Options with a ★ mark a config as one of Embulk.',
    '',
    ...kinds.flatMap((kind) => [
      `## ${TITLES[kind] ?? kind}`,
      '',
      ...EMBULK_TABLES.filter((table) => table.kind === kind).flatMap((table) => writeTable(table)),
    ]),
  ];
  return `${parts.join('\n').trimEnd()}\n`;
}

function writeTable(table: PluginTable): readonly string[] {
  const title = table.kind === 'exec' ? [] : [`### ${table.type}${table.sign === true ? ' ★' : ''}`, '', describePlugin(table.plugin), ''];
  if (table.options.length === 0) return [...title, 'No options.', ''];
  const rows = table.options.map(({ key, fate, note, sign }) => `| \`${key}\`${sign === true ? ' ★' : ''} | ${FATES[fate]} | ${escapeCell(note)} |`);
  const more = table.additions ?? [];
  return [
    ...title,
    '| option | | |',
    '| --- | --- | --- |',
    ...rows,
    '',
    ...(more.length === 0 ? [] : [`Keys of this program's own that may stand here, too: ${more.map((key) => `\`${key}\``).join(', ')}.`, '']),
  ];
}

function describePlugin(plugin: string): string {
  return plugin === 'standard' ? 'Part of Embulk.' : `\`${plugin}\`.`;
}
