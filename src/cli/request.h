/* The request for a backup, as "backup" and "check" are given it. */
#ifndef PGCASK_CLI_REQUEST_H
#define PGCASK_CLI_REQUEST_H

#include "backup/backup_request.h"
#include "cli/command.h"
#include "cli/server_uri.h"

/* How the backup is made, from the command's options. */
bool request_of_command(struct backup_request *request, const struct command *command,
                        struct error *err);

/* Which server it is of, and so of which kind: an option of the other kind is an error. */
bool request_set_server(struct backup_request *request, const struct server_uri *server,
                        const struct command *command, struct error *err);

#endif
