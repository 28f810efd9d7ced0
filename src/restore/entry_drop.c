/* How an entry is dropped before it is made anew. */
#include "restore/entry_sql_internal.h"

#include "wire/wire.h"

#include <string.h>

#define REPLACES_VIEW "CREATE OR REPLACE VIEW "
#define RULE_OF_VIEW " _RETURN"

/* The query of a view that is made in two steps is not dropped: the view is given one that needs
 * nothing. Where there is no such view, its schema and types may be missing, too. (What a backslash
 * means differs from archive to archive.) */
static bool replaces_view(enum entry_kind kind, const struct archive_entry *entry)
{
    size_t len = entry->tag == NULL ? 0 : strlen(entry->tag), end = strlen(RULE_OF_VIEW);

    return kind == ENTRY_RULE && strncmp(entry->drop, REPLACES_VIEW, strlen(REPLACES_VIEW)) == 0 &&
           strchr(entry->drop, '\\') == NULL && len > end &&
           strcmp(entry->tag + len - end, RULE_OF_VIEW) == 0;
}

static bool append_body(struct buffer *out, struct buffer *name, const struct archive_entry *entry,
                        struct error *err)
{
    struct buffer tag = {0};
    struct archive_entry view = *entry;
    bool done = buffer_append(&tag, entry->tag, strlen(entry->tag) - strlen(RULE_OF_VIEW), err);

    view.tag = done ? buffer_text(&tag) : NULL;
    done = done && entry_sql_qualified(name, &view, err) &&
           buffer_append_string(out, "BEGIN IF pg_catalog.to_regclass(", err) &&
           wire_quote_literal(out, buffer_text(name), err) &&
           buffer_append_string(out, ") IS NOT NULL THEN EXECUTE ", err) &&
           wire_quote_literal(out, entry->drop, err) &&
           buffer_append_string(out, "; END IF; END", err);
    buffer_free(&tag);
    return done;
}

static bool append_replacing(struct buffer *out, const struct archive_entry *entry,
                             struct error *err)
{
    struct buffer body = {0}, name = {0};
    bool done = append_body(&body, &name, entry, err) && buffer_append_string(out, "DO ", err) &&
                wire_quote_literal(out, buffer_text(&body), err);

    buffer_free(&body);
    buffer_free(&name);
    return done;
}

bool entry_sql_drop(struct entry_sql *sql, uint32_t number, const struct archive_entry *entry,
                    struct error *err)
{
    enum entry_kind kind = entry_kind_of(entry->desc);

    if (entry->drop == NULL || entry->drop[0] == '\0')
        return true;
    if (kind == ENTRY_BLOB_METADATA)
        return entry_sql_drop_objects(sql, number, entry, err);
    if (strncmp(entry->drop, "--", 2) == 0)
        return true;
    buffer_clear_keeping(&sql->text, ARCHIVE_TEXT_KEPT);
    return (replaces_view(kind, entry) ? append_replacing(&sql->text, entry, err)
                                       : archive_append_drop(&sql->text, entry, err)) &&
           entry_sql_queue(sql, number, entry, buffer_text(&sql->text), NULL, err);
}
