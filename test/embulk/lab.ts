import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { parseDocument } from '../../src/core/config/index.js';
import { findSign, makeNativeDocument } from '../../src/embulk/index.js';
import { Desk } from '../cli/desk.js';

/** A desk with these files; those that end in `.gz` or `.bz2` are compressed. */
export function deskWith(files: Readonly<Record<string, string>>): Desk {
  const desk = new Desk();
  for (const [name, text] of Object.entries(files)) desk.write(name, pack(name, text));
  return desk;
}

function pack(name: string, text: string): string | Uint8Array {
  if (name.endsWith('.gz')) return gzipSync(text);
  return name.endsWith('.bz2') ? execFileSync('bzip2', ['-c'], { input: text }) : text;
}

/** Files below a folder, unpacked, without those that tell of runs. */
export function readFolder(folder: string): Record<string, string> {
  if (!existsSync(folder)) return {};
  const names = (readdirSync(folder, { recursive: true }) as string[]).filter((name) => /\.(csv|tsv)/.test(name)).sort();
  return Object.fromEntries(names.map((name) => [name, unpack(join(folder, name))]));
}

function unpack(path: string): string {
  const bytes = readFileSync(path);
  if (path.endsWith('.gz')) return gunzipSync(bytes).toString();
  return path.endsWith('.bz2') ? execFileSync('bzip2', ['-dc'], { input: bytes }).toString() : bytes.toString();
}

/** The native value of a config of Embulk. */
export async function nativeValue(config: string, options = { incremental: false, defaults: true }): Promise<unknown> {
  const document = await parseDocument(config, 'embulk.yml', { env: {} });
  return makeNativeDocument(document, options).document.value;
}

export async function signOf(config: string): Promise<string | undefined> {
  return findSign((await parseDocument(config, 'embulk.yml', { env: {} })).value);
}
