/** Rows of smaller results come as they are stored: it costs them nothing. Bytes of the files that are read. */
const FROM_BYTES = 8 << 20;

/** Whatever gives rows an order, or takes some of them, or one value of several, by the order they come in. */
const BY_ORDER =
  /\b(order|limit|offset|fetch|sample|tablesample|over|qualify|distinct|first|last|any_value|arbitrary|arg_m\w+|m\w+_by|nth_value|list|array|histogram|json_group_\w+|\w*_agg|group_concat|listagg|positional|asof|rowid|row_number|random|nextval)\b/i;

/**
 * Whether a statement's rows may come in any order: nothing in it or in its views depends on one, and they are many (`bytesKept` of the
 * files that are read). To keep the stored order costs DuckDB a third more CPU and some hundred megabytes, which grow with the rows:
 * 2 million rows into a Parquet file take 135 instead of 350 MB, 8 million 139 instead of 600.
 */
export function mayLoseOrder(texts: readonly string[], bytesKept: number): boolean {
  return bytesKept >= FROM_BYTES && !texts.some((text) => BY_ORDER.test(text));
}
