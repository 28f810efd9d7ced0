/*
 * The rows of the option table (base/options.h) that say how a backup is made, for every table that
 * has them: the command's and Plakar's (cli/options_table.c), the library's (library/options.c). A
 * table adds which of its commands take the option:
 *
 *     {BACKUP_OPTION_LABEL, .commands = BACKUP | PLAKAR | CHECK},
 *
 * What an option takes, what it is if it is not given and where it goes stands nowhere else.
 */
#ifndef PGCASK_BACKUP_BACKUP_OPTIONS_H
#define PGCASK_BACKUP_BACKUP_OPTIONS_H

#include "backup/backup_request.h"
#include "backup/filter_options.h"
#include "base/error_names.h"

#include <stddef.h>

#define BACKUP_TIMEOUT_MIN 1000
#define BACKUP_TIMEOUT_MAX (7ULL * 24 * 3600 * 1000)

/* ---- Physical ---- */

#define BACKUP_OPTION_LABEL                                                                        \
    .name = "label", .argument = "TEXT", .kind = OPTION_TEXT, .scope = OPTION_OF_PHYSICAL,         \
    .default_text = "pgcask", .place = offsetof(struct backup_request, label),                     \
    .help = "The label that the server writes into backup_label."

#define BACKUP_OPTION_CHECKPOINT                                                                   \
    .name = "checkpoint", .argument = "fast|spread", .kind = OPTION_CHOICE,                        \
    .choices = {"fast", "spread"}, .meanings = {CHECKPOINT_FAST, CHECKPOINT_SPREAD},               \
    .scope = OPTION_OF_PHYSICAL, .default_text = "fast",                                           \
    .place = offsetof(struct backup_request, checkpoint),                                          \
    .help = "The checkpoint that begins the backup: at once, or spread out as the server is "      \
            "configured, which may take minutes."

#define BACKUP_OPTION_MAX_RATE                                                                     \
    .name = "max-rate", .argument = "RATE", .kind = OPTION_RATE, .minimum = 32,                    \
    .maximum = 1048576, .scope = OPTION_OF_PHYSICAL,                                               \
    .place = offsetof(struct backup_request, max_rate_kib),                                        \
    .help = "Limits the transfer: KiB a second, or with the suffix k, M or G; from 32k to 1G."

#define BACKUP_OPTION_MAX_RETAINED_WAL                                                             \
    .name = "max-retained-wal", .argument = "SIZE", .kind = OPTION_SIZE,                           \
    .scope = OPTION_OF_PHYSICAL, .default_text = "16GiB",                                          \
    .place = offsetof(struct backup_request, max_retained_wal),                                    \
    .help = "Aborts the backup when the server has to keep more WAL than this for it; 0 is no "    \
            "limit."

#define BACKUP_OPTION_TRANSFER_COMPRESSION                                                         \
    .name = "transfer-compression", .argument = "gzip|lz4|zstd[:LEVEL]",                           \
    .kind = OPTION_CHOICE_LEVEL, .choices = {"gzip", "lz4", "zstd"}, .scope = OPTION_OF_PHYSICAL,  \
    .place = offsetof(struct backup_request, transfer_compression),                                \
    .help = "The server compresses what it sends (PostgreSQL 15 and later, if built with it); "    \
            "the backup itself is not compressed."

#define BACKUP_OPTION_NO_VERIFY_CHECKSUMS                                                          \
    .name = "no-verify-checksums", .kind = OPTION_FLAG, .scope = OPTION_OF_PHYSICAL,               \
    .place = offsetof(struct backup_request, no_verify_checksums),                                 \
    .help = "The server does not check the page checksums of what it sends."

/* ---- Both ---- */

#define BACKUP_OPTION_DIGEST                                                                       \
    .name = "digest", .argument = "xxh3|sha256", .kind = OPTION_CHOICE,                            \
    .choices = {"xxh3", "sha256"}, .meanings = {DIGEST_XXH3_128, DIGEST_SHA256},                   \
    .default_text = "xxh3", .place = offsetof(struct backup_request, digest),                      \
    .help = "The checksums in the backup: xxh3 (and CRC-32C for the files of the cluster), or "    \
            "sha256 for everything."

#define BACKUP_OPTION_STALL_TIMEOUT                                                                \
    .name = "stall-timeout", .argument = "DURATION", .kind = OPTION_DURATION,                      \
    .minimum = BACKUP_TIMEOUT_MIN, .maximum = BACKUP_TIMEOUT_MAX, .default_text = "10min",         \
    .place = offsetof(struct backup_request, stall_timeout_ms),                                    \
    .help = "Aborts the backup when the server has sent nothing for this long; from 1s to 7d."

/* ---- Logical ---- */

