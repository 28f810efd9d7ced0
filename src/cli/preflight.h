/* What stands in the way of a backup or a restore, said all at once and before any work. */
#ifndef PGCASK_CLI_PREFLIGHT_H
#define PGCASK_CLI_PREFLIGHT_H

#include "backup/backup.h"
#include "cli/backup_target.h"
#include "cli/command.h"

/* Asks the server and looks at the space at the target; prints every finding with what mends it
 * and puts them into the result. Fails with ERROR_REFUSED if any would make the backup fail. */
bool preflight_check(const struct command *command, struct backup_request *request,
                     const struct backup_target *target, struct error *err);

/* Prints one and puts it into the result. */
void preflight_tell_finding(const struct command *command, const struct preflight_finding *finding);

/* The same question about the space, once the server has said how much it is going to send. */
bool preflight_check_space(uint64_t needed_bytes, const char *target, uint64_t free_bytes,
                           struct error *err);

#endif
