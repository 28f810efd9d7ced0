/*
 * The rows of the option table (base/options.h) that say how something is restored into databases
 * of a server, for every table that has them: the command's and the library's. As those of
 * backup/backup_options.h they leave to the table which commands take them. Rows without a place
 * are read by restore_request_read().
 */
#ifndef PGCASK_RESTORE_RESTORE_OPTIONS_H
#define PGCASK_RESTORE_RESTORE_OPTIONS_H

#include "base/error_names.h"
#include "restore/restore_request.h"

#include <stddef.h>

#define RESTORE_FLAG(option, member, what)                                                         \
    .name = (option), .kind = OPTION_FLAG, .scope = OPTION_OF_LOGICAL,                             \
    .place = offsetof(struct restore_request, member), .help = (what)

#define RESTORE_TEXT(option, word, member, what)                                                   \
    .name = (option), .argument = (word), .kind = OPTION_TEXT, .scope = OPTION_OF_LOGICAL,         \
    .place = offsetof(struct restore_request, member), .help = (what)

#define RESTORE_LIST(option, list, what)                                                           \
    .name = (option), .argument = "PATTERN", .kind = OPTION_LIST, .scope = OPTION_OF_LOGICAL,      \
    .place = offsetof(struct restore_request, lists) + (list) * sizeof(struct option_list),        \
    .help = (what)

/* ---- Where to ---- */

#define RESTORE_OPTION_DATABASE                                                                    \
    RESTORE_TEXT("database", "NAME", database,                                                     \
                 "The database to restore into; wins over that of the URI. Where nothing names "   \
                 "one, it is that of the archive or script; of a script of several, the one to "   \
                 "restore. A script of one database goes into postgres, template0 or template1 "   \
                 "for this option only, and not for a URI that ends in such a name.")
#define RESTORE_OPTION_CREATE_DB                                                                   \
    RESTORE_FLAG("create-db", create_db,                                                           \
                 "Makes the database if it is not there, with the encoding, locale, owner, "       \
                 "settings and privileges that the archive has of it. It has that name once it "   \
                 "is complete, and is pgcask_restore_ with a number until then. Where the work "   \
                 "ends before, it is dropped; a kill may leave it, and the next restore says so. " \
                 "Of a backup of several databases each that is not there is "                     \
                 "made in any case.")
#define RESTORE_EXISTING(option, what)                                                             \
    .name = (option), .kind = OPTION_FLAG, .scope = OPTION_OF_LOGICAL, .help = (what)
#define RESTORE_OPTION_INTO_EXISTING                                                               \
    RESTORE_EXISTING("into-existing",                                                              \
                     "Restores into a database that holds objects, too: these stay as they are. "  \
                     "Without it, " OPTION_CLEAN " or " OPTION_RECREATE                            \
                     " such a database is refused.")
#define RESTORE_OPTION_CLEAN                                                                       \
    RESTORE_EXISTING("clean",                                                                      \
                     "Drops what is to be restored first, where it is there, in reverse order. A " \
                     "script's own DROP statements are done, but for that of a database which is " \
                     "called otherwise here.")
#define RESTORE_OPTION_RECREATE                                                                    \
    RESTORE_EXISTING("recreate",                                                                   \
                     "Drops the database if it is there, once another is complete to take its "    \
                     "place: there has to be room for both. If a statement of it fails, the old "  \
                     "one stays as it was; the new one keeps the name that it was filled under, "  \
                     "and what to type is told. Never postgres or a template. Of a script, too, "  \
                     "which then drops nothing itself: while it fills the new one by its own "     \
                     "name the old one is called pgcask_replaced_ with a number.")
#define RESTORE_OPTION_DATABASES                                                                   \
    .name = "databases", .argument = "PATTERN", .kind = OPTION_LIST, .scope = OPTION_OF_LOGICAL,   \
    .place = offsetof(struct restore_request, databases),                                          \
    .help = "Of a backup or a script of several databases, only those that are called so, or "     \
            "match a pattern as pg_dump has them; commas stand between several."
#define RESTORE_OPTION_EXCLUDE_DATABASES                                                           \
    .name = "exclude-databases", .argument = "PATTERN", .kind = OPTION_LIST,                       \
    .scope = OPTION_OF_LOGICAL, .place = offsetof(struct restore_request, exclude_databases),      \
    .help = "Of several databases, without those that are called so, or match."
