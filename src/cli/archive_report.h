/*
 * A dump archive (of pg_dump, or in a logical backup) as list and verify see it: what its header
 * says, what is in its table of contents, and, read to its end, that it is whole.
 */
#ifndef PGCASK_CLI_ARCHIVE_REPORT_H
#define PGCASK_CLI_ARCHIVE_REPORT_H

#include "cli/command.h"
#include "cli/location.h"
#include "restore/archive_scan.h"

struct archive_report {
    struct command *command;
    bool verbose; /* say every entry */
    struct archive_scan scan;

    json_t *object; /* what was found, with --json; NULL without */

    /* private */
    json_t *contents;
};

/* Begins a report; what scan can be given is the caller's to set. archive_report_reset gives back
 * what it holds. */
void archive_report_init(struct archive_report *report, struct command *command);
void archive_report_reset(struct archive_report *report);

/* A custom archive. False if it cannot be read, or, without `problem`, if it is damaged. */
bool archive_report_custom(struct archive_report *report, const char *name, struct reader *reader,
                           struct error *err);

/* The table of contents of a directory archive, a file by itself. */
bool archive_report_contents(struct archive_report *report, const char *name, struct reader *reader,
                             struct error *err);

/* The files of a directory archive. */
bool archive_report_files(struct archive_report *report, struct record_source *source,
                          struct error *err);

#endif
