/* How an entry is dropped before it is made anew. */
#include "restore/entry_sql_internal.h"

#include <string.h>

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
    return archive_append_drop(&sql->text, entry, err) &&
           entry_sql_queue(sql, number, entry, buffer_text(&sql->text), NULL, err);
}
