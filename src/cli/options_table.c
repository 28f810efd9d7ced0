/* The one option table: the flags of the command, the keys of a Plakar source, help texts, the
 * reference page and the JSON schemas are all made of it. */
#include "cli/options_table.h"

#include "backup/backup_options.h"
#include "restore/restore_options.h"

#define BACKUP OPTION_COMMAND(COMMAND_BACKUP)
#define VERIFY OPTION_COMMAND(COMMAND_VERIFY)
#define RESTORE OPTION_COMMAND(COMMAND_RESTORE)
#define LIST OPTION_COMMAND(COMMAND_LIST)
#define PING OPTION_COMMAND(COMMAND_PING)
#define CHECK OPTION_COMMAND(COMMAND_CHECK)
#define RELOCATE OPTION_COMMAND(COMMAND_RELOCATE)
#define VERSION OPTION_COMMAND(COMMAND_VERSION)
#define PLAKAR OPTION_COMMAND(COMMAND_PLAKAR)
#define DESTINATION OPTION_COMMAND(COMMAND_PLAKAR_DESTINATION)

#define SOURCE_TEXT                                                                                \
    "SOURCE is a backup: a directory, a .tar file, or - for a tar on standard input. A tar may "   \
    "be "                                                                                          \
    "compressed by gzip, lz4 or zstd."
#define ARCHIVE_TEXT                                                                               \
    "It may also be an archive of pg_dump, or one that pgcask made, in the custom, directory or "  \
    "tar format, or an SQL script."

#define RESTORED_TEXT                                                                              \
    "What goes into a server may also be an archive of pg_dump, or one that pgcask made, in the "  \
    "custom, directory or tar format, or an SQL script of pg_dump or pg_dumpall; a custom "        \
    "archive "                                                                                     \
    "and a script are taken from standard input, too."

