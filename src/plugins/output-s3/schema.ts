import type { ConfigSchema } from '../../core/spi/index.js';
import { S3_CONNECTION_PROPERTIES } from '../shared/aws/connection-schema.js';
import { objectOutputProperties } from '../shared/object-output/index.js';

export const s3OutputSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['type', 'bucket'],
  oneOf: [{ required: ['path_prefix'] }, { required: ['path'] }],
  properties: {
    type: { const: 's3', description: 'Objects of Amazon S3 or a compatible service.' },
    ...S3_CONNECTION_PROPERTIES,
    ...objectOutputProperties,
    canned_acl: {
      enum: ['private', 'public-read', 'public-read-write', 'authenticated-read', 'aws-exec-read', 'bucket-owner-read', 'bucket-owner-full-control'],
      description: 'Who may do what with the objects. Default: what the bucket says.',
    },
    storage_class: {
      type: 'string',
      minLength: 1,
      'x-advanced': true,
      description: 'Storage class, e.g. `STANDARD_IA`. Default: what the bucket says.',
    },
    server_side_encryption: {
      enum: ['AES256', 'aws:kms', 'aws:kms:dsse'],
      'x-advanced': true,
      description: 'How the service encrypts the objects. Default: what the bucket says.',
    },
    tmp_path: { type: 'string', 'x-advanced': true, description: "Accepted for Embulk's configs: files are staged in exec.temp_dir." },
    tmp_path_prefix: { type: 'string', 'x-advanced': true, description: "Accepted for Embulk's configs, and has no effect." },
    kms_key_id: { type: 'string', minLength: 1, 'x-advanced': true, description: 'Key of `aws:kms`. Default: the one of the account.' },
  },
} as const satisfies ConfigSchema;
