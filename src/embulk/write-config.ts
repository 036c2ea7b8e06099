import type { Document, Node, Pair } from 'yaml';
import { formatPath } from '../core/config/index.js';
import type { ConfigPath } from '../core/config/config-path.js';
import type { Conversion } from './convert.js';
import { isQuoted, type HeldTemplate } from './held-template.js';
import type { ConversionNote } from './section.js';

type Yaml = typeof import('yaml');

export interface WriteOptions {
  /** Address of the editor schema, for `# yaml-language-server: $schema=`. */
  readonly schema: string;
  /** Lines at the top of the file. */
  readonly header: readonly string[];
  /** Where the config was read from a template: its expressions are put back. */
  readonly template?: HeldTemplate;
}

/** The native config as YAML; what was changed, added and left out stands in comments. */
export async function writeNativeConfig(conversion: Conversion, options: WriteOptions): Promise<string> {
  const yaml = await import('yaml');
  const doc = new yaml.Document(conversion.value, { aliasDuplicateObjects: false });
  const { template } = options;
  yaml.visit(doc, {
    Scalar(_key, node) {
      if (template !== undefined && typeof node.value === 'string') node.type = styleOf(node.value, template);
    },
    Map(_key, node, parents) {
      const parent = parents.at(-1);
      const small = node.items.every((pair) => yaml.isScalar(pair.value));
      if (small && yaml.isSeq(parent) && parents.length > 4) node.flow = true;
    },
  });
  for (const [path, texts] of groupNotes(conversion.notes)) comment(yaml, doc, path, texts);
  const top = [`yaml-language-server: $schema=${options.schema}`, ...options.header].map((line) => `# ${line}\n`);
  const body = doc.toString({ lineWidth: 0, flowCollectionPadding: false });
  return top.join('') + (template === undefined ? body : template.restore(body));
}

/** Text of an expression keeps its quotes; in single ones a backslash of the value means itself. */
function styleOf(text: string, template: HeldTemplate): 'PLAIN' | 'QUOTE_SINGLE' | 'QUOTE_DOUBLE' {
  const expressions = template.expressionsIn(text).join('');
  if (expressions === '' || !isQuoted(text)) return 'PLAIN';
  return expressions.includes("'") ? 'QUOTE_DOUBLE' : 'QUOTE_SINGLE';
}

function groupNotes(notes: readonly ConversionNote[]): ReadonlyMap<ConfigPath, readonly string[]> {
  const byPath = new Map<string, { readonly path: ConfigPath; readonly texts: Set<string> }>();
  for (const note of notes) {
    const key = JSON.stringify(note.native);
    const group = byPath.get(key) ?? { path: note.native, texts: new Set() };
    group.texts.add(commentOf(note));
    byPath.set(key, group);
  }
  return new Map([...byPath.values()].map(({ path, texts }) => [path, [...texts]]));
}

function commentOf({ fate, path, text }: ConversionNote): string {
  return fate === 'ignored' ? `left out ${formatPath(path)}: ${text}` : text;
}

/** Above the key, or above the nearest parent that is written. */
function comment(yaml: Yaml, doc: Document, path: ConfigPath, texts: readonly string[]): void {
  for (let at = path; at.length > 0; at = at.slice(0, -1)) {
    const parent = at.length === 1 ? doc.contents : doc.getIn(at.slice(0, -1), true);
    const node = yaml.isMap(parent) ? keyNode(yaml, parent.items as readonly Pair[], String(at.at(-1))) : doc.getIn(at, true);
    if (!yaml.isNode(node)) continue;
    const lines = texts.map((line) => ` ${line.replaceAll(/\s+/g, ' ')}`).join('\n');
    const before = node.commentBefore ?? '';
    node.commentBefore = before === '' ? lines : `${before}\n${lines}`;
    return;
  }
}

function keyNode(yaml: Yaml, pairs: readonly Pair[], key: string): Node | undefined {
  const pair = pairs.find((item) => (yaml.isScalar(item.key) ? item.key.value : item.key) === key);
  return yaml.isNode(pair?.key) ? pair.key : undefined;
}
