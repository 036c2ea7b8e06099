/** What a column of a table can hold; decides which values would be changed by it. Bounds are inclusive, as SQL literals of DuckDB. */
export type TargetFamily =
  | { readonly kind: 'boolean' }
  | { readonly kind: 'integer'; readonly min: string; readonly max: string }
  /** Without `precision` any decimal fits. */
  | { readonly kind: 'decimal'; readonly precision?: number; readonly scale?: number }
  /** `finite`: NaN and infinities are not held. `shortest`: read as the shortest text that gives the value back, so that 32 bits hold 0.1, too. */
  | { readonly kind: 'float'; readonly bits: 32 | 64; readonly finite: boolean; readonly shortest?: boolean }
  | {
      readonly kind: 'text';
      readonly characters?: number;
      readonly bytes?: number;
      /** Trailing blanks are lost. */
      readonly padded: boolean;
      /** `other`: the server says what it could not keep. */
      readonly charset: 'utf8' | 'utf8mb3' | 'latin1' | 'ascii' | 'other';
      /** U+0000 is refused by the server. */
      readonly noNul: boolean;
    }
  | { readonly kind: 'bytes'; readonly length?: number; readonly fixed: boolean }
  | { readonly kind: 'date'; readonly min: string; readonly max: string; readonly finite: boolean }
  | {
      readonly kind: 'timestamp';
      readonly zoned: boolean;
      readonly fraction: number;
      readonly min: string;
      readonly max: string;
      readonly finite: boolean;
    }
  /** `strictKeys`: of keys that stand twice one is lost. `doubles`: numbers with a fraction or beyond 64 bits become doubles. */
  | { readonly kind: 'json'; readonly strictKeys: boolean; readonly noNul: boolean; readonly doubles: boolean }
  /** Text of a time of day, or of a span for `hours` beyond 24. */
  | { readonly kind: 'time'; readonly fraction: number; readonly hours: number; readonly negative: boolean }
  | { readonly kind: 'choice'; readonly values: readonly string[]; readonly many: boolean }
  | { readonly kind: 'year' }
  | { readonly kind: 'bits'; readonly length: number }
  /** Takes texts as the server spells arrays, and flat JSON arrays. */
  | { readonly kind: 'array'; readonly element: TargetFamily }
  /** The server itself refuses what it cannot hold: uuid, inet, interval. */
  | { readonly kind: 'checked' };

export interface TargetColumn {
  readonly name: string;
  /** The server's spelling of the type. */
  readonly sqlType: string;
  readonly family: TargetFamily;
  readonly nullable: boolean;
  /** Filled by the server when the load has no such column. */
  readonly hasDefault: boolean;
  /** Computed by the server: a value cannot be written. */
  readonly generated: boolean;
  /** In an index that takes no text of unbounded length. */
  readonly bounded?: boolean;
}

/** A table that exists. */
export interface TargetTable {
  readonly columns: readonly TargetColumn[];
  readonly primaryKey: readonly string[];
}
