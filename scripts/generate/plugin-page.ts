import { stringify } from 'yaml';
import type { JsonObject } from '../../src/core/spi/index.js';
import { GENERATED_NOTE, listOptions, writeOptionTable } from './markdown.js';
import type { DocumentedPlugin } from './plugins.js';

const STABILITY: { readonly [stability: string]: string } = {
  stable: '',
  beta: 'Beta: its options may still change.',
  experimental: 'Experimental: it may change or go.',
};

export function writePluginPage(plugin: DocumentedPlugin): string {
  const rows = listOptions(plugin.schema);
  const advanced = rows.filter((row) => row.advanced);
  const parts = [
    GENERATED_NOTE,
    '',
    `# ${plugin.type} (${plugin.kind})`,
    '',
    plugin.summary,
    ...(STABILITY[plugin.stability] ? ['', STABILITY[plugin.stability]] : []),
    '',
    ...(plugin.kind === 'guess' ? [] : ['## Options', '', writeOptionTable(rows.filter((row) => !row.advanced))]),
    ...(advanced.length > 0 ? ['## Seldom needed', '', writeOptionTable(advanced)] : []),
    ...(plugin.form === 'files' ? ['Beside these keys stand `parser` and `decoders`; see [config.md](../config.md#files).', ''] : []),
    ...(plugin.takesFormat ? ['Beside these keys stand `formatter` and `encoders`; see [config.md](../config.md#files).', ''] : []),
    ...(plugin.examples.length > 0 ? ['## Examples', ''] : []),
    ...plugin.examples.flatMap(({ title, config }) => [
      `${title}:`,
      '',
      '```yaml',
      stringify(placeExample(plugin, config), { lineWidth: 100 }).trimEnd(),
      '```',
      '',
    ]),
  ];
  return `${parts.join('\n').trimEnd()}\n`;
}

export function writePluginIndex(plugins: readonly DocumentedPlugin[]): string {
  const lines = plugins.map(({ kind, type, summary }) => `| ${kind} | [${type}](${kind}-${type}.md) | ${summary.replaceAll('|', '\\|')} |`);
  return [GENERATED_NOTE, '', '# Plugins', '', '| kind | type | |', '| --- | --- | --- |', ...lines, ''].join('\n');
}

/** The example where it stands in a pipeline file. */
function placeExample(plugin: DocumentedPlugin, config: JsonObject): JsonObject {
  const section = { type: plugin.type, ...config };
  switch (plugin.kind) {
    case 'input':
      return { in: section };
    case 'parser':
      return { in: { type: 'file', path_prefix: './data/', parser: section } };
    case 'decoder':
      return { in: { decoders: [section] } };
    case 'filter':
      return { filters: [section] };
    case 'formatter':
      return { out: { type: 'file', path_prefix: './out/', formatter: section } };
    case 'encoder':
      return { out: { encoders: [section] } };
    default:
      return { out: section };
  }
}
