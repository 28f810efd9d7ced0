/*
 * How an entry is dropped before it is made anew: its own statement, in which IF EXISTS is put
 * where it belongs, because nobody knows whether the object is there. That place is found as
 * pg_restore finds it, by the words that the statement must have.
 */
#include "archive/archive_contents.h"
#include "archive/plain_objects_internal.h"

#include <string.h>

#define ALTER_TABLE "ALTER TABLE"
#define IF_EXISTS " IF EXISTS"

/* "DROP CONSTRAINT", "DROP TABLE", … */
static bool append_words(struct buffer *out, enum entry_kind kind, const char *desc,
                         struct error *err)
{
    bool constraint =
        kind == ENTRY_CONSTRAINT || kind == ENTRY_CHECK_CONSTRAINT || kind == ENTRY_FK_CONSTRAINT;

    return buffer_append_string(out, "DROP ", err) &&
           buffer_append_string(out, constraint ? "CONSTRAINT" : desc, err);
}

/* Of these the statement drops nothing, but sets something back. */
static bool only_sets_back(enum entry_kind kind, const char *drop)
{
    return kind == ENTRY_DEFAULT || kind == ENTRY_DATABASE_PROPERTIES ||
           strncmp(drop, "CREATE OR REPLACE VIEW", 22) == 0;
}

static bool rewrite(struct buffer *out, const char *drop, const char *words, struct error *err)
{
    const char *found;

    if (strncmp(drop, ALTER_TABLE, strlen(ALTER_TABLE)) == 0) {
        drop += strlen(ALTER_TABLE);
        if (!buffer_append_string(out, ALTER_TABLE IF_EXISTS, err))
            return false;
    }
    found = words == NULL ? NULL : strstr(drop, words);
    if (found == NULL)
        return buffer_append_string(out, drop, err);
    found += strlen(words);
    return buffer_append(out, drop, (size_t)(found - drop), err) &&
           buffer_append_string(out, IF_EXISTS, err) && buffer_append_string(out, found, err);
}

/* Its number, and nothing else. */
static bool append_object_drop(struct buffer *out, const struct archive_entry *entry,
                               struct error *err)
{
    if (entry->tag[0] == '\0' || entry->tag[strspn(entry->tag, "0123456789")] != '\0')
        return error_set(err, ERROR_CORRUPT, "the archive has a large object without a number");
    return plain_append_object_drops(out, entry->tag, err);
}

bool archive_append_drop(struct buffer *out, const struct archive_entry *entry, struct error *err)
{
    enum entry_kind kind = entry_kind_of(entry->desc);
    struct buffer words = {0};
    bool done;

    if (entry->drop == NULL || entry->drop[0] == '\0')
        return true;
    if (kind == ENTRY_BLOB_METADATA)
        return entry->definition == NULL ||
               (plain_append_object_drops(out, entry->definition, err) &&
                buffer_append_byte(out, '\n', err));
    if (kind == ENTRY_BLOB)
        return append_object_drop(out, entry, err);
    if (strncmp(entry->drop, "--", 2) == 0)
        return buffer_append_string(out, entry->drop, err);
    done = append_words(&words, kind, entry->desc, err) &&
           rewrite(out, entry->drop, only_sets_back(kind, entry->drop) ? NULL : buffer_text(&words),
                   err);
    buffer_free(&words);
    return done;
}
