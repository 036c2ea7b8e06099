import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { isRoot, makeTempFolder } from './folders.js';
import { launchOnFreePort, launchServer, ServerLifetime } from './processes.js';

const SSHD = '/usr/sbin/sshd';

export interface SftpServer {
  readonly host: string;
  readonly port: number;
  /** The user who runs the tests. */
  readonly user: string;
  /** Text of the private key that may log in. */
  readonly privateKey: string;
  /** Path of a known_hosts file with the server's key. */
  readonly knownHosts: string;
  /** `SHA256:…` of the server's key. */
  readonly fingerprint: string;
  /** The login folder, as a local path. */
  readonly folder: string;
  stop(): Promise<void>;
}

/** Starts an OpenSSH server that offers nothing but SFTP, with key login, on a random free port; it ends with this process at the latest. */
export async function startSftp(): Promise<SftpServer> {
  if (!existsSync(SSHD)) throw new Error(`${SSHD} is missing: run scripts/setup-tests.sh`);
  const folder = await makeTempFolder('sluice-sftp-');
  const lifetime = new ServerLifetime(folder, 'SIGTERM');
  const at = (name: string): string => join(folder, name);
  try {
    mkdirSync(at('root'));
    if (isRoot()) mkdirSync('/run/sshd', { recursive: true });
    for (const name of ['host_key', 'client_key']) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at(name)]);
    copyFileSync(at('client_key.pub'), at('authorized_keys'));
    const logFile = at('log');
    const isOpen = (port: number): Promise<boolean> =>
      new Promise((resolve) => {
        const socket = connect(port, '127.0.0.1');
        socket.once('connect', () => (socket.destroy(), resolve(true)));
        socket.once('error', () => resolve(false));
      });
    const { child, port } = await launchOnFreePort(
      (candidate) => {
        writeFileSync(at('sshd_config'), configOf(folder, candidate));
        return launchServer({
          name: 'sshd',
          command: { file: SSHD, args: ['-D', '-e', '-f', at('sshd_config')] },
          logFile,
          endSignal: 'SIGTERM',
          isReady: () => isOpen(candidate),
        });
      },
      () => readFileSync(logFile, 'utf8').includes('Address already in use'),
    );
    lifetime.child = child;
    const [type = '', key = ''] = readFileSync(at('host_key.pub'), 'utf8').split(' ');
    writeFileSync(at('known_hosts'), `[127.0.0.1]:${port} ${type} ${key}\n`);
    const listed = execFileSync('ssh-keygen', ['-lf', at('host_key.pub')], { encoding: 'utf8' });
    return {
      host: '127.0.0.1',
      port,
      user: userInfo().username,
      privateKey: readFileSync(at('client_key'), 'utf8'),
      knownHosts: at('known_hosts'),
      fingerprint: /SHA256:\S+/.exec(listed)?.[0] ?? '',
      folder: at('root'),
      stop: () => lifetime.stop(),
    };
  } catch (error) {
    await lifetime.stop();
    throw error;
  }
}

function configOf(folder: string, port: number): string {
  return [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${folder}/host_key`,
    `PidFile ${folder}/pid`,
    `AuthorizedKeysFile ${folder}/authorized_keys`,
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    `Subsystem sftp internal-sftp -d ${folder}/root`,
    '',
  ].join('\n');
}
