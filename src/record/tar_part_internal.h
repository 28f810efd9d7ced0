/*
 * Parts: how a record of unknown size is put into a tar that cannot be gone back in. "NAME" becomes
 * "NAME.part000001", "NAME.part000002", …; a digit more from the millionth on.
 */
#ifndef PGCASK_RECORD_TAR_PART_INTERNAL_H
#define PGCASK_RECORD_TAR_PART_INTERNAL_H

#include "record/record.h"

#define TAR_PART_MAX ((size_t)8 * 1024 * 1024) /* bytes of content of a part */

/* Writes the name of a part. */
bool tar_part_name(const char *name, unsigned number, char out[RECORD_PATH_MAX], struct error *err);

/* True if the name is that of a part; *name_len is then the length of the record's own name. Both
 * pointers may be NULL. */
bool tar_part_parse(const char *part, size_t *name_len, unsigned *number);

#endif
