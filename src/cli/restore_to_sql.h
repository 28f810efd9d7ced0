/* pgcask restore --to - or FILE.sql. */
#ifndef PGCASK_CLI_RESTORE_TO_SQL_H
#define PGCASK_CLI_RESTORE_TO_SQL_H

#include "cli/command.h"

bool restore_to_sql(struct command *command, struct error *err);

#endif
