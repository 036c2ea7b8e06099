/** Outputs made of whole objects: files, S3, SFTP. Implement {@link Place}, then {@link defineObjectOutput}. */
export { objectOutputProperties, type ObjectOutputConfig } from './config.js';
export { defineObjectOutput, type ObjectOutput } from './define.js';
export { objectExists } from './existing.js';
export { stagingName } from './manifest.js';
export type { LocalFile, Place, StagingContext } from './place.js';
export { copyFiles, type CopiedFiles } from './write-files.js';
