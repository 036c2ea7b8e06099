export interface ErrorMeaning {
  readonly means: string;
  readonly todo: string;
}

/** What codes mean to a user, where the message in the source does not say it by itself. */
export const ERROR_MEANINGS: { readonly [code: string]: ErrorMeaning } = {
  CHECK_FAILED: {
    means: 'A check of the pipeline found rows that it does not allow; the message shows up to five.',
    todo: 'Mend the data or the check and run again; nothing was committed. `severity: warn` lets it pass with a note.',
  },
  CHECKS_WITHOUT_ROWS: {
    means: 'Checks of the load were added to the config after the run was held, and its output cannot give the rows again.',
    todo: 'Discard the run and run again, or take the new checks out until it is committed.',
  },
  COLUMN_FORMAT: {
    means: 'A format, zone or date of a column that no text could be read with, or one that its type does not take.',
    todo: 'Mend it where the message says; docs/reference/types.md lists the directives.',
  },
  CONFIG_MISSING_KEY: { means: 'A required key is missing.', todo: 'Add it; the hint says what it holds.' },
  CONFIG_SYNTAX: { means: 'The file is not valid YAML, or uses YAML that configs do not allow.', todo: 'Mend the place that is named.' },
  CONFIG_UNKNOWN_KEY: { means: 'No plugin or section knows this key.', todo: 'Take the suggestion, or see the known keys in the hint.' },
  CONFIG_VALUE: { means: 'A value is outside what the key allows.', todo: 'Choose one of the values that are named.' },
  CONFIG_WRONG_TYPE: {
    means: 'A value is of another kind than the key expects, such as text for a number.',
    todo: 'Remove or add quotes, or write a list or mapping.',
  },
  DECODE_FAILED: { means: 'A compressed file is damaged or cut short.', todo: 'Check the file, and load it again from where it came.' },
  DISK_FULL: { means: 'A disk is full.', todo: 'Free space, or point exec.temp_dir at a larger disk.' },
  EMBULK_PLUGIN: { means: 'A plugin of Embulk has no counterpart here.', todo: 'The hint names what to use instead.' },
  EMBULK_OPTION: {
    means: 'A config of Embulk uses an option or value that has no counterpart here.',
    todo: 'Change what is named; the hint says to what.',
  },
  ENGINE_FAILED: { means: 'DuckDB stopped with an error that Sluice does not know.', todo: 'See the reason in the message.' },
  ENGINE_IO: { means: 'DuckDB could not read or write a file.', todo: 'Check that the file exists, its permissions and the free space of the disk.' },
  EXPIRE_DAYS: {
    means: 'The retention of a table cannot be applied: no usable number of days, or no time column.',
    todo: 'Set expire_days and time_column in the pipeline that loads the table, and run it.',
  },
  FILE_NAME: { means: 'A path holds a character that no path can hold.', todo: 'Take it out.' },
  FILE_SPECIAL: { means: 'A folder, device or pipe stands where a file is to be written.', todo: 'Name a file.' },
  FILE_SYSTEM: { means: 'The operating system refused a file operation.', todo: 'See the reason in the message.' },
  GA_DATES: { means: 'The days to read contradict one another, or are none.', todo: 'Correct the key that is named.' },
  GA_REQUEST: {
    means: 'The report is not one that the API takes: a name twice, a filter or order of the wrong shape.',
    todo: 'Correct the key that is named.',
  },
  GA_UNKNOWN_NAME: {
    means: 'The property has no dimension or metric of this name.',
    todo: 'Take the suggestion; names are as in the API, custom ones with their prefix.',
  },
  GOOGLE_ACCESS_DENIED: {
    means: 'These credentials may not read this, or it does not exist (Google says the same of both).',
    todo: 'Check what is named, grant access, and enable the API in the Cloud project.',
  },
  GOOGLE_NOT_FOUND: { means: 'Google does not know what is asked for.', todo: 'Check the number or name in the config.' },
  GOOGLE_QUOTA: { means: 'A quota of Google is used up for now.', todo: 'Run again later: what was finished is kept.' },
  GOOGLE_REQUEST: { means: 'Google refused the request as it is, with the reason in the message.', todo: 'Change what it names.' },
  GOOGLE_TIMEOUT: { means: 'Google did not answer within the time limit.', todo: 'Check the network; run again.' },
  GOOGLE_TOKEN_REFUSED: {
    means: 'The key or refresh token was not accepted.',
    todo: "Check that it was not deleted or revoked, and this machine's clock.",
  },
  GOOGLE_UNAUTHENTICATED: { means: 'Google refused the access token, also a fresh one.', todo: 'Check the credentials and what they may do.' },
  GOOGLE_UNAVAILABLE: { means: 'Google failed on its side, also after repeats.', todo: 'Run again later: what was finished is kept.' },
  GOOGLE_UNREACHABLE: { means: 'The connection to Google failed.', todo: 'Check the network, and a proxy or firewall in between.' },
  HOOK_TRANSACTION: { means: 'SQL of `before_load` ended the transaction of the load.', todo: 'Take COMMIT, ROLLBACK and BEGIN out of it.' },
  HTTP_BUSY: {
    means: 'The server asked to come back later, or failed on its side, also after repeats.',
    todo: 'Set requests_per_second to ask less often; run again.',
  },
  HTTP_CERTIFICATE: {
    means: 'The certificate of an HTTPS server could not be verified.',
    todo: 'Make the certificate authority known with NODE_EXTRA_CA_CERTS.',
  },
  HTTP_DENIED: { means: 'The server answered 401 or 403.', todo: 'Check auth, and what these credentials may read.' },
  HTTP_STATUS: { means: 'The server answered with a status that is no success; its text is in the message.', todo: 'Check url, params and body.' },
  HTTP_UNREACHABLE: { means: 'The connection to an HTTP server failed or broke.', todo: 'Check the address and the network; run again.' },
  HTTP_WINDOWS: { means: 'The windows of time of an http input contradict one another, or are too many.', todo: 'Correct the key that is named.' },
  JOB_SUPERSEDED: {
    means: 'The next time of the schedule came before the job had ended, and `overlap: cancel_previous` ends it then.',
    todo: 'Nothing, when only the newest time matters; otherwise `overlap: queue` or `skip`, or a wider `cron`.',
  },
  JOB_TIMEOUT: {
    means: 'A job took longer than the `timeout_secs` of its schedule and was stopped.',
    todo: 'See its log for what took the time; raise `timeout_secs`.',
  },
  METASTORE_BUSY: { means: 'Other writers held the metastore for too long.', todo: 'Run again; for many writers use a PostgreSQL metastore.' },
  METASTORE_CORRUPT: {
    means: 'The metastore file is damaged, or no SQLite database.',
    todo: 'Restore it from a backup; table data in the storage is not affected.',
  },
  METASTORE_DATABASE: { means: 'The database of the metastore does not exist.', todo: 'Create it, or name another one.' },
  METASTORE_DENIED: {
    means: 'The user may not do this in the metastore.',
    todo: 'Grant CREATE on the schema and all rights on the sluice_* and iceberg_* tables.',
  },
  METASTORE_FAILED: { means: 'The metastore answered with an error that Sluice does not know.', todo: 'See the message, and the log of the server.' },
  METASTORE_LOGIN: { means: 'The metastore refused user or password.', todo: 'Check both in sluice.yml.' },
  METASTORE_TLS: { means: "The metastore's certificate could not be verified.", todo: 'Name the certificate authority with sslrootcert=FILE.' },
  NOTIFY_CERTIFICATE: {
    means: 'The certificate of a mail server cannot be trusted.',
    todo: 'Name the server as its certificate does, and its authority with `tls_ca`.',
  },
  NOTIFY_REFUSED: {
    means: 'A mail server refused the login, the message, or one of its receivers; the number is its answer.',
    todo: 'Check user, password, from and to. Answers 4xx are tried again by themselves.',
  },
  NOT_READY: {
    means: 'This process of the server takes no requests at the moment: it is starting, or ending.',
    todo: 'Send requests to another process, or wait.',
  },
  OUT_OF_MEMORY: { means: 'The work does not fit into exec.memory_limit.', todo: 'Raise the limit, or lower exec.max_threads.' },
  RANDOM_COLUMN: {
    means: 'A column of the input random has bounds or values that its type does not have.',
    todo: 'Correct the column; see the page of the input.',
  },
  RESULT_URL: { means: 'A target of `sluice export` cannot be understood.', todo: 'Take one of the forms in the hint.' },
  S3_FAILED: {
    means: 'The object store answered with an error that Sluice does not know.',
    todo: 'Look its code up in the documentation of the service.',
  },
  SCHEDULE_OVERLAP: {
    means: 'The overlap of a schedule does not go together with what it runs, or with its catch_up.',
    todo: 'Take the overlap or catch_up that the hint names.',
  },
  SFTP: {
    means: 'The SSH server did not do what it was asked to, or the connection broke.',
    todo: 'See the reason in the message; check host, port and the permissions of the folder.',
  },
  RUN_ENDED: {
    means: 'The run is committed, undone or discarded, so there is nothing to commit or discard.',
    todo: '`sluice undo RUN` takes a committed run back out of the tables of the warehouse; `sluice runs` shows the state of all runs.',
  },
  RUN_NOT_HELD: {
    means: 'Only a run that `--hold` stopped before its commit can be committed, or looked into with `--run`.',
    todo: 'Run its pipeline again, which goes on with what is finished; rows of a committed run are in the table.',
  },
  SPOOL_MISREAD: { means: 'A temporary file gave other records than were written to it.', todo: 'Report it, with the file.' },
  SQL_BUSY: {
    means: 'Locks of other sessions, or a server that starts or stops, were in the way of a statement, also after repeats.',
    todo: 'Run again.',
  },
  SQL_DATABASE: { means: 'The database that the config names does not exist.', todo: 'Check its name, or create it.' },
  SQL_DENIED: { means: 'The database user may not do this.', todo: 'Grant the right that the message names.' },
  SQL_INCREMENTAL: { means: 'The keys of incremental reading contradict one another or the table.', todo: 'Correct the key that is named.' },
  SQL_LOGIN: { means: 'The database server refused user or password.', todo: 'Check both, and that the server lets this user in from here.' },
  SQL_SERVER_FULL: { means: 'The disk of the database server is full.', todo: 'Free space there, and run again.' },
  SQL_STATEMENT: {
    means: 'The database server does not understand a statement, or a table or column in it does not exist.',
    todo: 'Check the table, the columns and the SQL of the config.',
  },
  SQL_TIMEOUT: {
    means: 'A statement or connection took longer than a time limit allows.',
    todo: 'Raise the limit of the config or of the server, or read less at a time.',
  },
  SQL_UNREACHABLE: {
    means: 'The connection to a database server failed or broke.',
    todo: 'Check that it runs, and host, port and firewall; run again.',
  },
  TABLE_UNKNOWN: {
    means: 'The query of a `sql` filter names a table that is not there, or one whose namespace DuckDB has itself.',
    todo: '`input` holds the rows of the run, `namespace.table` those of the warehouse; `sluice tables` lists them, `sluice rename` gives one another namespace.',
  },
  TARGET_TYPES: {
    means: "Columns of the load cannot be written to the columns of the target's table without changing values.",
    todo: 'Convert them with a filter, change the table, or write another one.',
  },
  TEMPLATE_ERROR: { means: 'The Liquid template cannot be parsed or rendered.', todo: 'Mend the place that is named.' },
  TEMPLATE_VARIABLE: { means: 'A template names a variable that does not exist.', todo: 'Set it, or give a default.' },
  TOO_MANY_REQUESTS: {
    means: 'The HTTP API gets more requests than it takes from one key or address.',
    todo: 'Wait the seconds that the answer names (`retry-after`).',
  },
  UNEXPECTED: { means: 'Something failed that has no code of its own.', todo: 'Report it, with the message.' },
  UNKNOWN_PLUGIN: { means: 'No plugin has this type.', todo: 'Take the suggestion, or list the plugin in sluice.yml.' },
};
