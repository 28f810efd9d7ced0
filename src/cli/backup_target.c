/* Where a backup goes is judged before any work: whether it can be written there, how much room
 * there is, and whether standard output is free for it. */
#include "cli/backup_target.h"

#include "base/error_names.h"
#include "manifest/summary.h"
#include "restore/surroundings.h"

#include <unistd.h>

bool backup_target_of_command(struct backup_target *target, const struct command *command,
                              struct error *err)
{
    *target = (struct backup_target){.text = command_text(command, "to"), .free_bytes = UINT64_MAX};
    return location_of_target(target->text, &target->place, &target->compression, err);
}

bool backup_target_check(struct backup_target *target, struct command *command, struct error *err)
{
    if (target->place.kind != PLACE_TAR_STREAM && !surroundings_check(target->text, err))
        return false;
    switch (target->place.kind) {
    case PLACE_DIRECTORY:
        return directory_store_check(target->text, &target->free_bytes, err);
    case PLACE_TAR_FILE:
        return tar_store_check_file(target->text, &target->free_bytes, err);
    case PLACE_TAR_STREAM:
        break;
    }
    if (isatty(STDOUT_FILENO)) {
        error_set(err, ERROR_USAGE, "standard output is a terminal, and a backup is not text");
        return error_hint(err, "Redirect it into a file or a pipe, or name a target.");
    }
    return command_leave_output(command, err);
}

bool backup_target_write(const struct backup_target *target, const struct command *command,
                         struct record_source *source, const struct record_observer *observer,
                         struct error *err)
{
    struct store_options options = {
        .last_path = SUMMARY_PATH,
        .compression = target->compression,
        .compression_level = COMPRESSION_LEVEL_DEFAULT,
        .observer = observer,
        .cancel = command->cancel,
        .log = &command->console->log,
    };

    return record_place_write(&target->place, source, &options, err);
}

const char *backup_target_shown(const struct backup_target *target)
{
    return target->place.kind == PLACE_TAR_STREAM ? "standard output" : target->text;
}
