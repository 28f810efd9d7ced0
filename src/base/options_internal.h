/* What the option table says of itself, for the files here that make texts of it. */
#ifndef PGCASK_BASE_OPTIONS_INTERNAL_H
#define PGCASK_BASE_OPTIONS_INTERNAL_H

#include "base/options.h"

#define OPTION_HELP_SIZE 1024

/* The help of an option as the command line spells the others that it names; in `out`. */
const char *options_help_of(const struct option_spec *spec, char out[OPTION_HELP_SIZE]);

#endif
