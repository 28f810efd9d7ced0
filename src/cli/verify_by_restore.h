/* pgcask verify --restore-to: what a backup says is held against what comes of it in a server. */
#ifndef PGCASK_CLI_VERIFY_BY_RESTORE_H
#define PGCASK_CLI_VERIFY_BY_RESTORE_H

#include "cli/command.h"

bool verify_by_restore(struct command *command, struct error *err);

/* Fails if options were given that are about a server, which was not. */
bool verify_by_restore_check_unused(const struct command *command, struct error *err);

#endif
