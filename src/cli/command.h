/* What every command is given, and the commands. */
#ifndef PGCASK_CLI_COMMAND_H
#define PGCASK_CLI_COMMAND_H

#include "base/cancel.h"
#include "base/options.h"
#include "cli/arguments.h"
#include "cli/console.h"
#include "cli/result.h"
#include "process/guardian.h"

#include <stdio.h>

enum exit_status {
    EXIT_COMPLETE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_PROBLEMS = 3 /* finished, but something that was named is wrong */
};

struct command {
    const struct options *options;
    const struct arguments *arguments;
    struct console *console;
    struct cancel *cancel;
    struct guardian *guardian; /* NULL for commands that make no session */
    json_t *result;            /* NULL without --json and --json-file */
    bool json_printed;         /* --json */
    const char *json_file;     /* its name; NULL without --json-file */
    int json_fd;               /* open from the beginning, if there is a name */
    FILE *out;                 /* where the summary for people goes; NULL: nowhere */
    bool quiet;
    bool problems; /* set by the command: finished with EXIT_PROBLEMS */
};

/* Each does the work and prints its summary; false: it failed and *err says why. */
bool command_backup(struct command *command, struct error *err);
bool command_verify(struct command *command, struct error *err);
bool command_restore(struct command *command, struct error *err);
bool command_list(struct command *command, struct error *err);
bool command_check(struct command *command, struct error *err);
bool command_ping(struct command *command, struct error *err);
bool command_relocate(struct command *command, struct error *err);

/* Serves Plakar on standard input and output, until it is done. */
bool command_plakar(struct command *command, struct error *err);

/* Prints the JSON schema of the package's "importer" or "exporter". */
bool command_plakar_schema(struct command *command, struct error *err);

/* A line of the summary, escaped for a terminal. */
void command_say(const struct command *command, const char *format, ...) ERROR_PRINTF(2, 3);

/* That so many parts of manifest.json could not be read: nothing is wrong with the backup, so that
 * it is not a warning. */
void command_say_unavailable(const struct command *command, size_t count);

/* Standard output is for what is written there: --json has to go elsewhere, else it is an error. */
bool command_leave_output(struct command *command, struct error *err);

/* The argument or option as typed. The options themselves hold it with its secrets overwritten,
 * fit for messages. */
const char *command_argument(const struct command *command, size_t index);
const char *command_text(const struct command *command, const char *name);

#endif
