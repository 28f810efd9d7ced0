/* Which archives a backup has: by its manifest.json, and by what came. */
#ifndef PGCASK_RESTORE_BACKUP_ARCHIVES_H
#define PGCASK_RESTORE_BACKUP_ARCHIVES_H

#include "manifest/manifest_decoder.h"

struct backup_archives;
struct wanted_databases;

struct backup_archives *backup_archives_new(struct error *err);
void backup_archives_free(struct backup_archives *archives); /* NULL is allowed */

/* The archive, or its folder, at that place came. The same one may be told again, at once. */
bool backup_archives_came(struct backup_archives *archives, const struct logical_place *place,
                          struct error *err);

/* How many of those that manifest.json (which keeps MANIFEST_DATABASES) names are wanted; *total:
 * how many it names, 0: it does not say; *exactly: by names that can be compared. */
size_t backup_archives_wanted(const struct manifest_facts *facts, struct wanted_databases *wanted,
                              size_t *total, bool *exactly);

/* Fails if one that it names and that is wanted has not come. name: of the backup. */
bool backup_archives_check(const struct backup_archives *archives,
                           const struct manifest_facts *facts, struct wanted_databases *wanted,
                           const char *name, struct error *err);

#endif
