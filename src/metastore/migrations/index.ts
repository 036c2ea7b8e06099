import { firstTables } from './001-first-tables.js';
import type { Migration } from './migration.js';

/** In order of version, without gaps. Append only. */
export const MIGRATIONS: readonly Migration[] = [firstTables];
