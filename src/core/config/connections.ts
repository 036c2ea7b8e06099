import { didYouMean, type ConfigError, type JsonObject } from '../spi/index.js';
import { makeProblem } from './problem.js';
import type { ProjectConfig } from './project.js';
import { layerAt, mergeLayers, type Layer } from './section.js';

/**
 * An `in` or `out` section with `connection: NAME`: the keys of that connection of sluice.yml beneath its own, which win.
 * The connection gives the `type` where the section has none. A problem leaves the section as it is.
 */
export function withConnection(own: Layer, project: ProjectConfig, problems: ConfigError[]): Layer {
  const { connection: name, ...rest } = own.value;
  if (name === undefined) return own;
  const names = Object.keys(project.connections);
  const connection = typeof name === 'string' && Object.hasOwn(project.connections, name) ? project.connections[name] : undefined;
  if (typeof name !== 'string' || connection === undefined) {
    const problem =
      typeof name === 'string'
        ? {
            code: 'CONNECTION_UNKNOWN',
            text: `no connection "${name}" in sluice.yml${didYouMean(name, names)}`,
            hint: `known connections: ${names.join(', ') || 'none'}`,
          }
        : { code: 'CONFIG_WRONG_TYPE', text: 'expected the name of a connection', hint: 'name one of the connections of sluice.yml' };
    problems.push(makeProblem({ ...problem, where: own.locate(['connection']) }));
    return { ...own, value: rest };
  }
  const type = rest['type'];
  if (type !== undefined && type !== connection['type']) {
    problems.push(
      makeProblem({
        code: 'CONNECTION_TYPE',
        text: `the connection "${name}" is one of type ${String(connection['type'])}, but type: ${String(type)} was given`,
        hint: 'leave type out, or name another connection',
        where: own.locate(['type']),
      }),
    );
  }
  const base = { ...layerAt(connection, project.locate, ['connections', name]), trusted: new Set(Object.keys(connection)) };
  return mergeLayers([base, { ...own, value: rest }]);
}

/** Whether a section names a connection that does not exist or is of another type: what else is wrong with it follows from that. */
export function hasWrongConnection({ value }: Layer, project: ProjectConfig): boolean {
  const { connection: name, type } = value;
  if (name === undefined) return false;
  const connection = typeof name === 'string' && Object.hasOwn(project.connections, name) ? project.connections[name] : undefined;
  return connection === undefined || (type !== undefined && type !== connection['type']);
}

/** What of a validated section the pipeline itself says: what comes from the connection is named, not repeated. */
export function ownPart(given: JsonObject, section: JsonObject | undefined): JsonObject {
  const name = section?.['connection'];
  if (name === undefined || section === undefined) return given;
  return { connection: name, ...Object.fromEntries(Object.entries(given).filter(([key]) => Object.hasOwn(section, key))) };
}
