/* pgcask check: what a backup looks at before it begins, and nothing else. */
#include "cli/backup_options.h"
#include "cli/backup_target.h"
#include "cli/command.h"
#include "cli/format.h"
#include "cli/preflight.h"
#include "cli/server_uri.h"

#include <string.h>

static bool look_at_target(struct backup_target *target, struct command *command, struct error *err)
{
    *target = (struct backup_target){.text = "", .free_bytes = UINT64_MAX};
    if (!options_given(command->options, "to"))
        return true;
    if (!backup_target_of_command(target, command, err))
        return false;
    result_set_text(command->result, "target", target->text);
    if (target->kind == LOCATION_STREAM) /* nobody writes to it now */
        return true;
    return backup_target_check(target, command, err);
}

static bool check_physical(struct command *command, const struct server_uri *server,
                           const struct backup_target *target, struct error *err)
{
    struct physical_backup_options options;

    if (!backup_options_physical(&options, command, err))
        return false;
    options.settings = server->settings;
    return preflight_check(command, &options, target->text, target->free_bytes, err);
}

static bool check_logical(struct command *command, const struct server_uri *server,
                          const struct backup_target *target, struct error *err)
{
    struct logical_backup_options options;

    if (!backup_options_logical(&options, command, err))
        return false;
    options.settings = server->settings;
    return preflight_check_logical(command, &options, target->text, target->free_bytes, err);
}

static bool check(struct command *command, const struct server_uri *server, struct error *err)
{
    const char *kind =
        options_scope_name(server->physical ? OPTION_OF_PHYSICAL : OPTION_OF_LOGICAL);
    struct backup_target target;

    result_set_text(command->result, "kind", kind);
    if (!options_check_scope(command->options,
                             server->physical ? OPTION_OF_PHYSICAL : OPTION_OF_LOGICAL, err) ||
        !look_at_target(&target, command, err) ||
        !(server->physical ? check_physical(command, server, &target, err)
                           : check_logical(command, server, &target, err)))
        return false;
    command_say(command, "ready for a %s backup%s%s", kind, target.text[0] == '\0' ? "" : " to ",
                target.text);
    return true;
}

bool command_check(struct command *command, struct error *err)
{
    struct server_uri server = {0};
    bool done;

    result_set_text(command->result, "source", options_argument(command->options, 0));
    done = server_uri_of_command(&server, command, err) && check(command, &server, err);
    server_uri_reset(&server);
    return done;
}