#define RESTORE_OPTION_NO_GLOBALS                                                                  \
    RESTORE_FLAG(                                                                                  \
        "no-globals", no_globals,                                                                  \
        "Without the roles and tablespaces of a backup or script, and what is granted "            \
        "and set on them. Otherwise those that are there already are altered, but for the "        \
        "role that restores, and for passwords and how long they are valid. Where a "              \
        "part is asked for (" ERROR_OPTION("tables") ", " OPTION_DATA_ONLY                         \
                                                     ", …) none is touched.")
#define RESTORE_OPTION_ROLE_PASSWORDS                                                              \
    RESTORE_FLAG("role-passwords", role_passwords,                                                 \
                 "Roles that are there already get the passwords of the backup or script, and "    \
                 "how long these are valid, too; without it they keep theirs.")
#define RESTORE_OPTION_ROLE                                                                        \
    RESTORE_TEXT("role", "NAME", role,                                                             \
                 "Restores as that role (SET ROLE), of which the role that logs in must be a "     \
                 "member.")
#define RESTORE_OPTION_SEARCH_PATH                                                                 \
    RESTORE_TEXT("search-path", "SCHEMAS", search_path,                                            \
                 "The search path of the restore, instead of the empty one that archives, and "    \
                 "scripts of pg_dump, ask for: for functions in constraints and triggers that "    \
                 "rely on one.")

/* ---- What ---- */

#define RESTORE_OPTION_SCHEMAS                                                                     \
    RESTORE_LIST("schemas", RESTORE_SCHEMAS,                                                       \
                 "Only what is in schemas that match a pattern as pg_dump has them; commas stand " \
                 "between several. A pattern that matches nothing is an error, here and in what "  \
                 "follows.")
#define RESTORE_OPTION_EXCLUDE_SCHEMAS                                                             \
    RESTORE_LIST("exclude-schemas", RESTORE_EXCLUDE_SCHEMAS,                                       \
                 "Without what is in schemas that match.")
#define RESTORE_OPTION_TABLES                                                                      \
    RESTORE_LIST("tables", RESTORE_TABLES,                                                         \
                 "Only tables, views and sequences that match, with their rows; without their "    \
                 "indexes and constraints, as pg_restore does it.")
#define RESTORE_OPTION_FUNCTIONS                                                                   \
    RESTORE_LIST("functions", RESTORE_FUNCTIONS,                                                   \
                 "Only functions, procedures and aggregates that match: total, shop.*, "           \
                 "total(int, text).")
#define RESTORE_OPTION_TRIGGERS                                                                    \
    RESTORE_LIST("triggers", RESTORE_TRIGGERS,                                                     \
                 "Only triggers that match: \"audit\", \"orders.audit\".")
#define RESTORE_OPTION_INDEXES RESTORE_LIST("indexes", RESTORE_INDEXES, "Only indexes that match.")
#define RESTORE_OPTION_SECTIONS                                                                    \
    .name = "sections", .argument = "pre-data,data,post-data", .kind = OPTION_LIST,                \
    .scope = OPTION_OF_LOGICAL,                                                                    \
    .help = "Only these sections of the archive: definitions of what rows need; rows, large "      \
            "objects and values of sequences; indexes, constraints, triggers and rules."
#define RESTORE_OPTION_LIST_FILE                                                                   \
    RESTORE_TEXT("list-file", "FILE", list_file,                                                   \
                 "Only the entries of the archive whose numbers stand in FILE, in its order: "     \
                 "lines as list " OPTION_VERBOSE " and pg_restore -l print them; a semicolon "     \
                 "before one leaves it out.")
#define RESTORE_OPTION_SCHEMA_ONLY                                                                 \
    RESTORE_FLAG("schema-only", schema_only,                                                       \
                 "Definitions only: no rows, no values of sequences, no large objects.")
#define RESTORE_OPTION_DATA_ONLY                                                                   \
    RESTORE_FLAG("data-only", data_only,                                                           \
                 "Only rows, values of sequences and large objects, into tables that are there.")
#define RESTORE_OPTION_NO_OWNER                                                                    \
    RESTORE_FLAG("no-owner", no_owner, "What is restored belongs to the role that restores it.")