static const struct option_command commands[] = {
    [COMMAND_BACKUP] =
        {.name = "backup",
         .arguments = {"SOURCE-URI"},
         .summary = "Copies a server into a directory, a .tar file or standard output.",
         .description =
             "Copies a whole running cluster over the replication protocol, with the WAL that "
             "makes it consistent (postgres+bin://), or reads one database in one snapshot into an "
             "archive that pg_restore takes for its own (postgres://).\n\n"
             "SOURCE-URI is postgres[+bin]://[USER[:PASSWORD]@][HOST[:PORT]][/DATABASE]"
             "[?PARAMETER=VALUE...] with the parameters of a PostgreSQL connection URI; what it "
             "leaves out comes from "
             "the PG* environment variables, the password file and the usual defaults. For a "
             "physical backup the role needs REPLICATION, for a logical one it must be able to "
             "read every table (pg_read_all_data, and BYPASSRLS where there are policies).\n\n"
             "Everything that would make the backup fail is looked for before any work begins and "
             "reported at once. The backup is written under the name TARGET.partial and renamed "
             "when it is complete and on disk; after a failure nothing is left."},
    [COMMAND_VERIFY] =
        {.name = "verify",
         .arguments = {"SOURCE"},
         .summary = "Reads every byte of a backup and says whether it is complete and undamaged.",
         .description =
             "Reads every byte of a backup and compares it with the checksums in it. "
             "Every file that is missing, changed or not expected is named.\n\n"
             "Of an archive of pg_dump, all data are unpacked and rows counted. An SQL "
             "script is read to its end.\n\n"
             "With " OPTION_RESTORE_TO ", a logical backup, an archive or an SQL script "
             "is restored into a database of a server that is made for it, and what is in that is "
             "compared with the archive: each definition, the rows of each table by "
             "their number and a hash, large objects. Then the database is dropped, "
             "whatever happened. Nothing else of the server is changed; roles are not "
             "made. Of several databases one is made after the other. What differs is "
             "named, and the exit status then is 3. A script is compared with what its "
             "comments name and its COPY and INSERT put in.\n\n" //
         SOURCE_TEXT " " ARCHIVE_TEXT},
    [COMMAND_RESTORE] =
        {.name = "restore",
         .arguments = {"SOURCE"},
         .summary = "Restores a backup to a data directory, or an archive into a server.",
         .description =
             "Restores a physical backup to a data directory that a server of the same major "
             "version can be started on. The backup is verified while it is written; if it is "
             "damaged or incomplete, what was written is removed.\n\n"
             "With postgres:// behind --to, restores a logical backup, an archive or an SQL script "
             "into databases of a server. What would keep it from being restored is looked for "
             "before anything "
             "is done. Each statement that fails is named, and the exit status then is 3; with "
             "--exit-on-error the first one ends the work.\n\n" SOURCE_TEXT " " RESTORED_TEXT,
         .signs = {[OPTION_OF_PHYSICAL] = "--to DATA-DIRECTORY",
                   [OPTION_OF_LOGICAL] = "--to postgres://"}},
    [COMMAND_LIST] = {.name = "list",
                      .arguments = {"SOURCE"},
                      .summary = "Says what is in a backup without restoring it.",
                      .description =
                          "Says what a backup holds: server, time, positions, databases, "
                          "tablespaces, warnings; of a logical one its entries, tables and rows. "
                          "Nothing is verified.\n\n" SOURCE_TEXT " " ARCHIVE_TEXT},
    [COMMAND_PING] = {.name = "ping",
                      .arguments = {"URI"},
                      .summary =
                          "Connects to a server and says what it is and what is allowed there.",
                      .description =
                          "Connects and says what answered: version, role, encryption, and whether "
                          "SQL and replication sessions can be made. With postgres+bin:// a "
                          "replication session is needed for success, with postgres:// an SQL "
                          "session."},
    [COMMAND_CHECK] =
        {.name = "check",
         .arguments = {"URI"},
         .summary = "Says what would keep a backup from being made, and how to fix it.",
         .description =
             "Asks the server all that a backup asks before it begins: the rights of the role, "
             "settings, what holds locks, objects that cannot be backed up; with --to also whether "
             "the backup can be written there, and the room. With postgres+bin:// it is about a "
             "physical backup, with postgres:// about a logical one of that database. Nothing is "
             "written, here or on the server. Exit status: 0 ready, 1 not."},
    [COMMAND_RELOCATE] =
        {.name = "relocate",
         .arguments = {"DATA-DIRECTORY"},
         .summary = "Makes the tablespace links of a copied backup absolute.",
         .description =
             "A backup directory that was copied instead of restored reaches its tablespaces by "
             "relative links. A server starts on it, but pg_basebackup and pg_dumpall then fail. "
             "This command makes the links of DATA-DIRECTORY absolute. The server must be "
             "stopped. A copy that is still a whole backup is changed with --in-place only, "
             "because it is none after that."},
    [COMMAND_HELP] = {.name = "help",
                      .arguments = {"[COMMAND]"},
                      .summary = "Says more about a command.",
                      .description = "Prints the help of a command, or of them all."},
    [COMMAND_VERSION] = {.name = "version",
                         .summary = "Prints the version.",
                         .description = "Prints the version."},
    [COMMAND_COMPLETION] =
        {.name = "completion",
         .arguments = {"bash|zsh|fish"},
         .summary = "Prints what makes a shell complete the words of this program.",
         .description =
             "Prints a script that completes commands, options and their values at the Tab key. "
             "\"make install\" and the package put one where each shell looks; in a running "
             "bash, \"source <(pgcask completion bash)\" reads it."},
    [COMMAND_OPTIONS_REFERENCE] = {.name = "options-reference",
                                   .summary = "Prints docs/options.md.",
                                   .description = "Prints the option table as Markdown.",
                                   .hidden = true},
    [COMMAND_PLAKAR] = {.name = "plakar",
                        .summary = "Speaks Plakar's plugin protocol on standard input and output.",
                        .description =
                            "Started by Plakar. The options below are not given here: they are "
                            "the keys of a source's configuration, with _ for -.",
                        .hidden = true},
    [COMMAND_PLAKAR_DESTINATION] =
        {.name = "plakar-destination",
         .summary = "Has the keys of a Plakar destination.",
         .description = "The options below are the keys of a destination's configuration, with _ "
                        "for -: of what Plakar restores into a server.",
         .hidden = true},
    [COMMAND_PLAKAR_SCHEMA] = {.name = "plakar-schema",
                               .arguments = {"importer|exporter[-aws]"},
                               .summary = "Prints a JSON schema of the Plakar package.",
                               .description = "Prints the JSON schema of the keys that the Plakar "
                                              "importer or exporter takes.",
                               .hidden = true},
};

