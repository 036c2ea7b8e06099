import { number, same, text, type OptionRule } from '../option-table.js';

/** Keys that the input and the output of S3 share. */
export const s3Options: readonly OptionRule[] = [
  text('bucket'),
  text('endpoint', 'Wins over `region`.'),
  text('region'),
  text('auth_method', 'The same names. Default `basic` with an access_key_id.'),
  text('access_key_id'),
  text('secret_access_key'),
  text('session_token'),
  text('profile_file'),
  text('profile_name'),
  same('http_proxy'),
  number('maximum_retries'),
  number('initial_retry_interval_millis', 'Default: 500 instead of 2,000.'),
  number('maximum_retry_interval_millis', 'Default: 30,000 instead of 480,000.'),
];

export const s3Additions: readonly string[] = ['path_style', 'role_arn', 'web_identity_token_file'];
