/* The options of backups and restores by their names on the command line. */
#ifndef PGCASK_LIBRARY_OPTIONS_H
#define PGCASK_LIBRARY_OPTIONS_H

#include "base/options.h"

enum library_command { LIBRARY_PHYSICAL, LIBRARY_LOGICAL, LIBRARY_RESTORE };

/* Commands are those of enum library_command. */
extern const struct option_program library_options;

#endif
