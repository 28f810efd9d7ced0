/* Names of objects, and their owners, in an SQL script. */
#ifndef PGCASK_ARCHIVE_PLAIN_OWNERS_INTERNAL_H
#define PGCASK_ARCHIVE_PLAIN_OWNERS_INTERNAL_H

#include "archive/archive.h"
#include "base/buffer.h"

bool plain_starts_with(const char *text, const char *start);
/* list: ends with NULL. */
bool plain_is_one_of(const char *text, const char *const *list);

/* Always in quotes. schema: NULL if it is in none. */
bool plain_append_qualified(struct buffer *out, const char *schema, const char *name,
                            struct error *err);

/* ALTER … OWNER TO …; nothing of what has no owner of its own. */
bool plain_append_owner(struct buffer *out, const struct archive_entry *entry, struct error *err);

#endif
