import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import type { S3ClientConfig } from '@aws-sdk/client-s3';
import { ConfigError, fileSystemError, revealSecret, type Secret } from '../../../core/spi/index.js';
import type { S3Connection } from './connection.js';

type Providers = typeof import('@aws-sdk/credential-providers');
type Credentials = Pick<S3ClientConfig, 'credentials' | 'signer'>;

/** How requests are signed, by `auth_method`. Errors: ConfigError S3_AUTH_CONFIG for missing keys. */
export async function chooseCredentials(config: S3Connection, root: string): Promise<Credentials> {
  const chosen = await ownCredentials(config, root);
  const method = methodOf(config);
  if (config.role_arn === undefined || method === 'web_identity' || method === 'anonymous') return chosen;
  const params = { RoleArn: config.role_arn, RoleSessionName: 'sluice' };
  const masterCredentials = chosen.credentials as Exclude<Parameters<Providers['fromTemporaryCredentials']>[0]['masterCredentials'], undefined>;
  return { credentials: loadProviders().fromTemporaryCredentials({ params, ...(chosen.credentials === undefined ? {} : { masterCredentials }) }) };
}

function methodOf(config: S3Connection): NonNullable<S3Connection['auth_method']> {
  if (config.auth_method !== undefined) return config.auth_method;
  if (config.access_key_id === undefined) return 'default';
  return config.session_token === undefined ? 'basic' : 'session';
}

async function ownCredentials(config: S3Connection, root: string): Promise<Credentials> {
  const method = methodOf(config);
  const file = config.profile_file === undefined ? undefined : resolve(root, config.profile_file);
  switch (method) {
    case 'default':
      return {};
    case 'basic':
    case 'session': {
      const accessKeyId = await reveal(config.access_key_id, method, 'access_key_id');
      const secretAccessKey = await reveal(config.secret_access_key, method, 'secret_access_key');
      if (method === 'basic') return { credentials: { accessKeyId, secretAccessKey } };
      return { credentials: { accessKeyId, secretAccessKey, sessionToken: await reveal(config.session_token, method, 'session_token') } };
    }
    case 'env':
      return { credentials: loadProviders().fromEnv() };
    case 'profile':
      return {
        credentials: loadProviders().fromIni({
          ...(config.profile_name === undefined ? {} : { profile: config.profile_name }),
          ...(file === undefined ? {} : { filepath: file }),
        }),
      };
    case 'properties':
      return { credentials: await readProperties(file ?? missing(method, 'profile_file')) };
    case 'instance': {
      const providers = loadProviders();
      const container = process.env['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'] ?? process.env['AWS_CONTAINER_CREDENTIALS_FULL_URI'];
      return { credentials: container === undefined ? providers.fromInstanceMetadata() : providers.fromHttp() };
    }
    case 'web_identity':
      return {
        credentials: loadProviders().fromTokenFile({
          ...(config.role_arn === undefined ? {} : { roleArn: config.role_arn }),
          ...(config.web_identity_token_file === undefined ? {} : { webIdentityTokenFile: resolve(root, config.web_identity_token_file) }),
        }),
      };
    case 'anonymous':
      // Without a signature the service decides what everybody may read.
      return { credentials: { accessKeyId: '', secretAccessKey: '' }, signer: { sign: (request) => Promise.resolve(request) } };
  }
}

function loadProviders(): Providers {
  return createRequire(import.meta.url)('@aws-sdk/credential-providers') as Providers;
}

function missing(method: string, key: string): never {
  throw new ConfigError({
    code: 'S3_AUTH_CONFIG',
    message: `auth_method: ${method} needs ${key}, which is missing`,
    hint: `give ${key}, or choose another auth_method`,
  });
}

async function reveal(value: string | Secret | undefined, method: string, key: string): Promise<string> {
  return value === undefined ? missing(method, key) : revealSecret(value);
}

/** The Java SDK's file: lines `accessKey = …` and `secretKey = …`. */
async function readProperties(file: string): Promise<{ accessKeyId: string; secretAccessKey: string }> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw fileSystemError(error, `reading ${file}`);
  }
  const values = new Map(
    [...text.matchAll(/^[ \t]*([A-Za-z.]+)[ \t]*[=:][ \t]*(\S+)[ \t]*$/gm)].map(([, key = '', value = '']) => [key, value] as const),
  );
  const accessKeyId = values.get('accessKey');
  const secretAccessKey = values.get('secretKey');
  if (accessKeyId !== undefined && secretAccessKey !== undefined) return { accessKeyId, secretAccessKey };
  throw new ConfigError({
    code: 'S3_AUTH_CONFIG',
    message: `${file}: expected the lines accessKey = … and secretKey = …`,
    hint: 'this is the form of auth_method: properties; files of the AWS command line are read with auth_method: profile',
  });
}
