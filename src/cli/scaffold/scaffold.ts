/** The texts of a new plugin, given the word behind `type:`. */
export interface Scaffold {
  index(type: string): string;
  test(type: string): string;
  /** A pipeline that uses it, for the README. */
  pipeline(type: string): string;
}

export interface NewPlugin {
  readonly kind: string;
  /** Package and folder name. */
  readonly folder: string;
  readonly type: string;
  /** Version of sluice that it is made for. */
  readonly version: string;
}

/** All files of the new plugin's folder, by name. */
export function scaffoldFiles(plugin: NewPlugin, scaffold: Scaffold): Readonly<Record<string, string>> {
  const { kind, folder, type, version } = plugin;
  const manifest = {
    name: folder,
    version: '0.1.0',
    description: `Sluice ${kind} ${type}`,
    type: 'module',
    main: 'index.js',
    files: ['index.js'],
    keywords: ['sluice', 'sluice-plugin'],
    scripts: { test: 'node --test' },
    peerDependencies: { sluice: `^${version}` },
    engines: { node: '>=20' },
  };
  return {
    'package.json': `${JSON.stringify(manifest, undefined, 2)}\n`,
    'index.js': scaffold.index(type),
    'index.test.js': scaffold.test(type),
    'README.md': readme(plugin, scaffold.pipeline(type)),
  };
}

function readme({ kind, folder, type }: NewPlugin, pipeline: string): string {
  return `# ${folder}

The Sluice ${kind} \`${type}\`. It needs \`sluice\` installed beside it (\`npm install sluice\`), so that both share one copy of \`sluice/spi\`.

List it in the project's \`sluice.yml\`, as a path or, once published, by its name:

\`\`\`yaml
plugins: [./${folder}/index.js]
\`\`\`

Then use it in a pipeline:

\`\`\`yaml
${pipeline}\`\`\`

\`npm test\` holds it against the contract of every ${kind} (\`sluice/conformance\`).
`;
}
