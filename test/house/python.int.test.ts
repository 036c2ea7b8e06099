import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { runPython, runPythonJson } from '../servers/python.js';

test('PyIceberg is there and arguments arrive', async () => {
  const code = 'import json, sys, pyiceberg.catalog.sql, pyarrow, psycopg2, pyiceberg\nprint(json.dumps([pyiceberg.__version__, sys.argv[1:]]))';
  assert.equal(await runPythonJson(code, ['a b', 'ü']), ['0.12.0', ['a b', 'ü']]);
});

test('an exception in Python is an error with its text', async () => {
  const message = await runPython('raise ValueError("planted")').then(
    () => 'no error',
    (error: unknown) => String(error),
  );
  assert.match(message, /python ended with 1\n[^]*ValueError: planted/);
});

test.run();
