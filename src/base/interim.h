/* Databases that a restore fills under a name of their own (restore/target_interim.h), as everybody
 * tells them from others: as SQL has them, what such names and comments look like, and how the
 * comment of one for the database n begins. */
#ifndef PGCASK_BASE_INTERIM_H
#define PGCASK_BASE_INTERIM_H

#define INTERIM_NAMES "^pgcask_re(store|placed)_[0-9a-f]{12}$"
#define INTERIM_FILLED "pgcask: being filled for the database \""
#define INTERIM_REPLACED "pgcask: was the database \""

#endif
