/* pgcask backup postgres://…: one database, logically. */
#ifndef PGCASK_CLI_COMMAND_BACKUP_LOGICAL_H
#define PGCASK_CLI_COMMAND_BACKUP_LOGICAL_H

#include "cli/backup_target.h"
#include "cli/server_uri.h"

bool command_backup_logical(struct command *command, struct backup_target *target,
                            const struct server_uri *server, struct error *err);

#endif
