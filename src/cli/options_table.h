/* Every command and option of pgcask. */
#ifndef PGCASK_CLI_OPTIONS_TABLE_H
#define PGCASK_CLI_OPTIONS_TABLE_H

#include "base/options.h"

/* In the order of the table's commands. */
enum command_number {
    COMMAND_BACKUP,
    COMMAND_VERIFY,
    COMMAND_RESTORE,
    COMMAND_LIST,
    COMMAND_PING,
    COMMAND_CHECK,
    COMMAND_RELOCATE,
    COMMAND_HELP,
    COMMAND_VERSION,
    COMMAND_COMPLETION,
    COMMAND_OPTIONS_REFERENCE,
    COMMAND_PLAKAR,
    COMMAND_PLAKAR_DESTINATION,
    COMMAND_PLAKAR_SCHEMA
};

extern const struct option_program pgcask_program;

#endif
