import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { ConfigError, fileSystemError, revealSecret } from '../../../core/spi/index.js';
import type { GoogleAuthConfig } from './auth-schema.js';
import { readServiceUrl } from '../network-rules.js';

/** What tokens are made from. Holds secrets: never stored, logged or put into an error. */
export type GoogleCredentials =
  | {
      readonly kind: 'service_account';
      readonly email: string;
      readonly privateKey: string;
      readonly keyId: string | undefined;
      readonly tokenUri: URL;
    }
  | {
      readonly kind: 'refresh_token';
      readonly clientId: string;
      readonly clientSecret: string;
      readonly refreshToken: string;
      readonly tokenUri: URL;
    }
  /** Left to Google's library: workload identity, impersonation, the metadata server of Google's machines. */
  | { readonly kind: 'library'; readonly keyFile: string | undefined };

const GOOGLE_TOKEN_URI = 'https://oauth2.googleapis.com/token';

type Json = { readonly [key: string]: unknown };

/** Reads the credentials that the config names; a file is read at each call. */
export async function readCredentials(config: GoogleAuthConfig, root: string): Promise<GoogleCredentials> {
  switch (methodOf(config)) {
    case 'service_account':
      return readKeyConfig(config, root);
    case 'refresh_token':
      return {
        kind: 'refresh_token',
        clientId: need(config.client_id, 'client_id'),
        clientSecret: await revealSecret(need(config.client_secret, 'client_secret')),
        refreshToken: await revealSecret(need(config.refresh_token, 'refresh_token')),
        tokenUri: readServiceUrl(config.token_uri ?? GOOGLE_TOKEN_URI, 'in.token_uri'),
      };
    case 'application_default':
      return readApplicationDefault(config);
  }
}

function methodOf(config: GoogleAuthConfig): NonNullable<GoogleAuthConfig['auth_method']> {
  if (config.auth_method !== undefined) return config.auth_method;
  if (config.json_keyfile !== undefined && config.refresh_token !== undefined) {
    throw new ConfigError({
      code: 'GOOGLE_AUTH',
      message: 'in: expected one way to sign in, found both json_keyfile and refresh_token',
      hint: 'remove one of them, or choose with auth_method',
    });
  }
  if (config.json_keyfile !== undefined) return 'service_account';
  return config.refresh_token === undefined ? 'application_default' : 'refresh_token';
}

function need<T>(value: T | undefined, key: string): T {
  if (value !== undefined) return value;
  throw new ConfigError({
    code: 'GOOGLE_AUTH',
    message: `in.${key}: expected a value for this way to sign in, found none`,
    hint: 'a service account needs json_keyfile; a user needs client_id, client_secret and refresh_token',
  });
}

async function readKeyConfig(config: GoogleAuthConfig, root: string): Promise<GoogleCredentials> {
  const key = need(config.json_keyfile, 'json_keyfile');
  if (typeof key !== 'string')
    return serviceAccount(parseKey(await revealSecret(key.content), 'in.json_keyfile.content'), config, 'in.json_keyfile.content');
  const place = `in.json_keyfile: ${key}`;
  return serviceAccount(parseKey(await readKeyFile(resolve(root, key), place), place), config, place);
}

async function readApplicationDefault(config: GoogleAuthConfig): Promise<GoogleCredentials> {
  const named = process.env['GOOGLE_APPLICATION_CREDENTIALS'];
  const file = named ?? join(process.env['CLOUDSDK_CONFIG'] ?? join(homedir(), '.config', 'gcloud'), 'application_default_credentials.json');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    // Without a file only the metadata server is left, which the library asks.
    if (named === undefined && (error as NodeJS.ErrnoException).code === 'ENOENT') return { kind: 'library', keyFile: undefined };
    throw fileSystemError(error, `reading the application default credentials ${file}`);
  }
  const key = parseKey(text, file);
  if (key['type'] === 'service_account') return serviceAccount(key, config, file);
  if (key['type'] !== 'authorized_user') return { kind: 'library', keyFile: file };
  return {
    kind: 'refresh_token',
    clientId: textOf(key, 'client_id', file),
    clientSecret: textOf(key, 'client_secret', file),
    refreshToken: textOf(key, 'refresh_token', file),
    tokenUri: tokenUriOf(key, config, file),
  };
}

async function readKeyFile(path: string, place: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw fileSystemError(error, `${place}: reading the key file`);
  }
}

function parseKey(text: string, place: string): Json {
  let key: unknown;
  try {
    key = JSON.parse(text);
  } catch {
    // The parser's message would quote the key.
    key = undefined;
  }
  if (typeof key === 'object' && key !== null && !Array.isArray(key)) return key as Json;
  throw new ConfigError({
    code: 'GOOGLE_KEY_FILE',
    message: `${place}: expected the JSON of a key, found a text that is none`,
    hint: 'download the key of the service account as JSON; when it comes from a variable, see that its quotes and line ends are kept',
  });
}

function serviceAccount(key: Json, config: GoogleAuthConfig, place: string): GoogleCredentials {
  if (key['type'] !== 'service_account') {
    throw new ConfigError({
      code: 'GOOGLE_KEY_FILE',
      message: `${place}: expected "type": "service_account", found ${typeof key['type'] === 'string' ? JSON.stringify(key['type']) : 'no type'}`,
      hint: 'a file of another type is used through auth_method: application_default and GOOGLE_APPLICATION_CREDENTIALS',
    });
  }
  const keyId = key['private_key_id'];
  return {
    kind: 'service_account',
    email: textOf(key, 'client_email', place),
    privateKey: textOf(key, 'private_key', place),
    keyId: typeof keyId === 'string' ? keyId : undefined,
    tokenUri: tokenUriOf(key, config, place),
  };
}

function tokenUriOf(key: Json, config: GoogleAuthConfig, place: string): URL {
  if (config.token_uri !== undefined) return readServiceUrl(config.token_uri, 'in.token_uri');
  const own = key['token_uri'];
  return readServiceUrl(typeof own === 'string' ? own : GOOGLE_TOKEN_URI, `${place}: token_uri`);
}

function textOf(key: Json, name: string, place: string): string {
  const value = key[name];
  if (typeof value === 'string' && value !== '') return value;
  throw new ConfigError({
    code: 'GOOGLE_KEY_FILE',
    message: `${place}: expected the text "${name}", found none`,
    hint: 'use the JSON file as Google gave it out',
  });
}
