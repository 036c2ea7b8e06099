import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ensureTemplate } from './folders.js';

const run = promisify(execFile);

/** PEM files. The certificate is for `localhost` and 127.0.0.1, and for no other name or address. */
export interface TestCertificates {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  /** A certificate authority that signed nothing here. */
  readonly strangerCaFile: string;
}

// RSA: MySQL 8.0.15 fails its handshake with an EC key.
const newKey = ['-newkey', 'rsa:2048', '-nodes'];
const days = ['-days', '3650'];
const extensions = 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n';

/** The certificates of all test servers, made once. */
export async function testCertificates(): Promise<TestCertificates> {
  const key = createHash('sha256')
    .update(JSON.stringify([newKey, days, extensions]))
    .digest('hex')
    .slice(0, 12);
  const folder = await ensureTemplate(`tls-${key}`, 'sluice-tls-', makeCertificates);
  return {
    caFile: join(folder, 'ca.crt'),
    certFile: join(folder, 'server.crt'),
    keyFile: join(folder, 'server.key'),
    strangerCaFile: join(folder, 'stranger.crt'),
  };
}

async function makeCertificates(folder: string): Promise<void> {
  const openssl = (...args: string[]) => run('openssl', args, { cwd: folder });
  for (const name of ['ca', 'stranger']) {
    const subject = ['-subj', `/CN=Sluice test ${name}`, '-addext', 'basicConstraints=critical,CA:TRUE'];
    await openssl('req', '-x509', ...newKey, ...days, ...subject, '-keyout', `${name}.key`, '-out', `${name}.crt`);
  }
  await openssl('req', ...newKey, '-subj', '/CN=localhost', '-keyout', 'server.key', '-out', 'server.csr');
  await writeFile(join(folder, 'extensions'), extensions);
  const signing = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'extensions'];
  await openssl('x509', '-req', '-in', 'server.csr', ...signing, ...days, '-out', 'server.crt');
  for (const name of ['ca.key', 'stranger.key', 'ca.srl', 'server.csr', 'extensions']) await rm(join(folder, name), { force: true });
  // Servers want it to be theirs alone.
  await chmod(join(folder, 'server.key'), 0o600);
}
