/* A backup that can be opened once more is looked over before anything is done: what is in the way
 * of any of its databases is told at once, as it is of one archive or script. */
#ifndef PGCASK_RESTORE_BACKUP_LOOK_H
#define PGCASK_RESTORE_BACKUP_LOOK_H

#include "manifest/logical_layout.h"
#include "record/place.h"
#include "restore/archive_restore.h"

struct script_restore;
struct wanted_databases;

/* Whether it can: a directory, or a file that is no pipe. */
bool backup_look_can(const struct record_place *place);

/* Gives the content of the record of that path to take(); fails if there is none. */
bool backup_look_record(const struct record_place *place, const char *path,
                        bool (*take)(void *context, struct reader *reader, struct error *err),
                        void *context, const struct cancel *cancel, struct error *err);

/* The bytes of that record, for whom they come. */
bool backup_look_script(const struct record_place *place, const char *path,
                        struct script_restore *script, const struct cancel *cancel,
                        struct error *err);
bool backup_look_feed(struct script_restore *script, struct reader *reader, struct error *err);

/* Whether its archives can be found in it as well: the file is not compressed. */
bool backup_look_can_open(const struct record_place *place);

/* What its records' names say, where its archives can be found in it; else nothing is found. */
struct backup_names {
    size_t archives;
    bool manifest, summary;
};
bool backup_look_names(const struct record_place *place, const struct cancel *cancel,
                       struct backup_names *names, struct error *err);

/* All of its archives that are wanted, in one plan, which is told to the request. opened: the same
 * place. */
bool backup_look_archives(const struct record_place *place, const struct archive_place *opened,
                          enum logical_layout layout, struct wanted_databases *wanted,
                          const struct archive_restore_options *options,
                          const struct restore_request *request,
                          struct logical_restore_report *report, struct error *err);

#endif