static const struct option_spec options[] = {
    {.name = "to",
     .argument = "DIR|FILE.tar|-",
     .kind = OPTION_TEXT,
     .commands = BACKUP,
     .required = true,
     .help = "Where the backup goes: a directory that does not exist or is empty; a file whose "
             "name ends in .tar, or, to be compressed, in .tar.gz (.tgz), .tar.lz4 (.tlz4) or "
             ".tar.zst (.tzst); or - for a tar on standard output. A name that looks like another "
             "format is "
             "refused; with a slash behind it, it is a directory."},
    {.name = "to",
     .argument = "DATA-DIRECTORY|URI|FILE.sql|-",
     .kind = OPTION_TEXT,
     .commands = RESTORE,
     .required = true,
     .help =
         "Of a physical backup the data directory to make: it does not exist or is empty, "
         "unless " OPTION_REPLACE
         " is given. Of a logical one the server, by a URI, and the database that it names; or a "
         "new file for the same as one SQL script, whose name ends in .sql, or - for standard "
         "output."},
    {.name = "to",
     .argument = "DIR|FILE.tar|-",
     .kind = OPTION_TEXT,
     .commands = CHECK,
     .help = "Where a backup would go: looks at the place and its room, too."},
    {.name = "restore-to",
     .argument = "URI",
     .kind = OPTION_TEXT,
     .commands = VERIFY,
     .help =
         "Restores a logical backup, an archive or an SQL script into a database of that server "
         "which is made for it, compares what came of it with what is in the archive "
         "(definitions, rows, large objects) or what the script says, and drops the "
         "database."},
    /* How a backup is made: backup/backup_options.h has what each of these takes and means. */
    {BACKUP_OPTION_LABEL, .commands = BACKUP | PLAKAR | CHECK},
    {BACKUP_OPTION_CHECKPOINT, .commands = BACKUP | PLAKAR | CHECK},
    {BACKUP_OPTION_MAX_RATE, .commands = BACKUP | PLAKAR | CHECK},
    {BACKUP_OPTION_MAX_RETAINED_WAL, .commands = BACKUP | PLAKAR | CHECK},
    {BACKUP_OPTION_TRANSFER_COMPRESSION, .commands = BACKUP | PLAKAR | CHECK},
    {BACKUP_OPTION_DIGEST, .commands = BACKUP | PLAKAR | CHECK},
    {BACKUP_OPTION_COMPRESS, .commands = BACKUP | PLAKAR | CHECK},
    {BACKUP_OPTION_JOBS, .commands = PLAKAR},
    {BACKUP_OPTION_LOCK_TIMEOUT, .commands = BACKUP | PLAKAR | CHECK},
    {BACKUP_OPTION_LOCK_TIMEOUT_TOTAL, .commands = BACKUP | PLAKAR | CHECK},
    {BACKUP_OPTION_STATISTICS, .commands = BACKUP | PLAKAR | CHECK},
    {BACKUP_OPTION_ALLOW_NEWER_SERVER, .commands = BACKUP | PLAKAR | CHECK},
    {BACKUP_OPTION_LAYOUT, .commands = BACKUP | PLAKAR | CHECK},
    {BACKUP_OPTION_DATABASES, .commands = BACKUP | PLAKAR | CHECK},
    {BACKUP_OPTION_EXCLUDE_DATABASES, .commands = BACKUP | PLAKAR | CHECK},
    {BACKUP_OPTION_SCHEMAS, .commands = BACKUP | PLAKAR | CHECK},
    {BACKUP_OPTION_EXCLUDE_SCHEMAS, .commands = BACKUP | PLAKAR | CHECK},
    {BACKUP_OPTION_TABLES, .commands = BACKUP | PLAKAR | CHECK},
    {BACKUP_OPTION_TABLES_AND_CHILDREN, .commands = BACKUP | PLAKAR | CHECK},
    {BACKUP_OPTION_EXCLUDE_TABLES, .commands = BACKUP | PLAKAR | CHECK},
    {BACKUP_OPTION_EXCLUDE_TABLES_AND_CHILDREN, .commands = BACKUP | PLAKAR | CHECK},
    {BACKUP_OPTION_EXCLUDE_TABLE_DATA, .commands = BACKUP | PLAKAR | CHECK},
    {BACKUP_OPTION_EXCLUDE_TABLE_DATA_AND_CHILDREN, .commands = BACKUP | PLAKAR | CHECK},
    {BACKUP_OPTION_EXTENSIONS, .commands = BACKUP | PLAKAR | CHECK},
    {BACKUP_OPTION_EXCLUDE_EXTENSIONS, .commands = BACKUP | PLAKAR | CHECK},
    {BACKUP_OPTION_INCLUDE_FOREIGN_DATA, .commands = BACKUP | PLAKAR | CHECK},
    {BACKUP_OPTION_WHERE, .commands = BACKUP | PLAKAR | CHECK},
    {BACKUP_OPTION_FILTER, .commands = BACKUP | PLAKAR | CHECK},
    {BACKUP_OPTION_SCHEMA_ONLY, .commands = BACKUP | PLAKAR | CHECK},
    {BACKUP_OPTION_DATA_ONLY, .commands = BACKUP | PLAKAR | CHECK},
    {BACKUP_OPTION_NO_UNLOGGED_TABLE_DATA, .commands = BACKUP | PLAKAR | CHECK},
    {BACKUP_OPTION_LARGE_OBJECTS, .commands = BACKUP | PLAKAR | CHECK},
    {BACKUP_OPTION_NO_LARGE_OBJECTS, .commands = BACKUP | PLAKAR | CHECK},
    {BACKUP_OPTION_NO_VERIFY_CHECKSUMS, .commands = BACKUP | PLAKAR | CHECK},
    {BACKUP_OPTION_STALL_TIMEOUT, .commands = BACKUP | PLAKAR | CHECK},
    {.name = "password-command",
     .argument = "COMMAND",
     .kind = OPTION_TEXT,
     .commands = BACKUP | VERIFY | RESTORE | PING | PLAKAR | DESTINATION | CHECK,
     .help = "Runs COMMAND for each new connection and takes the first line that it prints as the "
             "password: for short-lived tokens. It is split into words as by a shell, but no shell "
             "runs it; PGHOST, PGPORT, PGUSER and PGDATABASE say what the password is for."},
    {.name = "no-password",
     .kind = OPTION_FLAG,
     .commands = BACKUP | VERIFY | RESTORE | PING | CHECK,
     .help = "Never asks for a password at the terminal."},
    {.name = "tablespace-mapping",
     .argument = "OLD=NEW",
     .kind = OPTION_TEXT,
     .commands = RESTORE,
     .scope = OPTION_OF_PHYSICAL,
     .repeatable = true,
     .help = "Puts a tablespace into the directory NEW. OLD is its directory on the server, its "
             "name or its OID; write \\= for an equals sign in it. Others go to "
             "DATA-DIRECTORY.tablespaces/OID."},
    {.name = "replace",
     .kind = OPTION_FLAG,
     .commands = RESTORE,
     .scope = OPTION_OF_PHYSICAL,
     .help = "Replaces an existing cluster: a stopped one of the same system identifier."},
    /* How something is restored into a server: restore/restore_options.h. */
    RESTORE_OPTIONS(RESTORE | DESTINATION, RESTORE | DESTINATION | VERIFY),
    {RESTORE_OPTION_DRY_RUN, .commands = RESTORE},
    {.name = "in-place",
     .kind = OPTION_FLAG,
     .commands = RELOCATE,
     .help = "Also in a whole backup: it is the cluster then, and no longer a backup."},
    {.name = "json",
     .kind = OPTION_FLAG,
     .commands = BACKUP | VERIFY | RESTORE | LIST | PING | RELOCATE | VERSION | CHECK,
     .help = "Prints exactly one JSON object on standard output at the end, also on failure."},
    {.name = "json-file",
     .argument = "FILE",
     .kind = OPTION_TEXT,
     .commands = BACKUP | VERIFY | RESTORE | LIST | PING | RELOCATE | VERSION | CHECK,
     .help = "Writes that object into FILE: also while a tar goes to standard "
             "output."},
    {.name = "quiet",
     .kind = OPTION_FLAG,
     .commands = BACKUP | VERIFY | RESTORE | LIST | PING | RELOCATE | CHECK,
     .help = "Prints no progress and no summary, only warnings and errors."},
    {.name = "verbose",
     .kind = OPTION_FLAG,
     .commands = BACKUP | VERIFY | RESTORE | PING | RELOCATE | CHECK,
     .help = "Says more about what is being done."},
    {.name = "verbose",
     .kind = OPTION_FLAG,
     .commands = LIST,
     .help = "Lists every file of the backup, too, and the table of contents of its archive in the "
             "manner of pg_restore -l."},
    /* What Plakar's official integration calls its settings. */
    {.name = "location",
     .argument = "URI",
     .kind = OPTION_TEXT,
     .commands = PLAKAR,
     .help = "postgres[+bin|+aws]://[USER@][HOST[:PORT]][/DATABASE][?PARAMETER=VALUE...]"},
    {.name = "location",
     .argument = "URI",
     .kind = OPTION_TEXT,
     .commands = DESTINATION,
     .help = "postgres[+aws]://[USER@][HOST[:PORT]][/DATABASE][?PARAMETER=VALUE...]"},
    {.name = "host",
     .argument = "HOST",
     .kind = OPTION_TEXT,
     .commands = PLAKAR | DESTINATION,
     .help = "The server's name or address, or the folder of its socket; wins over the location."},
    {.name = "port",
     .argument = "PORT",
     .kind = OPTION_TEXT,
     .commands = PLAKAR | DESTINATION,
     .help = "The server's port; wins over the location."},
    {.name = "username",
     .argument = "USER",
     .kind = OPTION_TEXT,
     .commands = PLAKAR | DESTINATION,
     .help = "The role to log in as; wins over the location."},
    {.name = "password",
     .argument = "PASSWORD",
     .kind = OPTION_TEXT,
     .commands = PLAKAR | DESTINATION,
     .help = "Its password; wins over the location."},
    {.name = "database",
     .argument = "NAME",
     .kind = OPTION_TEXT,
     .commands = PLAKAR,
     .help =
         "The database to back up; wins over the location. A physical backup only logs in to it, "
         "and copies the whole cluster."},
    {.name = "reuse-unchanged",
     .kind = OPTION_FLAG,
     .commands = PLAKAR,
     .scope = OPTION_OF_PHYSICAL,
     .help = "Plakar takes files of up to 16 MiB whose content is that of the last snapshot from "
             "there, without reading them again. The content itself is compared, by its SHA-256, "
             "not times and sizes."},
    {.name = "region",
     .argument = "REGION",
     .kind = OPTION_TEXT,
     .commands = PLAKAR | DESTINATION,
     .help = "Of postgres+aws: the region of AWS that the database is in (eu-central-1), for the "
             "tokens of IAM that it is logged in to with. Without it AWS_REGION and ~/.aws/config "
             "count."},
    {.name = "ssl-mode",
     .argument = "MODE",
     .kind = OPTION_CHOICE,
     .choices = {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"},
     .commands = PLAKAR | DESTINATION,
     .help = "How much TLS protects the connection; wins over the location."},
    {.name = "ssl-cert",
     .argument = "FILE",
     .kind = OPTION_TEXT,
     .commands = PLAKAR | DESTINATION,
     .help = "The client's certificate."},
    {.name = "ssl-cert-data",
     .argument = "PEM",
     .kind = OPTION_TEXT,
     .commands = PLAKAR | DESTINATION,
     .help = "The client's certificate itself, instead of the file."},
    {.name = "ssl-key",
     .argument = "FILE",
     .kind = OPTION_TEXT,
     .commands = PLAKAR | DESTINATION,
     .help = "The client's private key."},
    {.name = "ssl-key-data",
     .argument = "PEM",
     .kind = OPTION_TEXT,
     .commands = PLAKAR | DESTINATION,
     .help = "The client's private key itself, instead of the file."},
    {.name = "ssl-root-cert",
     .argument = "FILE",
     .kind = OPTION_TEXT,
     .commands = PLAKAR | DESTINATION,
     .help = "The certificates of the authorities that may sign the server's certificate."},
    {.name = "ssl-root-cert-data",
     .argument = "PEM",
     .kind = OPTION_TEXT,
     .commands = PLAKAR | DESTINATION,
     .help = "Those certificates themselves, instead of the file."},
#define IGNORED_PROGRAM(key, word)                                                                 \
    {                                                                                              \
        .name = (key), .argument = (word), .kind = OPTION_TEXT, .commands = PLAKAR | DESTINATION,  \
        .help = "Accepted and ignored: no PostgreSQL program is run."                              \
    }
    IGNORED_PROGRAM("pg-bin-dir", "DIR"),
    IGNORED_PROGRAM("pg-dump", "FILE"),
    IGNORED_PROGRAM("pg-dumpall", "FILE"),
    IGNORED_PROGRAM("pg-restore", "FILE"),
    IGNORED_PROGRAM("psql", "FILE"),
};

const struct option_program pgcask_program = {
    .name = "pgcask",
    .summary = "backs up and restores PostgreSQL by speaking its protocols itself.",
    .commands = commands,
    .command_count = sizeof(commands) / sizeof(commands[0]),
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .epilogue = "Options are written --name VALUE or --name=VALUE; -- ends them. Exit status: 0 "
                "complete, 1 failed, 2 wrong usage, 3 finished but something that is named is "
                "wrong.",
};
