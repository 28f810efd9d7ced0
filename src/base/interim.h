/* Databases that a restore fills under a name of their own (restore/target_interim.h), as everybody
 * tells them from others: as SQL has them, what such names and comments look like, and how the
 * comment of one for the database n begins, and what stands before its own comment in that of one
 * that is kept until another is complete. */
#ifndef PGCASK_BASE_INTERIM_H
#define PGCASK_BASE_INTERIM_H

#define INTERIM_NAMES "^pgcask_re(store|placed)_[0-9a-f]{12}$"
#define INTERIM_FILLED "pgcask: being filled for the database \""
#define INTERIM_REPLACED "pgcask: was the database \""
#define INTERIM_KEPT "pgcask: is kept until another one is complete as the database \""
#define INTERIM_KEPT_COMMENT "; its comment: "

#endif
