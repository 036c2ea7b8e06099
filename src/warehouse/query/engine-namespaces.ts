/** Catalogs and schemas that a planner or a locked engine has of its own: a table's namespace of that name would be ambiguous. */
const TAKEN = /^(?:memory|temp|system|pg_catalog|plan\d+|__sluice_places)$/i;

/** The schema that stands for a namespace within an engine. */
export function engineNamespace(namespace: string): string {
  return TAKEN.test(namespace) ? `__ns_${namespace}` : namespace;
}
