import type { ErrorPlace, JsonObject, Secret } from '../spi/index.js';
import type { ConfigPath } from './config-path.js';
import { makeProblem } from './problem.js';

export const NOTIFY_EVENTS = ['failure', 'recovery', 'rejects', 'sla_missed', 'sla_met'] as const;
export type NotifyEvent = (typeof NOTIFY_EVENTS)[number];

/** Somebody who is told of failures. */
export type NotifyTarget = WebTarget | MailTarget;

interface TargetRules {
  readonly on: readonly NotifyEvent[];
  /** Whether schedules that name nobody, and jobs without a schedule, tell it too. */
  readonly everything: boolean;
}

export interface WebTarget extends TargetRules {
  readonly type: 'webhook' | 'slack';
  readonly url: string | Secret;
}

export interface MailTarget extends TargetRules {
  readonly type: 'email';
  /** A URL, or what it would say. */
  readonly server: { readonly url: string | Secret } | MailServer;
  readonly password: string | Secret | undefined;
  /** PEM file, from the project root. */
  readonly tlsCa: string | undefined;
  readonly from: string;
  readonly to: readonly string[];
  /** Undefined: the name of the project in brackets. */
  readonly subjectPrefix: string | undefined;
}

export type MailTls = 'starttls' | 'implicit' | 'none';

export interface MailServer {
  readonly host: string;
  readonly port: number | undefined;
  /** Undefined: as the port and the host suggest; never plain to another machine. */
  readonly tls: MailTls | undefined;
  readonly user: string | undefined;
}

/** `name@host`, or `Name <name@host>`; no line break and no second address can hide in it. */
const ADDRESS =
  '^(?:[^<>@,;"\\u0000-\\u001f\\u007f]*<[^<>@,;"\\s\\u0000-\\u001f\\u007f]+@[^<>@,;"\\s]+>|[^<>@,;"\\s\\u0000-\\u001f\\u007f]+@[^<>@,;"\\s]+)$';
const MAIL_KEYS = ['host', 'port', 'tls', 'user', 'password', 'tls_ca', 'from', 'to', 'subject_prefix'] as const;
/** Keys that say what a URL says. */
const URL_KEYS = ['host', 'port', 'tls', 'user'] as const;

const address = (description: string) =>
  ({ type: 'string', pattern: ADDRESS, 'x-expected': 'an address such as ops@example.com', description }) as const;

export const NOTIFY_SCHEMA = {
  type: 'object',
  default: {},
  propertyNames: { pattern: '^[A-Za-z0-9_-]{1,64}$' },
  additionalProperties: {
    type: 'object',
    additionalProperties: false,
    required: ['type'],
    properties: {
      type: { enum: ['webhook', 'slack', 'email'], description: 'JSON of Sluice, that of Slack’s incoming webhooks, or e-mail by SMTP.' },
      url: {
        type: 'string',
        minLength: 1,
        'x-secret': true,
        description: 'webhook, slack: an https URL, or http to this machine. email: smtps://user@host:465 or smtp://user@host:587 instead of host.',
      },
      host: { type: 'string', minLength: 1, pattern: '^[A-Za-z0-9.:-]+$', description: 'email: the mail server.' },
      port: { type: 'integer', minimum: 1, maximum: 65535, description: 'email: its port. Default: 587, with `tls: implicit` 465, with `none` 25.' },
      tls: {
        enum: ['starttls', 'implicit', 'none'],
        description:
          'email: `starttls` (default; must be offered), `implicit` (default for port 465), or `none` (default for this machine alone; elsewhere passwords and messages are readable on the way). Certificates are verified.',
      },
      user: { type: 'string', minLength: 1, description: 'email: who logs in.' },
      password: { type: 'string', 'x-secret': true, description: 'email: the password of user, best as `{env: NAME}` or `{file: PATH}`.' },
      tls_ca: {
        type: 'string',
        minLength: 1,
        description: 'email: PEM file of the authorities to trust instead of the system’s, from the project root.',
      },
      from: address('email: the sender, such as sluice@example.com or Sluice <sluice@example.com>.'),
      to: {
        anyOf: [address('The receiver.'), { type: 'array', minItems: 1, maxItems: 50, uniqueItems: true, items: address('A receiver.') }],
        'x-expected': 'an address, or a list of them',
        description: 'email: the receivers.',
      },
      subject_prefix: {
        type: 'string',
        maxLength: 100,
        pattern: '^[^\\u0000-\\u001f\\u007f]*$',
        description: 'email: how subjects start. Default: the name of the project in brackets.',
      },
      on: {
        type: 'array',
        minItems: 1,
        uniqueItems: true,
        items: { enum: NOTIFY_EVENTS },
        default: [...NOTIFY_EVENTS],
        description: 'What it is told of.',
      },
      everything: {
        type: 'boolean',
        default: true,
        description: 'Also jobs whose schedule has no notify of its own. false: only schedules that name it.',
      },
    },
  },
  description: 'Who is told when a job fails, works again, rejects more records than allowed, or misses its sla; by name.',
} as const;

type Locate = (path: ConfigPath, part?: 'key' | 'value') => ErrorPlace;

/** Errors: ConfigError for keys that are missing or do not go together. */
export function readNotify(config: JsonObject, locate: Locate): { readonly [name: string]: NotifyTarget } {
  return Object.fromEntries(
    Object.entries(config).map(([name, target]) => [name, readTarget(target as unknown as GivenTarget, ['serve', 'notify', name], locate)]),
  );
}

type GivenTarget = TargetRules & {
  readonly type: NotifyTarget['type'];
  readonly url?: string | Secret;
  readonly host?: string;
  readonly port?: number;
  readonly tls?: MailTls;
  readonly user?: string;
  readonly password?: string | Secret;
  readonly tls_ca?: string;
  readonly from?: string;
  readonly to?: string | readonly string[];
  readonly subject_prefix?: string;
};

function readTarget(given: GivenTarget, path: ConfigPath, locate: Locate): NotifyTarget {
  const { type, url, host, on, everything, from, to } = given;
  const missing = (key: string, hint: string): never => {
    throw makeProblem({ code: 'CONFIG_MISSING_KEY', text: `expected the key "${key}"`, where: locate(path), hint });
  };
  const odd = (key: string, text: string, hint: string): never => {
    throw makeProblem({ code: 'CONFIG_VALUE', text: `the key "${key}" ${text}`, where: locate([...path, key], 'key'), hint });
  };
  if (type !== 'email') {
    const strange = MAIL_KEYS.find((key) => given[key] !== undefined);
    if (strange !== undefined) odd(strange, `does not go together with type: ${type}`, 'it belongs to type: email');
    return { type, url: url ?? missing('url', 'where messages are sent, best as {env: NAME}'), on, everything };
  }
  const twice = url === undefined ? undefined : URL_KEYS.find((key) => given[key] !== undefined);
  if (twice !== undefined) odd(twice, 'does not go together with "url"', 'the URL says it: smtps://user@host:465 or smtp://user@host:587');
  return {
    type,
    server:
      url === undefined
        ? {
            host: host ?? missing('host', 'the mail server, or a url such as smtp://user@mail.example.com:587'),
            port: given.port,
            tls: given.tls,
            user: given.user,
          }
        : { url },
    password: given.password,
    tlsCa: given.tls_ca,
    from: from ?? missing('from', 'the sender, such as sluice@example.com'),
    to: [to ?? missing('to', 'the receivers, such as [ops@example.com]')].flat(),
    subjectPrefix: given.subject_prefix,
    on,
    everything,
  };
}
