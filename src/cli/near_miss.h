/* What a folder or file is that was given for a backup and is none. */
#ifndef PGCASK_CLI_NEAR_MISS_H
#define PGCASK_CLI_NEAR_MISS_H

#include "base/quote.h"
#include "record/store.h"

/* True if the folder may be a backup, perhaps an incomplete one. Else *err says what it seems to
 * be, and what to type instead. */
bool near_miss_check(const char *folder, struct error *err);

/* False, with *err, for what another run is writing or an interrupted one left. */
bool near_miss_check_finished(const char *name, bool is_folder, struct error *err);

/* A data directory that can be held against the server's backup_manifest in it. */
bool near_miss_is_copy(const char *folder);

/* Whether the folder is the data folder of a backup, directly: its manifest.json is beside it. */
bool near_miss_is_data_of_backup(const char *folder);

/* The backup that the folder is a part of, for a shell. */
bool near_miss_find_backup_above(const char *folder, char quoted[QUOTE_PATH_SIZE]);

/* Whether a server seems to have run on the copy. */
bool near_miss_was_started(const char *folder);

/* Whether archives or scripts lie in it as Plakar's official integration names them: that is
 * restored without a manifest.json, too. */
bool near_miss_is_of_stock_tools(const char *folder);

/* … and it has neither a manifest.json nor anything else that a backup of ours has. */
bool near_miss_lacks_manifest(const char *folder);

/* near_miss_check() for what was opened. Of a file or pipe the first bytes tell whether it may be a
 * tar. words: a command that takes the backup from standard input, for hints. */
bool near_miss_check_source(const char *name, bool is_folder, struct record_source *source,
                            const char *words, struct error *err);

#endif
