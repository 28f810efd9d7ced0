/*
 * A snapshot may have the databases of a machine in one folder (/db) and its files in another
 * (/fs): of such a one the databases alone are a backup. And of a backup one folder may have been
 * asked for, which is an archive by itself: its files are given as those of such a folder.
 */
#ifndef PGCASK_RESTORE_DB_SOURCE_H
#define PGCASK_RESTORE_DB_SOURCE_H

#include "record/record.h"

#define DB_SOURCE_FOLDER "/db"

/* What a record is called in the backup: its path without that folder. Points into it. */
const char *db_source_path(const char *record_path);

/* Takes over the inner source; NULL: out of memory. */
struct record_source *db_source_new(struct record_source *inner, struct error *err);

#endif