#define RESTORE_OPTION_NO_PRIVILEGES                                                               \
    RESTORE_FLAG("no-privileges", no_privileges, "Without GRANT and REVOKE.")
#define RESTORE_OPTION_NO_COMMENTS RESTORE_FLAG("no-comments", no_comments, "Without comments.")
#define RESTORE_OPTION_NO_SECURITY_LABELS                                                          \
    RESTORE_FLAG("no-security-labels", no_security_labels, "Without security labels.")
#define RESTORE_OPTION_NO_PUBLICATIONS                                                             \
    RESTORE_FLAG("no-publications", no_publications, "Without publications.")
#define RESTORE_OPTION_NO_SUBSCRIPTIONS                                                            \
    RESTORE_FLAG("no-subscriptions", no_subscriptions,                                             \
                 "Without subscriptions, which otherwise are restored disabled.")
#define RESTORE_OPTION_NO_POLICIES                                                                 \
    RESTORE_FLAG("no-policies", no_policies, "Without policies of row security.")
#define RESTORE_OPTION_NO_TABLESPACES                                                              \
    RESTORE_FLAG("no-tablespaces", no_tablespaces,                                                 \
                 "Everything goes into the default tablespace of the database.")
#define RESTORE_OPTION_NO_TABLE_ACCESS_METHOD                                                      \
    RESTORE_FLAG("no-table-access-method", no_table_access_method,                                 \
                 "Tables are stored by the server's default access method.")
#define RESTORE_OPTION_NO_STATISTICS                                                               \
    RESTORE_FLAG("no-statistics", no_statistics,                                                   \
                 "Without what the planner knew of tables and indexes, where the archive has it.")

/* ---- How ---- */

#define RESTORE_JOBS_MAX 256

#define RESTORE_OPTION_JOBS                                                                        \
    .name = "jobs", .argument = "N", .kind = OPTION_INTEGER, .minimum = 1,                         \
    .maximum = RESTORE_JOBS_MAX, .scope = OPTION_OF_LOGICAL,                                       \
    .help = "So many sessions at once put rows into tables and build indexes and constraints; a "  \
            "script has one. Where the archive cannot be opened again, a large table's rows are "  \
            "cut at row ends and lose their order. One for each processor, at most 4, unless "     \
            "given; of what streams by, one puts in all rows."

#define RESTORE_OPTION_EXIT_ON_ERROR                                                               \
    RESTORE_FLAG("exit-on-error", exit_on_error,                                                   \
                 "Ends at the first statement that fails, with exit status 1; otherwise all that " \
                 "can be restored is, and what failed is named.")
#define RESTORE_OPTION_SINGLE_TRANSACTION                                                          \
    RESTORE_FLAG("single-transaction", single_transaction,                                         \
                 "All of a database or nothing, in one transaction; the first failure ends it.")
#define RESTORE_OPTION_TRANSACTION_SIZE                                                            \
    .name = "transaction-size", .argument = "N", .kind = OPTION_INTEGER, .minimum = 1,             \
    .maximum = 1000000, .scope = OPTION_OF_LOGICAL,                                                \
    .help = "Commits after each N objects; the first failure ends the restore."
#define RESTORE_OPTION_DISABLE_TRIGGERS                                                            \
    RESTORE_FLAG("disable-triggers", disable_triggers,                                             \
                 "With " OPTION_DATA_ONLY ": triggers, foreign keys among them, are off while "    \
                 "rows are put into their tables; takes a superuser.")
#define RESTORE_OPTION_ENABLE_ROW_SECURITY                                                         \
    RESTORE_FLAG("enable-row-security", row_security,                                              \
                 "Policies of row security hold for the role while rows are put in, where the "    \
                 "archive has them as INSERT; otherwise a table with policies is refused.")

#define RESTORE_OPTION_ANALYZE                                                                     \
    RESTORE_FLAG("analyze", analyze,                                                               \
                 "Afterwards gathers the planner's statistics of the tables that got rows.")
#define RESTORE_OPTION_SPOOL_DIR                                                                   \
    RESTORE_TEXT(                                                                                  \
        "spool-dir", "DIR", spool_directory,                                                       \
        "Where what cannot be restored as it comes is kept meanwhile, in files without a "         \
        "name: a backup whose records stream by in another order, rows of a stream that "          \
        "refer to others behind them, a statement of more than 1 MiB. $TMPDIR, or /tmp, "          \
        "unless given.")
