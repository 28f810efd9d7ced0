/* What the files that make an entry's statements have in common: entry_statement.c knows what an
 * entry is called, entry_sql.c owners and what the session says, entry_objects.c groups of large
 * objects, entry_drop.c how entries are dropped. */
#ifndef PGCASK_RESTORE_ENTRY_SQL_INTERNAL_H
#define PGCASK_RESTORE_ENTRY_SQL_INTERNAL_H

#include "restore/entry_sql.h"

/* The entry's schema and name, as SQL has them. */
bool entry_sql_qualified(struct buffer *out, const struct archive_entry *entry, struct error *err);

/* Queues a statement that belongs to the entry. parts: NULL, or what it consists of. subject: the
 * entry's number, and more where the statement is not one of the session's own. */
bool entry_sql_queue(struct entry_sql *sql, uint64_t subject, const struct archive_entry *entry,
                     const char *text, const struct buffer *parts, struct error *err);

/* ---- Large objects (entry_objects.c) ---- */

/* A number and nothing else, which an archive has as text. */
bool entry_sql_append_oid(struct buffer *out, const char *text, struct error *err);

/* BLOB METADATA: a list of numbers in place of SQL. */
bool entry_sql_create_objects(struct entry_sql *sql, uint32_t number,
                              const struct archive_entry *entry, struct error *err);
/* BLOB: an entry for each, as archives up to 1.15 have them. */
bool entry_sql_can_wait(const struct archive_entry *entry);
bool entry_sql_wait(struct entry_sql *sql, uint32_t number, const struct archive_entry *entry,
                    struct error *err);
bool entry_sql_drop_objects(struct entry_sql *sql, uint32_t number,
                            const struct archive_entry *entry, struct error *err);

/* What is said of one of a group holds for all of it. */
bool entry_sql_allow_objects(struct entry_sql *sql, uint32_t number,
                             const struct archive_entry *entry, struct error *err);

/* What follows in the text behind the object's name with its schema, quoted or not; NULL: it does
 * not begin with that. */
const char *entry_sql_behind_name(const char *text, const struct archive_entry *entry);

#endif
