import { createHash, createHmac } from 'node:crypto';
import { defineFilter, quoteIdentifier, revealSecret, type Column, type FilterColumn, type ScalarFunction } from '../../core/spi/index.js';
import { passColumn, requireColumn } from '../shared/filter-columns.js';
import { hashSchema, type HashConfig } from './schema.js';

type Algorithm = 'sha256' | 'md5';

export default defineFilter<HashConfig>({
  kind: 'filter',
  type: 'hash',
  summary: 'Replaces values by their hash, with a secret salt.',
  stability: 'stable',
  schema: hashSchema,
  examples: [{ title: 'Pseudonyms that still join', config: { type: 'hash', columns: ['email', 'customer_id'], salt: { env: 'HASH_SALT' } } }],

  async plan(config, input, ctx) {
    config.columns.forEach((name, i) => requireColumn(input, name, ctx.place, `columns[${i}]`));
    const hashed = new Set(config.columns);
    const algorithm = config.algorithm ?? 'sha256';
    const salt = config.salt === undefined ? undefined : await revealSecret(config.salt);
    const fn = salt === undefined ? undefined : saltedHash(algorithm, salt);
    const columns = input.map((c) => (hashed.has(c.name) ? hashColumn(c, fn?.name ?? algorithm) : passColumn(c)));
    return { form: 'rows', columns, hidesValues: true, ...(fn === undefined ? {} : { functions: [fn] }) };
  },
});

function hashColumn({ name, type }: Column, call: string): FilterColumn {
  const ref = quoteIdentifier(name);
  const text = type === 'binary' ? `to_base64(${ref})` : `${ref}::varchar`;
  return { name, type: 'string', sql: `case when ${ref} is not null then ${call}(${text}) end` };
}

/** In JavaScript, so that the salt never stands in a SQL text, which errors, logs and plans may show. */
function saltedHash(algorithm: Algorithm, salt: string): ScalarFunction {
  // The name tells two salts apart on one connection without giving either away.
  const id = createHash('sha256')
    .update(`sluice:${algorithm}:`)
    .update(createHmac('sha256', salt).update('name').digest())
    .digest('hex')
    .slice(0, 12);
  return {
    name: `__hash_${algorithm}_${id}`,
    parameters: ['VARCHAR'],
    returns: 'VARCHAR',
    call: ([value]) => (typeof value === 'string' ? createHmac(algorithm, salt).update(value).digest('hex') : null),
  };
}
