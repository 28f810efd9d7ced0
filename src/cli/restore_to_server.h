/* pgcask restore into databases of a server: --to is a URI. What is asked for is read the same way
 * where they become SQL. */
#ifndef PGCASK_CLI_RESTORE_TO_SERVER_H
#define PGCASK_CLI_RESTORE_TO_SERVER_H

#include "cli/command.h"
#include "restore/restore_request.h"

bool restore_read_request(struct restore_request *request, const struct command *command,
                          struct error *err);

bool restore_to_server(struct command *command, struct error *err);

#endif
