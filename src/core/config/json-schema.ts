/** The few facts about JSON Schemas that reference resolution, messages and docs need. */
export type SchemaNode = { readonly [keyword: string]: unknown };

export function asNode(value: unknown): SchemaNode | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as SchemaNode) : undefined;
}

/** A schema and everything its combinators may add to it. */
export function alternativesOf(schema: unknown, root: unknown): readonly SchemaNode[] {
  const found: SchemaNode[] = [];
  const seen = new Set<unknown>();
  const visit = (value: unknown): void => {
    const node = asNode(value);
    if (node === undefined || seen.has(node)) return;
    seen.add(node);
    found.push(node);
    if (typeof node['$ref'] === 'string') visit(followReference(node['$ref'], root));
    for (const keyword of ['anyOf', 'oneOf', 'allOf']) for (const branch of asList(node[keyword])) visit(branch);
    visit(node['then']);
    visit(node['else']);
  };
  visit(schema);
  return found;
}

export function followReference(reference: string, root: unknown): unknown {
  if (!reference.startsWith('#')) return undefined;
  let current: unknown = root;
  for (const part of reference
    .slice(1)
    .split('/')
    .filter((text) => text !== ''))
    current = asNode(current)?.[part.replaceAll('~1', '/').replaceAll('~0', '~')];
  return current;
}

/** Schemas of a mapping's key. */
export function propertySchemas(nodes: readonly SchemaNode[], key: string, root: unknown): readonly SchemaNode[] {
  return nodes.flatMap((node) => {
    const properties = asNode(node['properties']);
    if (properties && Object.hasOwn(properties, key)) return alternativesOf(properties[key], root);
    return alternativesOf(node['additionalProperties'], root);
  });
}

/** Schemas of a list's item. */
export function itemSchemas(nodes: readonly SchemaNode[], index: number, root: unknown): readonly SchemaNode[] {
  return nodes.flatMap((node) => {
    const items = node['items'];
    return alternativesOf(Array.isArray(items) ? (items[index] as unknown) : items, root);
  });
}

export function typesOf(node: SchemaNode): readonly string[] {
  const type = node['type'];
  return typeof type === 'string' ? [type] : asList(type).filter((name) => typeof name === 'string');
}

/** Whether a mapping with exactly this key could be meant at a place with these schemas. */
export function acceptsKey(nodes: readonly SchemaNode[], key: string): boolean {
  return nodes.some((node) => {
    const properties = asNode(node['properties']);
    if (properties && Object.hasOwn(properties, key)) return true;
    const types = typesOf(node);
    const mayBeMapping = types.includes('object') || (types.length === 0 && !isRestricting(node));
    return mayBeMapping && node['additionalProperties'] !== false;
  });
}

/** All keys that schemas at one place declare. */
export function knownKeys(nodes: readonly SchemaNode[]): readonly string[] {
  return [...new Set(nodes.flatMap((node) => Object.keys(asNode(node['properties']) ?? {})))];
}

export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Schemas without `type` that only combine, compare or list values say nothing about mappings by themselves. */
function isRestricting(node: SchemaNode): boolean {
  return ['enum', 'const', 'anyOf', 'oneOf', 'allOf', '$ref', 'required', 'pattern', 'if', 'not', 'properties'].some((keyword) => keyword in node);
}
