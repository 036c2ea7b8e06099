import type { ConfigPlace, RowRefusal } from '../../core/spi/index.js';
import type { NestedField, PartitionField } from '../table/model.js';

/**
 * What becomes of the rows that a table has: `append` keeps them; `replace` puts rows and schema in their place; `truncate` rows
 * only; `merge` replaces rows with the same keys; `replace_where` those that a predicate matches.
 */
export type WriteMode = 'append' | 'replace' | 'truncate' | 'merge' | 'replace_where';

/** Which row of several with one key is the last; NULL comes before every value. */
export interface MergeOrder {
  readonly column: string;
  readonly descending: boolean;
}

/** What a pipeline asks of the warehouse; see `planWrite`. */
export interface WriteRequest {
  /** `shop.orders`; without a namespace `main`. */
  readonly table: string;
  readonly schema: readonly { readonly name: string; readonly type: string }[];
  readonly mode: WriteMode;
  /** Of `merge`: columns that tell rows apart; default: the table's identifier fields. */
  readonly mergeKeys?: readonly string[];
  /** Of `merge`: picks one of several staged rows with one key; without it they are an error. */
  readonly mergeOrderBy?: readonly MergeOrder[];
  /** With `replace`, for the refresh of a merge: the keys tell the load's rows apart as in a merge. */
  readonly refreshesMerge?: boolean;
  /** Of `replace_where`: SQL over the table's columns. */
  readonly replaceWhere?: string;
  readonly timeColumn?: string;
  /** `day(c)`, `bucket(16, c)`, `truncate(4, c)`, `identity(c)`, `c`, and Iceberg's own `truncate[86400](c)`. */
  readonly partitionBy?: readonly string[];
  /** `add` (default): new columns and wider types change the table; `strict`: they are errors. */
  readonly schemaEvolution?: 'add' | 'strict';
  readonly tableComment?: string;
  /** Table properties, merged over those of the table. */
  readonly properties?: { readonly [key: string]: string };
  /** Where the request stands in a config, for errors. */
  readonly place?: ConfigPlace;
}

/** A column to write: from `source` of the relation into field `id`. */
export interface PlannedColumn {
  readonly source: string;
  readonly id: number;
  readonly name: string;
  /** Iceberg type of the field. */
  readonly type: string;
  /** What the relation's column is cast to. */
  readonly duckType: string;
}

/** The plan of one write: plain JSON, stored with the run, valid until the table changes in a way that contradicts it. */
export interface WritePlan {
  readonly table: string;
  readonly tableUuid: string;
  /** The table does not exist yet; the commit makes it. */
  readonly isNew: boolean;
  /** URI of the table's folder. */
  readonly location: string;
  readonly mode: WriteMode;
  /** Of `merge`, and of a `replace` that refreshes one: the fields' names. */
  readonly mergeKeys?: readonly string[];
  readonly mergeOrderBy?: readonly MergeOrder[];
  /** Of `replace_where`: checked, to stand in parentheses. */
  readonly replaceWhere?: string;
  /** Rows of the relation that cannot be written by this plan, as SQL over its columns. */
  readonly refusals?: readonly RowRefusal[];
  /** Columns of the relation; fields of the table without one get NULL. */
  readonly columns: readonly PlannedColumn[];
  /** The table's fields after this write. */
  readonly fields: readonly NestedField[];
  readonly partition: readonly PartitionField[];
  /** One sentence each. */
  readonly schemaChanges: readonly string[];
  readonly notes: readonly string[];
  readonly properties: { readonly [key: string]: string };
  /** The plan for the table's rejects; its table is made with the first reject. */
  readonly rejects?: WritePlan;
}
