/* The options of backups by their names on the command line. */
#ifndef PGCASK_LIBRARY_OPTIONS_H
#define PGCASK_LIBRARY_OPTIONS_H

#include "base/options.h"

enum library_command { LIBRARY_PHYSICAL, LIBRARY_LOGICAL };

/* Commands are those of enum library_command. */
extern const struct option_program library_options;

#endif
