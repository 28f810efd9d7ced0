/* The option table's values become a request in src/backup; what is added here is what only the
 * command has: words as they were typed, its console, its signals. */
#include "cli/request.h"

#include <string.h>

bool request_of_command(struct backup_request *request, const struct command *command,
                        struct error *err)
{
    *request = (struct backup_request){
        .cancel = command->cancel,
        .log = &command->console->log,
    };
    if (!backup_request_read(request, command->options, err))
        return false;
    request->label = command_text(command, "label");
    if (request->filter_file != NULL && strcmp(request->filter_file, "-") == 0 &&
        !backup_request_read_filter(request, stdin, err))
        return false;
    return backup_request_check(request, err); /* what is shown may hide what is wrong with it */
}

bool request_set_server(struct backup_request *request, const struct server_uri *server,
                        const struct command *command, struct error *err)
{
    request->settings = server->settings;
    request->physical = server->physical;
    return options_check_scope(command->options, backup_request_scope(request), err) &&
           (request->physical || backup_request_settle_databases(request, true, err));
}
