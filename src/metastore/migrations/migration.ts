import type { Dialect, OpenTransaction } from '../connection.js';

/** One step of the schema. Never changed once released: a later step corrects it. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  apply(tx: OpenTransaction, dialect: Dialect): Promise<void>;
}