#define BACKUP_OPTION_COMPRESS                                                                     \
    .name = "compress", .argument = "none|gzip|lz4|zstd[:LEVEL]", .kind = OPTION_CHOICE_LEVEL,     \
    .choices = {"none", "gzip", "lz4", "zstd"}, .scope = OPTION_OF_LOGICAL,                        \
    .default_text = "none", .place = offsetof(struct backup_request, compression),                 \
    .help = "Compresses the data in the archive; lz4 and zstd from PostgreSQL 16 on, because "     \
            "older pg_restore could not read them."

#define BACKUP_OPTION_JOBS                                                                         \
    .name = "jobs", .argument = "N", .kind = OPTION_INTEGER, .minimum = 1, .maximum = 64,          \
    .scope = OPTION_OF_LOGICAL, .place = offsetof(struct backup_request, jobs),                    \
    .help =                                                                                        \
        "With layout tables: reads up to N tables at once, each over a session of its own; as "    \
        "many as Plakar has workers, unless given."

#define BACKUP_OPTION_LOCK_TIMEOUT                                                                 \
    .name = "lock-timeout", .argument = "DURATION", .kind = OPTION_DURATION,                       \
    .minimum = BACKUP_TIMEOUT_MIN, .maximum = BACKUP_TIMEOUT_MAX, .scope = OPTION_OF_LOGICAL,      \
    .default_text = "1min", .place = offsetof(struct backup_request, lock_timeout_ms),             \
    .help = "Aborts the backup when tables cannot be locked against changes within this time; "    \
            "from 1s to 7d."

/* What it is if it is not given depends on the other: catalog/table_locks.c. */
#define BACKUP_OPTION_LOCK_TIMEOUT_TOTAL                                                           \
    .name = "lock-timeout-total", .argument = "DURATION", .kind = OPTION_DURATION,                 \
    .minimum = BACKUP_TIMEOUT_MIN, .maximum = BACKUP_TIMEOUT_MAX, .scope = OPTION_OF_LOGICAL,      \
    .place = offsetof(struct backup_request, lock_timeout_total_ms),                               \
    .help = "The same for all tables together, however often they have to be locked "              \
            "anew: " OPTION_LOCK_TIMEOUT " is for each batch of some hundred. 10 minutes unless "  \
            "given, or " OPTION_LOCK_TIMEOUT " if that is longer."

#define BACKUP_OPTION_LAYOUT                                                                       \
    .name = "layout", .argument = "classic|numbered|tables", .kind = OPTION_CHOICE,                \
    .choices = {LOGICAL_LAYOUT_CLASSIC, LOGICAL_LAYOUT_NUMBERED, LOGICAL_LAYOUT_TABLES},           \
    .meanings = {LOGICAL_CLASSIC, LOGICAL_NUMBERED, LOGICAL_TABLES}, .scope = OPTION_OF_LOGICAL,   \
    .default_text = LOGICAL_LAYOUT_CLASSIC, .place = offsetof(struct backup_request, layout),      \
    .help = "What the backup's files are: classic is globals.sql and DATABASE.dump, or all.sql "   \
            "where no database is named; numbered is 00000-globals.sql and an archive for each "   \
            "database; tables is the same with a folder for each, and a file for each table."

#define BACKUP_OPTION_DATABASES                                                                    \
    .name = "databases", .argument = "PATTERN", .kind = OPTION_LIST, .scope = OPTION_OF_LOGICAL,   \
    .place = offsetof(struct backup_request, databases),                                           \
    .help = "Where no database is named, which means all of them: only those that are "            \
            "called so, or match a pattern as pg_dump has them, with commas between several."

#define BACKUP_OPTION_EXCLUDE_DATABASES                                                            \
    .name = "exclude-databases", .argument = "PATTERN", .kind = OPTION_LIST,                       \
    .scope = OPTION_OF_LOGICAL, .place = offsetof(struct backup_request, exclude_databases),       \
    .help = "Where no database is named: without those that are called so, or match a pattern."

#define BACKUP_OPTION_STATISTICS                                                                   \
    .name = "statistics", .kind = OPTION_FLAG, .scope = OPTION_OF_LOGICAL,                         \
    .place = offsetof(struct backup_request, statistics),                                          \
    .help = "Backs up what the planner knows of tables and indexes as well, so that they need no " \
            "ANALYZE once restored; from PostgreSQL 18 on."

#define BACKUP_OPTION_ALLOW_NEWER_SERVER                                                           \
    .name = "allow-newer-server", .kind = OPTION_FLAG, .scope = OPTION_OF_LOGICAL,                 \
    .place = offsetof(struct backup_request, allow_newer_server),                                  \
    .help = "Backs up even a server that is newer than any that this version knows."

#endif
