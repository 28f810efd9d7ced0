/* Entries of an archive out of objects: what an entry says is put together only when it is asked
 * for, so that no more than one of them is in memory. */
#include "catalog/catalog_internal.h"

#include <stdlib.h>

#define STATEMENT_MAX (((size_t)1 << 30) - 16)

uint32_t catalog_entry_count(const struct catalog *catalog)
{
    return (uint32_t)catalog->slot_count + runs_count(catalog);
}

static bool add_dependency(struct catalog *catalog, size_t *count, int32_t dump_id,
                           struct error *err)
{
    if (*count == catalog->dependency_capacity) {
        size_t capacity = *count == 0 ? 64 : *count * 2;
        int32_t *grown = realloc(catalog->dependencies, capacity * sizeof(*grown));

        if (grown == NULL)
            return error_set_memory(err);
        catalog->dependencies = grown;
        catalog->dependency_capacity = capacity;
    }
    catalog->dependencies[(*count)++] = dump_id;
    return true;
}

static bool add_needs_of(struct catalog *catalog, const struct catalog_object *object,
                         const struct catalog_object *node, size_t *count, struct error *err)
{
    size_t found, first = depends_of(catalog, object, &found);

    for (size_t i = first; i < first + found; i++) {
        const struct catalog_object *needed = catalog->objects[catalog->edges[i].needed];

        if (needed->host != NULL)
            needed = needed->host;
        if (needed == node || !catalog_is_entry(catalog, needed))
            continue;
        if (!add_dependency(catalog, count, needed->dump_id, err))
            return false;
    }
    return true;
}

static int compare_ids(const void *a, const void *b)
{
    int32_t first = *(const int32_t *)a, second = *(const int32_t *)b;

    return (first > second) - (first < second);
}

static bool fill_dependencies(struct catalog *catalog, const struct catalog_object *object,
                              struct archive_entry *entry, struct error *err)
{
    size_t count = 0, kept = 0;

    if (!add_needs_of(catalog, object, object, &count, err))
        return false;
    for (const struct catalog_object *piece = object->pieces; piece != NULL;
         piece = piece->next_piece) {
        if (!add_needs_of(catalog, piece, object, &count, err))
            return false;
    }
    if (count > 1)
        qsort(catalog->dependencies, count, sizeof(*catalog->dependencies), compare_ids);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || catalog->dependencies[kept - 1] != catalog->dependencies[i])
            catalog->dependencies[kept++] = catalog->dependencies[i];
    }
    entry->dependencies = catalog->dependencies;
    entry->dependency_count = kept;
    return true;
}

/* Its own room each: the text store lends only one text at a time. */
static bool write_text(struct catalog *catalog, struct sql *sql, struct text_ref ref,
                       struct error *err)
{
    sql_begin_again(sql, ARCHIVE_TEXT_KEPT, err);
    sql_stored(sql, catalog, ref);
    return !sql->failed;
}

static bool fill_extra(struct catalog *catalog, const struct catalog_slot *slot,
                       struct archive_entry *entry, struct error *err)
{
    const struct catalog_object *host =
        slot->object->host != NULL ? slot->object->host : slot->object;
    const struct catalog_extra *extra = slot->extra;
    size_t count = 0;

    *entry = (struct archive_entry){
        .dump_id = extra->dump_id,
        .tag = extra->tag,
        .desc = extra->desc,
        .section = SECTION_NONE,
        .schema = slot->object->schema,
        .owner = extra->owner != NULL ? extra->owner : slot->object->owner,
    };
    if ((catalog_is_entry(catalog, host) && !add_dependency(catalog, &count, host->dump_id, err)) ||
        (extra->after != NULL && !add_dependency(catalog, &count, extra->after->dump_id, err)) ||
        !write_text(catalog, &catalog->definition, extra->text, err))
        return false;
    entry->definition = sql_text(&catalog->definition);
    entry->dependencies = catalog->dependencies;
    entry->dependency_count = count;
    return true;
}

static bool fill_definition(struct catalog *catalog, const struct catalog_object *object,
                            struct archive_entry *entry, struct error *err)
{
    struct sql *sql = &catalog->definition;

