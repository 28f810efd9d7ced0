/* The version of the library: of the headers, and of what was linked. */
#ifndef PGCASK_VERSION_H
#define PGCASK_VERSION_H

#include "common.h"

PGCASK_C_BEGIN

#define PGCASK_VERSION_MAJOR 0
#define PGCASK_VERSION_MINOR 1
#define PGCASK_VERSION_PATCH 0
#define PGCASK_VERSION_STRING "0.1.0"

/* For comparisons: 0.1.0 is 100, 1.2.3 is 10203. */
#define PGCASK_VERSION_NUMBER                                                                      \
    (PGCASK_VERSION_MAJOR * 10000 + PGCASK_VERSION_MINOR * 100 + PGCASK_VERSION_PATCH)

/* What was linked: "0.1.0". */
const char *pgcask_version(void);

PGCASK_C_END

#endif
