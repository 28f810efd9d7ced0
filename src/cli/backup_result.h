/* What a backup came to, for people and for programs. */
#ifndef PGCASK_CLI_BACKUP_RESULT_H
#define PGCASK_CLI_BACKUP_RESULT_H

#include "backup/backup.h"
#include "cli/backup_target.h"
#include "cli/command.h"

/* Fills the command's result, prints its summary and its warnings. */
void backup_result_tell(struct command *command, const struct backup_request *request,
                        const struct backup_report *report, const struct backup_target *target,
                        double seconds);

#endif