    sql_begin_again(sql, ARCHIVE_TEXT_KEPT, err);
    if (object->kind->write != NULL)
        object->kind->write(catalog, object, entry, sql);
    else
        sql_stored(sql, catalog, object->definition);
    if (sql->failed && object->kind->write != NULL)
        return error_prefix(err, "%s %s", object->kind->desc, object->identity);
    sql_stored(sql, catalog, object->tail);
    entry->definition = sql->text.len > 0 ? sql_text(sql) : NULL;
    return !sql->failed;
}

static bool fill_drop(struct catalog *catalog, const struct catalog_object *object,
                      struct archive_entry *entry, struct error *err)
{
    if (entry->drop != NULL || object->kind->no_drop)
        return true;
    if (object->empty_drop) {
        entry->drop = "";
        return true;
    }
    if (!write_text(catalog, &catalog->drop, object->drop, err))
        return false;
    if (object->drop.block == 0)
        sql_printf(&catalog->drop, "DROP %s %s;\n", catalog_word(object), object->identity);
    entry->drop = sql_text(&catalog->drop);
    return !catalog->drop.failed;
}

static bool fill_copy(struct catalog *catalog, const struct catalog_object *object,
                      struct archive_entry *entry, struct error *err)
{
    entry->has_data = object->data_query.block != 0;
    if (!write_text(catalog, &catalog->copy, object->copy, err))
        return false;
    entry->copy = object->copy.block == 0 ? NULL : sql_text(&catalog->copy);
    return true;
}

/* What a server takes as one query, which is how pg_restore sends a definition. */
static bool check_size(const struct archive_entry *entry, struct error *err)
{
    size_t len = entry->definition == NULL ? 0 : strlen(entry->definition);

    if (len <= STATEMENT_MAX)
        return true;
    error_set(err, ERROR_UNSUPPORTED,
              "%s %s%s%s takes %zu bytes of SQL: no server takes more than %zu in one statement",
              entry->desc, entry->schema == NULL ? "" : entry->schema,
              entry->schema == NULL ? "" : ".", entry->tag, len, STATEMENT_MAX);
    return error_hint(err, "Shorten it, or drop it if it is of no use, and run the backup again.");
}

bool catalog_entry(struct catalog *catalog, uint32_t number, struct archive_entry *entry,
                   struct error *err)
{
    const struct catalog_run *run = runs_find(catalog, &number);
    const struct catalog_slot *slot;
    const struct catalog_object *object;

    if (run != NULL)
        return run->entry(catalog, run->context, number, entry, err);
    slot = &catalog->slots[number];
    object = slot->object;
    if (slot->extra != NULL)
        return fill_extra(catalog, slot, entry, err) && check_size(entry, err);
    *entry = (struct archive_entry){
        .dump_id = object->dump_id,
        .catalog_oid = object->class_oid,
        .object_oid = object->oid,
        .tag = object->tag != NULL ? object->tag : object->name,
        .desc = object->kind->desc,
        .section = object->section,
        .schema = object->schema,
        .tablespace = object->tablespace,
        .access_method = object->access_method,
        .relkind = object->relkind,
        .owner = object->kind->no_owner ? NULL : object->owner,
    };
    return fill_definition(catalog, object, entry, err) && fill_drop(catalog, object, entry, err) &&
           fill_copy(catalog, object, entry, err) &&
           fill_dependencies(catalog, object, entry, err) && check_size(entry, err);
}

bool catalog_entry_has_data(const struct catalog *catalog, uint32_t number)
{
    return runs_find(catalog, &number) == NULL && catalog->slots[number].extra == NULL &&
           catalog->slots[number].object->data_query.block != 0;
}

bool catalog_entry_large_objects(const struct catalog *catalog, uint32_t number, uint32_t *first,
                                 uint32_t *count)
{
    const struct catalog_run *run = runs_find(catalog, &number);

    *first = *count = 0;
    if (run == NULL || run->objects == NULL)
        return false;
    run->objects(run->context, number, first, count);
    return true;
}

bool catalog_data_query(struct catalog *catalog, uint32_t number, const char **query,
                        struct error *err)
{
    runs_find(catalog, &number);
    return catalog_get_text(catalog, catalog->slots[number].object->data_query, query, err);
}

const char *catalog_data_table(const struct catalog *catalog, uint32_t number)
{
    runs_find(catalog, &number);
    return catalog->slots[number].object->identity;
}
