/* What every header of pgcask needs. */
#ifndef PGCASK_COMMON_H
#define PGCASK_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
#define PGCASK_C_BEGIN extern "C" {
#define PGCASK_C_END }
#else
#define PGCASK_C_BEGIN
#define PGCASK_C_END
#endif

#ifdef __GNUC__
#define PGCASK_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define PGCASK_PRINTF(text, first)
#endif

/*
 * A structure whose first member is struct_size may grow in later versions. Make it ready with this
 * before anything is put into it, and pass it on: all other members are zero or NULL then, which is
 * the default of each.
 *
 *     struct pgcask_backup_options options;
 *     PGCASK_INIT(options);
 *     options.label = "nightly";
 */
#define PGCASK_INIT(variable)                                                                      \
    (memset(&(variable), 0, sizeof(variable)), (void)((variable).struct_size = sizeof(variable)))

/* How a step of reading went. */
enum pgcask_step {
    PGCASK_FAILED = -1, /* *error says why; asking again gives the same answer */
    PGCASK_END = 0,     /* there is nothing more */
    PGCASK_MORE = 1     /* here it is */
};

#endif
