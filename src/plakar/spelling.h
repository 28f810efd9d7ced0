/* How a configuration of Plakar calls the options and settings that texts from below name. */
#ifndef PGCASK_PLAKAR_SPELLING_H
#define PGCASK_PLAKAR_SPELLING_H

#include "base/error.h"

extern const struct error_speller plakar_speller;

#endif
