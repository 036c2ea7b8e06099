import type { DefaultsSection, ProjectConfig } from './project.js';
import { layerAt, mergeLayers } from './section.js';
import type { Layer } from './section.js';

/** What a pipeline says, over the defaults of sluice.yml for this plugin. */
export function withDefaults(own: Layer, section: DefaultsSection, type: string, project: ProjectConfig): Layer {
  const defaults = project.defaults[section][type];
  return defaults === undefined ? own : mergeLayers([layerAt(defaults, project.locate, ['defaults', section, type]), own]);
}
