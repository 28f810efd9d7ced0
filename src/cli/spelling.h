/* How the command calls the options and settings that texts from below name. */
#ifndef PGCASK_CLI_SPELLING_H
#define PGCASK_CLI_SPELLING_H

#include "base/error.h"

extern const struct error_speller command_speller;

#endif