#define RESTORE_OPTION_DRY_RUN                                                                     \
    RESTORE_FLAG("dry-run", dry_run,                                                               \
                 "Says what would be done and what is in the way, and does nothing.")

/* ---- All of them but the last, as rows of a table ---- */

/* A row a line; both: those that a restore which does not stay takes as well. */
/* clang-format off */
#define RESTORE_OPTIONS(who, both)                                                                 \
    {RESTORE_OPTION_DATABASE, .commands = (who)},                                                  \
    {RESTORE_OPTION_DATABASES, .commands = (both)},                                                \
    {RESTORE_OPTION_EXCLUDE_DATABASES, .commands = (both)},                                        \
    {RESTORE_OPTION_NO_GLOBALS, .commands = (who)},                                                \
    {RESTORE_OPTION_CREATE_DB, .commands = (who)},                                                 \
    {RESTORE_OPTION_INTO_EXISTING, .commands = (who)},                                             \
    {RESTORE_OPTION_CLEAN, .commands = (who)},                                                     \
    {RESTORE_OPTION_RECREATE, .commands = (who)},                                                  \
    {RESTORE_OPTION_ROLE_PASSWORDS, .commands = (who)},                                            \
    {RESTORE_OPTION_ROLE, .commands = (who)},                                                      \
    {RESTORE_OPTION_SEARCH_PATH, .commands = (both)},                                              \
    {RESTORE_OPTION_SCHEMAS, .commands = (who)},                                                   \
    {RESTORE_OPTION_EXCLUDE_SCHEMAS, .commands = (who)},                                           \
    {RESTORE_OPTION_TABLES, .commands = (who)},                                                    \
    {RESTORE_OPTION_FUNCTIONS, .commands = (who)},                                                 \
    {RESTORE_OPTION_TRIGGERS, .commands = (who)},                                                  \
    {RESTORE_OPTION_INDEXES, .commands = (who)},                                                   \
    {RESTORE_OPTION_SECTIONS, .commands = (who)},                                                  \
    {RESTORE_OPTION_LIST_FILE, .commands = (who)},                                                 \
    {RESTORE_OPTION_SCHEMA_ONLY, .commands = (who)},                                               \
    {RESTORE_OPTION_DATA_ONLY, .commands = (who)},                                                 \
    {RESTORE_OPTION_NO_OWNER, .commands = (both)},                                                 \
    {RESTORE_OPTION_NO_PRIVILEGES, .commands = (both)},                                            \
    {RESTORE_OPTION_NO_COMMENTS, .commands = (who)},                                               \
    {RESTORE_OPTION_NO_SECURITY_LABELS, .commands = (who)},                                        \
    {RESTORE_OPTION_NO_PUBLICATIONS, .commands = (who)},                                           \
    {RESTORE_OPTION_NO_SUBSCRIPTIONS, .commands = (who)},                                          \
    {RESTORE_OPTION_NO_POLICIES, .commands = (who)},                                               \
    {RESTORE_OPTION_NO_TABLESPACES, .commands = (who)},                                            \
    {RESTORE_OPTION_NO_TABLE_ACCESS_METHOD, .commands = (who)},                                    \
    {RESTORE_OPTION_NO_STATISTICS, .commands = (who)},                                             \
    {RESTORE_OPTION_JOBS, .commands = (both)},                                                     \
    {RESTORE_OPTION_EXIT_ON_ERROR, .commands = (who)},                                             \
    {RESTORE_OPTION_SINGLE_TRANSACTION, .commands = (who)},                                        \
    {RESTORE_OPTION_TRANSACTION_SIZE, .commands = (who)},                                          \
    {RESTORE_OPTION_DISABLE_TRIGGERS, .commands = (who)},                                          \
    {RESTORE_OPTION_ENABLE_ROW_SECURITY, .commands = (who)},                                       \
    {RESTORE_OPTION_ANALYZE, .commands = (who)},                                                   \
    {RESTORE_OPTION_SPOOL_DIR, .commands = (both)}
/* clang-format on */

#endif
