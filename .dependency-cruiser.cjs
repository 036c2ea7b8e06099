/**
 * Which part may import which (docs/architecture.md). Every rule has a planted violation in test/house/import-rules.test.ts.
 * @type {import('dependency-cruiser').IConfiguration}
 */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'Two files that need each other are one idea in two places: move the shared part into a third.',
      from: { path: '^(src|test|bench|scripts)/' },
      to: { circular: true },
    },
    {
      name: 'spi-imports-nothing',
      severity: 'error',
      comment: 'core/spi is the promise to plugin authors; it may use nothing but itself and types of npm packages. One file asks the file system.',
      from: { path: '^src/core/spi/', pathNot: '^src/core/spi/make-folders\\.ts$' },
      to: { pathNot: '^src/core/spi/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'spi-imports-no-source',
      severity: 'error',
      comment: 'Not even types of our own other parts.',
      from: { path: '^src/core/spi/' },
      to: { path: '^src/', pathNot: '^src/core/spi/' },
    },
    {
      name: 'core-stays-in-core',
      severity: 'error',
      comment: 'The core knows plugins, metastore and warehouse through the ports of core/spi only.',
      from: { path: '^src/core/', pathNot: '^src/core/spi/' },
      to: { path: '^src/', pathNot: '^src/core/' },
    },
    {
      name: 'plugins-see-the-spi',
      severity: 'error',
      comment: 'A plugin may import core/spi/index.ts, plugins/shared and its own folder.',
      from: { path: '^src/plugins/([^/]+)/', pathNot: '^src/plugins/(shared|[^/]+-warehouse|input-query|filter-sql)/' },
      to: { path: '^src/', pathNot: ['^src/core/spi/index\\.ts$', '^src/plugins/shared/', '^src/plugins/$1/'] },
    },
    {
      name: 'warehouse-plugins-enter-by-the-front-door',
      severity: 'error',
      comment: 'These few plugins may also import warehouse/index.ts.',
      from: { path: '^src/plugins/([^/]+-warehouse|input-query|filter-sql)/' },
      to: { path: '^src/', pathNot: ['^src/core/spi/index\\.ts$', '^src/plugins/shared/', '^src/plugins/$1/', '^src/warehouse/index\\.ts$'] },
    },
    {
      name: 'shared-sees-the-spi',
      severity: 'error',
      comment: 'plugins/shared knows no single plugin.',
      from: { path: '^src/plugins/shared/' },
      to: { path: '^src/', pathNot: ['^src/core/spi/index\\.ts$', '^src/plugins/shared/'] },
    },
    {
      name: 'metastore-sees-the-spi',
      severity: 'error',
      comment: 'The metastore implements the ports of core/spi and knows nothing else.',
      from: { path: '^src/metastore/' },
      to: { path: '^src/', pathNot: ['^src/core/spi/', '^src/metastore/'] },
    },
    {
      name: 'warehouse-below-the-engine',
      severity: 'error',
      comment: 'The warehouse uses core/spi, core/duckdb and the metastore.',
      from: { path: '^src/warehouse/' },
      to: { path: '^src/', pathNot: ['^src/core/(spi|duckdb)/', '^src/metastore/', '^src/warehouse/'] },
    },
    {
      name: 'warehouse-has-one-door',
      severity: 'error',
      comment: 'From outside, only warehouse/index.ts.',
      from: { path: '^src/', pathNot: '^src/warehouse/' },
      to: { path: '^src/warehouse/', pathNot: '^src/warehouse/index\\.ts$' },
    },
    {
      name: 'embulk-knows-configs',
      severity: 'error',
      comment: 'The conversion of Embulk configs turns one config into another; it knows no plugin and runs nothing.',
      from: { path: '^src/embulk/' },
      to: { path: '^src/', pathNot: ['^src/core/(spi|config|registry)/', '^src/embulk/'] },
    },
    {
      name: 'compositions-on-top',
      severity: 'error',
      comment: 'Nothing below imports the compositions.',
      from: { path: '^src/', pathNot: ['^src/(cli|server)/', '^src/index\\.ts$'] },
      to: { path: '^src/(cli|server)/' },
    },
    {
      name: 'source-without-tests',
      severity: 'error',
      comment: 'What is shipped must not need what is not shipped.',
      from: { path: '^src/' },
      to: { path: '^(test|bench|scripts)/' },
    },
    {
      name: 'source-without-dev-packages',
      severity: 'error',
      comment: 'A package that src imports belongs into dependencies.',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], pathNot: 'node_modules/@types/' },
    },
    {
      name: 'resolvable',
      severity: 'error',
      comment: 'The imported file or package does not exist.',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|node_modules/\\.cache)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
      extensions: ['.ts', '.js', '.cjs', '.mjs', '.json'],
    },
  },
};
