import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { JsonObject, JsonValue } from '../../src/core/spi/index.js';
import json from '../../src/plugins/parser-json/index.js';
import type { JsonParserConfig } from '../../src/plugins/parser-json/config.js';
import { openLab, place, readAll, type Lab } from '../plugins/parser-json/lab.js';

interface Case {
  readonly area: string;
  readonly name: string;
  readonly config: JsonObject;
  readonly input: string;
  readonly expected: JsonValue;
}

const cases = (JSON.parse(readFileSync(new URL('./embulk-cases.json', import.meta.url), 'utf8')) as Case[]).filter((c) => c.area === 'json');

let lab: Lab;
test.before(async () => {
  lab = await openLab();
});
test.after(() => lab.close());

for (const c of cases) {
  test(c.name, async () => {
    const config = { type: 'json', ...c.config } as JsonParserConfig;
    const file = await lab.file(c.input);
    const plan = await json.plan(config, [file], { ...lab.ctx, place, memory: undefined, sql: lab.sql });
    let result: JsonValue;
    try {
      const got = await readAll(await json.open([file], plan, config, lab.ctx), lab.sql);
      // Embulk drops what it cannot read; here it is a reject, and a run without max_rejects ends in an error.
      result = got.rows.length === 0 && got.rejects.length > 0 ? 'error' : got.rows.map((row) => [JSON.parse(row['record'] as string) as JsonValue]);
    } catch (error) {
      assert.is((error as { code: string }).code, 'INVALID_RECORD');
      result = 'error';
    }
    assert.equal(result, c.expected);
  });
}

test.run();
