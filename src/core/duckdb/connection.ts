import type * as duck from '@duckdb/node-api';
import type { ScalarFunction, SqlConnection, SqlValue } from '../spi/index.js';
import { throughGate } from './call-gate.js';
import { createConverter } from './values.js';

type Api = typeof duck;

/** A connection with everything of {@link SqlConnection} plus what only core and warehouse may use. */
export interface DuckConnection extends SqlConnection {
  readonly native: duck.DuckDBConnection;
}

export async function createConnection(api: Api, instance: duck.DuckDBInstance): Promise<DuckConnection> {
  const native = await instance.connect();
  const convert = createConverter(api);
  let closed = false;
  return {
    native,
    run: (sql) => throughGate(async () => void (await native.run(sql))),
    rows: (sql) =>
      throughGate(async () => {
        const reader = await native.runAndReadAll(sql);
        return reader.getRowObjects().map((row) => Object.fromEntries(Object.entries(row).map(([k, v]) => [k, convert(v)])));
      }),
    async *chunks(sql) {
      const result = await throughGate(() => native.stream(sql));
      for (;;) {
        const chunk = await throughGate(() => result.fetchChunk());
        if (!chunk || chunk.rowCount === 0) return;
        yield chunk.convertColumns<SqlValue>((value) => convert(value)) as SqlValue[][];
      }
    },
    interrupt: () => native.interrupt(),
    registerFunction: (fn) => native.registerScalarFunction(createScalarFunction(api, fn, convert)),
    close() {
      if (closed) return;
      closed = true;
      native.closeSync();
    },
  };
}

function createScalarFunction(api: Api, fn: ScalarFunction, convert: (value: duck.DuckDBValue) => SqlValue): duck.DuckDBScalarFunction {
  return api.DuckDBScalarFunction.create({
    name: fn.name,
    parameterTypes: fn.parameters.map((p) => typeNamed(api, p)),
    returnType: typeNamed(api, fn.returns),
    // The function itself decides what NULL means.
    specialHandling: true,
    mainFunction(info, input, output) {
      try {
        const columns = Array.from({ length: input.columnCount }, (_, c) => input.getColumnVector(c));
        for (let row = 0; row < input.rowCount; row++) {
          const value = fn.call(columns.map((column) => convert(column.getItem(row))));
          output.setItem(row, toNative(api, value));
        }
        output.flush();
      } catch (error) {
        info.setError(`${fn.name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    },
  });
}

function toNative(api: Api, value: SqlValue): duck.DuckDBValue {
  return value instanceof Uint8Array ? new api.DuckDBBlobValue(value) : (value as duck.DuckDBValue);
}

function typeNamed(api: Api, name: string): duck.DuckDBType {
  const types: Readonly<Record<string, duck.DuckDBType>> = {
    VARCHAR: api.VARCHAR,
    BIGINT: api.BIGINT,
    INTEGER: api.INTEGER,
    DOUBLE: api.DOUBLE,
    BOOLEAN: api.BOOLEAN,
    BLOB: api.BLOB,
  };
  const type = types[name.toUpperCase()];
  if (!type) throw new RangeError(`a SQL function in JavaScript takes and returns ${Object.keys(types).join(', ')}, not ${name}`);
  return type;
}
