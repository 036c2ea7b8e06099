import type { FromSchema } from 'json-schema-to-ts';
import type { ConfigSchema } from '../../core/spi/index.js';

export const renameSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['type'],
  properties: {
    type: { const: 'rename', description: 'Renames columns.' },
    columns: {
      type: 'object',
      additionalProperties: { type: 'string', minLength: 1 },
      description: 'Old name to new name; applied before the rules.',
    },
    rules: {
      type: 'array',
      description: 'Rules for all columns, applied from top to bottom.',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['rule'],
        properties: {
          rule: {
            enum: [
              'lower_to_upper',
              'upper_to_lower',
              'truncate',
              'character_types',
              'first_character_types',
              'regex_replace',
              'unique_number_suffix',
            ],
            description: 'What the rule does.',
          },
          max_length: {
            type: 'integer',
            minimum: 1,
            description: 'truncate: characters kept (default 128). unique_number_suffix: longest name it may make (at least 8).',
          },
          pass_types: {
            type: 'array',
            items: { enum: ['a-z', 'A-Z', '0-9'] },
            description: 'character_types, first_character_types: kinds of characters that stay.',
          },
          pass_characters: { type: 'string', description: 'character_types, first_character_types: further characters that stay.' },
          replace: {
            type: 'string',
            description:
              'The one character put for others (character_types: default _), or the replacement of regex_replace, where $1 and ${name} stand for groups.',
          },
          prefix: { type: 'string', description: 'first_character_types: the one character put before the name instead of replacing its first one.' },
          match: {
            type: 'string',
            minLength: 1,
            description:
              'regex_replace: regular expression in the syntax of Java (without possessive quantifiers, atomic groups and POSIX classes); every match is replaced.',
          },
          delimiter: { type: 'string', description: 'unique_number_suffix: the one character before the number (default _), not a digit.' },
          digits: { type: 'integer', minimum: 1, description: 'unique_number_suffix: digits of the number, padded with zeros.' },
          offset: {
            type: 'integer',
            minimum: 0,
            description: 'unique_number_suffix: number of the first of equal names, which stays as it is (default 1).',
          },
        },
      },
    },
  },
} as const satisfies ConfigSchema;

export type RenameConfig = FromSchema<typeof renameSchema>;
