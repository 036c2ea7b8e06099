import type { JsonValue } from '../../core/spi/index.js';
import { asMapping } from '../mapping.js';
import { asFlag, ignored, mapped, number, sign, text, type OptionRule } from '../option-table.js';
import type { Section } from '../section.js';

/** Native keys of connections that a user may add. */
export const sqlAdditions: readonly string[] = ['tls', 'tls_ca', 'tls_cert', 'tls_key'];

/** Keys that the inputs and outputs of databases share, but `options`. */
export const connectionOptions: readonly OptionRule[] = [
  sign(ignored('driver_path', 'no JDBC driver is needed')),
  text('host'),
  number('port'),
  text('user'),
  text('password'),
  text('database'),
  number('connect_timeout'),
  number('socket_timeout'),
  mapped('ssl', '`tls`: `enable` and `true` are `require`, `verify` is `verify-full`; see [connections](../embulk.md#connections).', () => {}),
];

const MODES: Readonly<Record<string, string>> = { true: 'require', enable: 'require', verify: 'verify-full' };

/**
 * `ssl` of Embulk: off unless asked for. Plain connections stay plain on this machine; elsewhere the connection itself
 * refuses them, naming `tls: disable`.
 */
export function completeConnection(section: Section, defaults: boolean): void {
  const { ssl, tls, host } = section.given;
  if (tls !== undefined) {
    if (ssl !== undefined) section.ignore('ssl', 'tls says it');
    return;
  }
  const mode = ssl === undefined ? undefined : MODES[String(ssl)];
  if (mode !== undefined)
    section.map('tls', mode, 'ssl', mode === 'require' ? 'encrypted; as in Embulk, the server is not verified' : 'encrypted and verified');
  else if (ssl !== undefined && asFlag(ssl) !== false && ssl !== 'disable') section.set('ssl', ssl);
  else if (defaults && !isThisMachine(host))
    section.add('ssl', 'disable', 'Embulk connects without encryption, which needs tls: disable here', ssl === undefined ? 'host' : 'ssl');
}

function isThisMachine(host: JsonValue | undefined): boolean {
  return host === undefined || (typeof host === 'string' && (host.startsWith('/') || ['localhost', '127.0.0.1', '::1'].includes(host)));
}

/** JDBC's properties that say something about the connection itself. */
export function mysqlOptions(where: 'input' | 'output'): OptionRule {
  return mapped(
    'options',
    `JDBC’s: \`useCompression\` is \`compress\`${where === 'input' ? ', `zeroDateTimeBehavior: convertToNull` is `zero_dates: null`' : ''}; names in lower case are settings of the session; all others have no effect.`,
    (section, value) => {
      const kept: { [name: string]: JsonValue } = {};
      for (const [name, setting] of Object.entries(asMapping(value) ?? {})) {
        if (name === 'useCompression' && String(setting) === 'true') section.map('compress', true, 'options', 'useCompression of JDBC');
        else if (where === 'input' && name === 'zeroDateTimeBehavior' && /convert_?to_?null/i.test(String(setting)))
          section.map('zero_dates', 'null', 'options', 'zeroDateTimeBehavior of JDBC');
        else if (/ssl|tls|certificate|keystore/i.test(name))
          section.refuse('options', `${name} of JDBC has no counterpart`, 'use tls, tls_ca, tls_cert and tls_key');
        else if (/^[a-z][a-z0-9_]*$/.test(name)) kept[name] = setting;
        else section.ignore('options', `${name} is a setting of JDBC`);
      }
      if (Object.keys(kept).length > 0) section.set('options', kept);
    },
  );
}

export const postgresqlOptions: OptionRule = mapped(
  'options',
  'JDBC’s: `currentSchema` and `ApplicationName` are settings of the session; all others but those of TLS have no effect.',
  (section, value) => {
    const kept: { [name: string]: JsonValue } = {};
    for (const [name, setting] of Object.entries(asMapping(value) ?? {})) {
      if (name === 'currentSchema') kept['search_path'] = setting;
      else if (name === 'ApplicationName') kept['application_name'] = setting;
      else if (/ssl/i.test(name)) section.refuse('options', `${name} of JDBC has no counterpart`, 'use tls, tls_ca, tls_cert and tls_key');
      else section.ignore('options', `${name} is a setting of JDBC`);
    }
    if (Object.keys(kept).length > 0) section.map('options', { ...asMapping(section.out['options']), ...kept }, 'options', 'settings of the session');
  },
);
