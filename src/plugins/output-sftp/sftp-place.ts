import { randomUUID } from 'node:crypto';
import { posix } from 'node:path';
import type SftpClient from 'ssh2-sftp-client';
import { BugError, RemoteError } from '../../core/spi/index.js';
import { objectExists, stagingName, type Place } from '../shared/object-output/index.js';
import { isMissingFile, sftpError, type SftpConnection } from './connect.js';

/** A folder of an SSH server. Objects are written under another name first and renamed, over an old one in one step where the server can. */
export function createSftpPlace(folder: string, config: SftpConnection, open: () => Promise<SftpClient>): Place {
  const server = `sftp://${config.user}@${config.host}:${config.port}/`;
  const base = server + folder;
  const at = (name: string): string => (folder + name === '' ? '.' : folder + name);
  const made = new Map<string, Promise<void>>();
  let client: Promise<SftpClient> | undefined;

  async function call<T>(doing: string, work: (sftp: SftpClient) => Promise<T>): Promise<T> {
    client ??= open();
    const sftp = await client;
    try {
      return await work(sftp);
    } catch (error) {
      throw sftpError(error, doing);
    }
  }

  /** Makes a folder and those above it, once. */
  function makeFolder(sftp: SftpClient, path: string): Promise<void> {
    if (path === '.' || path === '/' || path === '') return Promise.resolve();
    const known = made.get(path) ?? makeOne(sftp, path, () => makeFolder(sftp, posix.dirname(path)));
    made.set(path, known);
    return known;
  }

  const isThere = async (sftp: SftpClient, path: string): Promise<boolean> => (await sftp.exists(path)) !== false;

  return {
    base,
    identity: `sftp:${config.user}@${config.host}:${config.port}/${folder}`,

    async stage(file, ctx) {
      const path = at(stagingName(ctx.runId, file.id));
      await ctx.record([server + path]);
      return call(`writing ${server}${path}`, async (sftp) => {
        await makeFolder(sftp, posix.dirname(path));
        await sftp.fastPut(file.path, path);
        const { size } = await sftp.stat(path);
        if (size !== file.bytes)
          throw new RemoteError({
            code: 'SFTP_SIZE',
            message: `${server}${path}: ${file.bytes} bytes were written, but the server has ${size}`,
            retryable: true,
            hint: 'check the free space of the server',
          });
        return path;
      });
    },

    publish: (token, name, _ctx, options) =>
      call(`writing ${base}${name}`, async (sftp) => {
        const [from, to] = [String(token), at(name)];
        await makeFolder(sftp, posix.dirname(to));
        if (await isThere(sftp, from)) await (options?.mustBeNew === true ? renameNew(sftp, from, to, base + name) : renameOver(sftp, from, to));
        else if (!(await isThere(sftp, to)))
          throw new BugError({
            code: 'STAGED_GONE',
            message: `${base}${name}: the staged file ${from} is gone`,
            hint: 'discard the run (sluice discard) and run again; leave _sluice/ alone while a run is unfinished',
          });
      }),

    abandon: (token) => call(`deleting ${server}${String(token)}`, (sftp) => deleteFile(sftp, String(token))),
    exists: (name) => call(`looking at ${base}${name}`, (sftp) => isThere(sftp, at(name))),

    read: (name) =>
      call(`reading ${base}${name}`, async (sftp) => {
        try {
          return (await sftp.get(at(name))) as Buffer;
        } catch (error) {
          if (isMissingFile(error)) return undefined;
          throw error;
        }
      }),

    write: (name, bytes) =>
      call(`writing ${base}${name}`, async (sftp) => {
        const temporary = at(`${posix.dirname(name)}/.${randomUUID()}.tmp`);
        await makeFolder(sftp, posix.dirname(temporary));
        await sftp.put(Buffer.from(bytes), temporary);
        await renameOver(sftp, temporary, at(name));
      }),

    list: (name) =>
      call(`reading ${base}${name}`, async (sftp) => {
        if (!(await isThere(sftp, at(name)))) return [];
        return (await sftp.list(at(name))).filter((entry) => entry.type === '-' && !entry.name.startsWith('.')).map((entry) => name + entry.name);
      }),

    delete: (names) =>
      call(`deleting files of ${base}`, async (sftp) => {
        for (const name of names) await deleteFile(sftp, at(name));
      }),

    remove: (uris) =>
      call(`deleting files of ${base}`, async (sftp) => {
        for (const uri of uris) if (uri.startsWith(server)) await deleteFile(sftp, uri.slice(server.length));
      }),

    async close() {
      await (await client)?.end();
    },
  };
}

async function makeOne(sftp: SftpClient, path: string, makeParent: () => Promise<void>): Promise<void> {
  if ((await sftp.exists(path)) !== false) return;
  await makeParent();
  try {
    await sftp.mkdir(path);
  } catch (error) {
    // Another task may have been first.
    if ((await sftp.exists(path)) === false) throw error;
  }
}

/** In one step where the server knows how; else the old file is gone for a moment. */
async function renameOver(sftp: SftpClient, from: string, to: string): Promise<void> {
  try {
    await sftp.posixRename(from, to);
  } catch (error) {
    if ((await sftp.exists(from)) === false) throw error;
    await deleteFile(sftp, to);
    await sftp.rename(from, to);
  }
}

/** The protocol's own rename replaces nothing. */
async function renameNew(sftp: SftpClient, from: string, to: string, shown: string): Promise<void> {
  try {
    await sftp.rename(from, to);
  } catch (error) {
    if ((await sftp.exists(to)) === false) throw error;
    throw objectExists(shown);
  }
}

async function deleteFile(sftp: SftpClient, path: string): Promise<void> {
  await sftp.delete(path, true);
}
