import type { Secret } from '../../../core/spi/index.js';
import type { HttpProxy } from './proxy-agent.js';

/** The keys of {@link S3_CONNECTION_PROPERTIES}, validated. */
export interface S3Connection {
  readonly bucket: string;
  readonly region?: string;
  readonly endpoint?: string;
  readonly path_style?: boolean;
  readonly auth_method?: AuthMethod;
  readonly access_key_id?: string | Secret;
  readonly secret_access_key?: string | Secret;
  readonly session_token?: string | Secret;
  readonly profile_name?: string;
  readonly profile_file?: string;
  readonly role_arn?: string;
  readonly web_identity_token_file?: string;
  readonly http_proxy?: HttpProxy;
  readonly maximum_retries?: number;
  readonly initial_retry_interval_millis?: number;
  readonly maximum_retry_interval_millis?: number;
}

export type AuthMethod = 'default' | 'basic' | 'session' | 'env' | 'profile' | 'properties' | 'instance' | 'web_identity' | 'anonymous';
