/* Large objects in an SQL script: statements that an archive has once for a group of them, and
 * their bytes. */
#ifndef PGCASK_ARCHIVE_PLAIN_OBJECTS_INTERNAL_H
#define PGCASK_ARCHIVE_PLAIN_OBJECTS_INTERNAL_H

#include "archive/archive_stream_internal.h"

/* From 1.16 on an entry makes up to a thousand large objects that have the same owner and
 * privileges: its definition is the list of their numbers, a line each. */
bool plain_is_object_group(const struct archive_entry *entry);

/* What makes all of that list. */
bool plain_append_objects(struct buffer *out, const char *list, struct error *err);

/* ALTER LARGE OBJECT … OWNER TO … for all of that list. */
bool plain_append_object_owners(struct buffer *out, const char *list, const char *owner,
                                struct error *err);

/* Whether its statements are about one of a group, and meant for each. */
bool plain_is_about_group(const struct archive_entry *entry);
bool plain_append_for_each(struct buffer *out, const char *statements, const char *list,
                           struct error *err);

/* The name of a role. */
bool plain_append_role(struct buffer *out, const char *name, struct error *err);

/* What drops all of that list, as far as it is there. */
bool plain_append_object_drops(struct buffer *out, const char *list, struct error *err);

/* The bytes of an entry's large objects: one transaction. All zeros at first. */
struct plain_objects {
    bool within;   /* one that was begun before; to be set each time */
    uint32_t next; /* of the entry's */
    bool begun, in_object;
    struct buffer bytes; /* that wait for their statement */
};

void plain_objects_reset(struct plain_objects *objects);

/* Appends some 64 KiB of statements; *ended with the last of them, and then it can be used again.
 */
bool plain_objects_fill(struct plain_objects *objects, const struct archive_stream *stream,
                        uint32_t number, struct buffer *out, bool *ended, struct error *err);

#endif
