/* pgcask check: what a backup looks at before it begins, and nothing else. */
#include "cli/backup_target.h"
#include "cli/command.h"
#include "cli/preflight.h"
#include "cli/request.h"

static bool look_at_target(struct backup_target *target, struct command *command, struct error *err)
{
    *target = (struct backup_target){.text = "", .free_bytes = UINT64_MAX};
    if (!options_given(command->options, "to"))
        return true;
    if (!backup_target_of_command(target, command, err))
        return false;
    result_set_text(command->result, "target", target->text);
    if (target->place.kind == PLACE_TAR_STREAM) /* nobody writes to it now */
        return true;
    return backup_target_check(target, command, err);
}

static bool check(struct command *command, struct backup_request *request,
                  const struct server_uri *server, struct error *err)
{
    struct backup_target target;
    bool in_order;
    const char *kind;

    request->only_preflight = true;
    in_order = request_set_server(request, server, command, err);
    kind = options_scope_name(backup_request_scope(request));
    result_set_text(command->result, "kind", kind);
    if (!in_order || !look_at_target(&target, command, err) ||
        !preflight_check(command, request, &target, err))
        return false;
    command_say(command, "ready for a %s backup%s%s", kind, target.text[0] == '\0' ? "" : " to ",
                target.text);
    return true;
}

bool command_check(struct command *command, struct error *err)
{
    struct backup_request request = {0};
    struct server_uri server = {0};
    bool done;

    result_set_text(command->result, "source", options_argument(command->options, 0));
    done = server_uri_of_command(&server, command, err) &&
           request_of_command(&request, command, err) && check(command, &request, &server, err);
    backup_request_reset(&request);
    server_uri_reset(&server);
    return done;
}
