/*
 * An SQL script as list and verify see it: read to its end as psql would, without running anything;
 * what its comments say of it, and its rows, counted.
 */
#ifndef PGCASK_CLI_SCRIPT_REPORT_H
#define PGCASK_CLI_SCRIPT_REPORT_H

#include "cli/command.h"
#include "record/record.h"

struct script_report {
    struct command *command;
    bool lists; /* for list: everything is said, with --verbose each entry */
    const struct record_observer *observer; /* of the bytes; may be NULL */
    uint64_t entries, rows, bytes;          /* entries: that comments name */
    size_t databases;                       /* that it connects to */
    char database[256];                     /* the last of them */
    char server[64];                        /* that it was dumped from; "": it does not say */
    bool known; /* its first comment says what it is: so its last one says that it is whole */
    json_t *contents;
};

/* Whether what was opened begins as a script does. */
bool script_report_is_script(struct record_source *source, bool is_folder, bool *script,
                             struct error *err);

/* Reads all of it. False, with what is wrong with it: it breaks off, or has what is never run. */
bool script_report_read(struct script_report *report, struct reader *reader, struct error *err);

/* Puts what was found into the command's result. */
void script_report_fill(struct script_report *report);
/* For list. complete: it was read to its end, and is. */
void script_report_say(const struct script_report *report, bool complete);

#endif
