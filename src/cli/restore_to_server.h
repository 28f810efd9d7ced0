/* pgcask restore into databases of a server: --to is a URI. */
#ifndef PGCASK_CLI_RESTORE_TO_SERVER_H
#define PGCASK_CLI_RESTORE_TO_SERVER_H

#include "cli/command.h"

bool restore_to_server(struct command *command, struct error *err);

#endif
