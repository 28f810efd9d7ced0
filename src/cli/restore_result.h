/* What came of a restore into a server: for people, and as members of the result. */
#ifndef PGCASK_CLI_RESTORE_RESULT_H
#define PGCASK_CLI_RESTORE_RESULT_H

#include "cli/command.h"
#include "restore/logical_restore.h"

struct restore_plan;

/* Of a dry run: what would be done. There may be several, one for each archive of a stream. */
void restore_result_plan(const struct command *command, const struct restore_plan *plan);

void restore_result_fill(json_t *result, const struct logical_restore_report *report);

/* The summary; statements that failed become problems of the command. */
void restore_result_say(struct command *command, const struct logical_restore_report *report);

#endif
