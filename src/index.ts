/** The package's own door: the promise to plugin authors. Everything else is reached through the command `sluice`. */
export * from './core/spi/index.js';
