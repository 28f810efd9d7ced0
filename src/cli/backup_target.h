/* Where a backup goes: a directory, a .tar file, or standard output. */
#ifndef PGCASK_CLI_BACKUP_TARGET_H
#define PGCASK_CLI_BACKUP_TARGET_H

#include "cli/command.h"
#include "cli/location.h"

struct backup_target {
    const char *text; /* as typed */
    struct record_place place;
    enum compression compression; /* of a tar file */
    uint64_t free_bytes;          /* room there; UINT64_MAX: not known */
};

/* Of the option --to. */
bool backup_target_of_command(struct backup_target *target, const struct command *command,
                              struct error *err);

/* Fails unless a backup can be written there; asks for the room. */
bool backup_target_check(struct backup_target *target, struct command *command, struct error *err);

/* Writes the source's records; summary.json makes it complete. */
bool backup_target_write(const struct backup_target *target, const struct command *command,
                         struct record_source *source, const struct record_observer *observer,
                         struct error *err);

/* For the summary: the target, or what standard output is called. */
const char *backup_target_shown(const struct backup_target *target);

#endif
