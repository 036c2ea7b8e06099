import { Document, isCollection, isMap, isNode, isPair, isScalar, type Node } from 'yaml';
import type { JsonObject } from '../../spi/index.js';
import { pathKeys, type GuessedConfig } from './guess-config.js';

export interface WriteOptions {
  /** Address of the editor schema, for `# yaml-language-server: $schema=`. */
  readonly schema?: string;
  /** Lines at the top of the file. */
  readonly header?: readonly string[];
}

const SCHEMA = './configs/schema/pipeline.schema.json';

/** A complete config as YAML: one line a column, each guessed key with its reason beside it, warnings at the top. */
export function writeConfigYaml(config: JsonObject, guessed: Pick<GuessedConfig, 'notes' | 'warnings'>, options: WriteOptions = {}): string {
  const doc = new Document(config, { aliasDuplicateObjects: false });
  const columns = doc.getIn(['in', 'parser', 'columns'], true);
  if (isCollection(columns)) for (const item of columns.items) if (isMap(item)) item.flow = true;
  for (const note of guessed.notes) {
    const keys = ['in', ...pathKeys(note.path)];
    const node = doc.getIn(keys, true);
    if (!isNode(node)) continue;
    const text = ` ${oneLine(note.text)}`;
    // A block collection cannot hold a comment beside itself; its key can, above.
    if (isCollection(node) && node.flow !== true) commentKey(doc, keys, text);
    else (node as Node).comment = text;
  }
  const top = [
    `yaml-language-server: $schema=${options.schema ?? SCHEMA}`,
    ...(options.header ?? []).map(oneLine),
    ...guessed.warnings.map((w) => `Look at: ${oneLine(w)}`),
  ];
  return `${top.map((line) => `# ${line}\n`).join('')}${doc.toString({ lineWidth: 0, flowCollectionPadding: false })}`;
}

function commentKey(doc: Document, keys: readonly (string | number)[], text: string): void {
  const parent = doc.getIn(keys.slice(0, -1), true);
  if (!isMap(parent)) return;
  const pair = parent.items.find((item) => isPair(item) && (isScalar(item.key) ? item.key.value : item.key) === keys[keys.length - 1]);
  if (pair && isNode(pair.key)) pair.key.commentBefore = text;
}

function oneLine(text: string): string {
  return text.replace(/\s*[\r\n]+\s*/g, ' ');
}
