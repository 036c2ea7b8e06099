export { guessConfig, mergeUnder, type GuessedConfig, type GuessRequest } from './guess-config.js';
export { chooseSampleFile, readSample } from './sample.js';
export { guessTimeFormat, type TimeFormat } from './time-format.js';
export { writeConfigYaml, type WriteOptions } from './write-config.js';
