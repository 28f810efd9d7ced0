/* What begins as no backup does. */
#ifndef PGCASK_RESTORE_BACKUP_BEGIN_H
#define PGCASK_RESTORE_BACKUP_BEGIN_H

#include "record/place.h"

/* Fails, and says what it may be instead: path is of its first record. place may be NULL. */
bool backup_begin_refuse(const char *name, const struct record_place *place, const char *path,
                         struct error *err);

/* A cluster's files are none for a server that runs. */
bool backup_begin_refuse_cluster(const char *name, struct error *err);

#endif
