/** First bytes of files that people load by mistake; no parser reads them. */
const KNOWN: readonly { readonly hex: string; readonly what: string }[] = [
  { hex: '504b0304', what: 'a ZIP archive or an Excel workbook (.xlsx): unpack it, or save the sheet as CSV' },
  { hex: 'd0cf11e0a1b11ae1', what: 'an old Excel workbook (.xls): save the sheet as CSV' },
  { hex: '25504446', what: 'a PDF document' },
  { hex: '4f626a01', what: 'an Avro file' },
  { hex: 'fd377a585a00', what: 'compressed with xz: compress it with gzip, zstd or bzip2 instead' },
  { hex: '377abcaf271c', what: 'a 7z archive: unpack it' },
  { hex: '53514c69746520666f726d6174', what: 'a SQLite database' },
];

/** Why bytes cannot be delimited text, or undefined. `text` is what they decode to. */
export function explainBinary(bytes: Uint8Array, text: string): string | undefined {
  const start = Buffer.from(bytes.subarray(0, 16)).toString('hex');
  const known = KNOWN.find(({ hex }) => start.startsWith(hex));
  if (known) return `it looks like ${known.what}`;
  return text.includes('\0') ? 'it holds zero bytes, so it is no text' : undefined;
}
