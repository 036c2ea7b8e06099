import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ConfigError, fileSystemError, type ConfigPlace } from '../../core/spi/index.js';
import type { Warehouse } from '../../warehouse/index.js';

/** The SELECT of a config, without a semicolon at its end. Errors: ConfigError QUERY_TEXT, SQL_REFUSED; RemoteError FILE_SYSTEM. */
export async function readQueryText(
  config: { readonly sql?: string; readonly sql_file?: string },
  root: string,
  warehouse: Pick<Warehouse, 'splitStatements' | 'isQuery'>,
  place: ConfigPlace,
): Promise<string> {
  const { sql, sql_file: file } = config;
  if ((sql === undefined) === (file === undefined))
    throw new ConfigError({
      code: 'QUERY_TEXT',
      message: `in: expected either sql or sql_file, found ${sql === undefined ? 'none' : 'both'}`,
      hint: 'e.g. sql: "select * from shop.orders"',
      where: place.at(sql === undefined ? '' : 'sql_file'),
    });
  const text = sql ?? (await readTextFile(file ?? '', root));
  const statements = warehouse.splitStatements(text);
  const [statement] = statements;
  if (statement !== undefined && statements.length === 1 && warehouse.isQuery(statement)) return statement;
  throw new ConfigError({
    code: 'QUERY_TEXT',
    message: `in.${sql === undefined ? 'sql_file' : 'sql'}: expected one SELECT, found ${statements.length === 1 ? 'a statement that writes' : `${statements.length} statements`}`,
    hint: 'an input reads; `sluice query` runs other statements',
    where: place.at(sql === undefined ? 'sql_file' : 'sql'),
  });
}

async function readTextFile(file: string, root: string): Promise<string> {
  try {
    return await readFile(resolve(root, file), 'utf8');
  } catch (error) {
    throw fileSystemError(error, `reading ${file}`);
  }
}
