/* The options of a backup, as "backup" and "check" take them. The server's settings are the
 * caller's.
 */
#ifndef PGCASK_CLI_BACKUP_OPTIONS_H
#define PGCASK_CLI_BACKUP_OPTIONS_H

#include "cli/command.h"

#include "backup/backup.h"
#include "backup/logical_backup.h"

bool backup_options_physical(struct physical_backup_options *options, const struct command *command,
                             struct error *err);
bool backup_options_logical(struct logical_backup_options *options, const struct command *command,
                            struct error *err);

#endif
