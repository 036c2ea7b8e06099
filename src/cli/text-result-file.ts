import { open } from 'node:fs/promises';
import { writeResult, type ResultColumns, type ResultFormat } from './result-writer.js';

/** Writes a result as text into a file, which is made or emptied. Returns the number of rows. Errors: those of Node's file system. */
export async function writeTextResult(result: ResultColumns, format: Exclude<ResultFormat, 'parquet'>, path: string): Promise<number> {
  const file = await open(path, 'w');
  try {
    return await writeResult(result, format, (chunk) => file.appendFile(chunk));
  } finally {
    await file.close();
  }
}
