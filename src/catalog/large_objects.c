/*
 * Large objects as they are found: owner and privileges are those of a few classes, comments and
 * labels lie aside, with their statements in the text store.
 */
#include "catalog/large_objects_internal.h"

#include "base/array.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdlib.h>

/* ---- Collecting ---- */

struct large_objects *large_objects_new(struct catalog *catalog, struct error *err)
{
    struct large_objects *objects = calloc(1, sizeof(*objects));

    if (objects == NULL) {
        error_set_memory(err);
        return NULL;
    }
    objects->catalog = catalog;
    objects->grouped = catalog_server_major(catalog) >= 17;
    return objects;
}

void large_objects_free(struct large_objects *objects)
{
    if (objects == NULL)
        return;
    free(objects->objects);
    free(objects->classes);
    free(objects->class_table);
    free(objects->notes);
    free(objects->order);
    free(objects->groups);
    free(objects->marks);
    free(objects);
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
    for (; text != NULL && *text != '\0'; text++)
        hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
    return (hash ^ (text == NULL)) * UINT64_C(0x100000001b3);
}

static uint32_t *class_place(const struct large_objects *objects, const struct class *wanted)
{
    uint64_t hash = hash_text(UINT64_C(0xcbf29ce484222325), wanted->owner);
    size_t at;

    hash = hash_text(hash, wanted->acl);
    at = (size_t)(hash >> 20) & (objects->table_size - 1);
    while (objects->class_table[at] != 0) {
        const struct class *class = &objects->classes[objects->class_table[at] - 1];

        if (text_same(class->owner, wanted->owner) && text_same(class->acl, wanted->acl))
            break;
        at = (at + 1) & (objects->table_size - 1);
    }
    return &objects->class_table[at];
}

static bool grow_class_table(struct large_objects *objects, struct error *err)
{
    size_t size = objects->table_size == 0 ? 64 : objects->table_size * 2;
    uint32_t *table;

    if (objects->class_count * 2 < objects->table_size)
        return true;
    table = calloc(size, sizeof(*table));
    if (table == NULL)
        return error_set_memory(err);
    free(objects->class_table);
    objects->class_table = table;
    objects->table_size = size;
    for (size_t i = 0; i < objects->class_count; i++)
        *class_place(objects, &objects->classes[i]) = (uint32_t)i + 1;
    return true;
}

bool large_objects_write_privileges(const struct large_objects *objects, const struct class *class,
                                    const char *target, struct sql *sql)
{
    const struct privileges privileges = {
        .acl = class->acl,
        .usual = class->usual,
        .on = "LARGE OBJECT",
        .type = 'L',
    };

    return privileges_write(sql, objects->catalog, &privileges, target, class->owner,
                            catalog_server_major(objects->catalog));
}

static bool add_class(struct large_objects *objects, const struct class *wanted, uint32_t *number,
                      struct error *err)
{
    struct arena *arena = catalog_arena(objects->catalog);
    struct sql sql = {.err = err};
    struct class *class;

    if (objects->class_count == objects->class_capacity) {
        struct class *classes =
            array_grow(objects->classes, &objects->class_capacity, sizeof(*classes), err);

        if (classes == NULL)
            return false;
        objects->classes = classes;
    }
    class = &objects->classes[objects->class_count];
    *class = (struct class){.owner = arena_copy(arena, wanted->owner, err),
                            .acl = arena_copy(arena, wanted->acl, err),
                            .usual = arena_copy(arena, wanted->usual, err)};
    if (class->owner == NULL || (wanted->acl != NULL && class->acl == NULL) ||
        (wanted->usual != NULL && class->usual == NULL))
        return false;
    if (large_objects_write_privileges(objects, class, "0", &sql))
        class->has_acl = sql.text.len > 0;
    *number = (uint32_t)++objects->class_count;
    return sql_end(&sql);
}

/* Neighbours are usually of the same. */
static bool find_class(struct large_objects *objects, const struct class *wanted, uint32_t *found,
                       struct error *err)
{
    uint32_t *place;

    if (objects->count > 0) {
        uint32_t last = objects->objects[objects->count - 1].class;
        const struct class *class = &objects->classes[last];

        if (text_same(class->owner, wanted->owner) && text_same(class->acl, wanted->acl)) {
            *found = last;
            return true;
        }
    }
    if (!grow_class_table(objects, err))
        return false;
    place = class_place(objects, wanted);
    if (*place == 0 && !add_class(objects, wanted, place, err))
        return false;
    *found = *place - 1;
    return true;
}

bool large_objects_add(struct large_objects *objects, uint32_t oid, const char *owner,
                       const char *acl, const char *usual, struct error *err)
{
    const struct class wanted = {.owner = owner, .acl = acl, .usual = acl == NULL ? NULL : usual};
    uint32_t class;

    if (objects->count > 0 && objects->objects[objects->count - 1].oid >= oid)
        return error_set(err, ERROR_PROTOCOL, "the server gave its large objects in no order");
    if (!find_class(objects, &wanted, &class, err))
        return false;
    if (objects->count == INT32_MAX) /* an archive could not have that many entries */
        return catalog_reserve_dump_ids(objects->catalog, UINT64_MAX, &objects->first_id, err);
    if (objects->count == objects->capacity) {
        struct large_object *grown =
            array_grow(objects->objects, &objects->capacity, sizeof(*grown), err);

        if (grown == NULL)
            return false;
        objects->objects = grown;
    }
    objects->objects[objects->count++] = (struct large_object){oid, class};
    objects->classes[class].count++;
    return true;
}

/* ---- Comments and labels ---- */

static bool find_object(const struct large_objects *objects, uint32_t oid, uint32_t *index)
{
    size_t low = 0, high = objects->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (objects->objects[middle].oid < oid)
            low = middle + 1;
        else
            high = middle;
    }
    *index = (uint32_t)low;
    return low < objects->count && objects->objects[low].oid == oid;
}

static bool add_note(struct large_objects *objects, uint32_t object, bool is_label,
                     struct sql *text, struct error *err)
{
    struct note *note;

    if (objects->note_count == objects->note_capacity) {
        struct note *notes =
            array_grow(objects->notes, &objects->note_capacity, sizeof(*notes), err);

        if (notes == NULL) {
            sql_end(text);
            return false;
        }
        objects->notes = notes;
    }
    note = &objects->notes[objects->note_count++];
    *note = (struct note){.object = object & INT32_MAX, .is_label = is_label};
    return sql_put(text, objects->catalog, &note->text);
}

bool large_objects_comment(struct large_objects *objects, uint32_t oid, const char *comment,
                           struct error *err)
{
    struct sql sql = {.err = err};
    uint32_t object;

    if (!find_object(objects, oid, &object))
        return true;
    sql_printf(&sql, "COMMENT ON LARGE OBJECT %" PRIu32 " IS ", oid);
    sql_literal(&sql, comment);
    sql_add(&sql, ";\n");
    return add_note(objects, object, false, &sql, err);
}

/* The labels of a large object are one entry, whoever provides them. */
bool large_objects_label(struct large_objects *objects, uint32_t oid, const char *provider,
                         const char *label, struct error *err)
{
    size_t last = objects->note_count - 1; /* of none: a number that is no note's */
    struct sql sql = {.err = err};
    uint32_t object;
    bool more;

    if (!find_object(objects, oid, &object))
        return true;
    more = last < objects->note_count && objects->notes[last].is_label &&
           objects->notes[last].object == object;
    if (more)
        sql_stored(&sql, objects->catalog, objects->notes[last].text);
    sql_add(&sql, "SECURITY LABEL FOR ");
    sql_name(&sql, provider);
    sql_printf(&sql, " ON LARGE OBJECT %" PRIu32 " IS ", oid);
    sql_literal(&sql, label);
    sql_add(&sql, ";\n");
    return more ? sql_put(&sql, objects->catalog, &objects->notes[last].text)
                : add_note(objects, object, true, &sql, err);
}

/* ---- Once they are settled ---- */

const struct large_object *large_objects_at(const struct large_objects *objects, uint32_t index)
{
    return &objects->objects[objects->order != NULL ? objects->order[index] : index];
}

void large_objects_read_by(struct large_objects *objects, bool directly, uint32_t page_size)
{
    objects->directly = directly;
    objects->page_size = page_size;
}

uint32_t large_objects_page_size(const struct large_objects *objects)
{
    return objects->directly ? objects->page_size : 0;
}

uint32_t large_objects_count(const struct large_objects *objects)
{
    return (uint32_t)objects->count;
}

uint32_t large_objects_oid(const struct large_objects *objects, uint32_t index)
{
    return large_objects_at(objects, index)->oid;
}

uint32_t large_objects_piece_count(const struct large_objects *objects)
{
    return (uint32_t)objects->group_count;
}

uint32_t large_objects_piece(const struct large_objects *objects, uint32_t piece)
{
    return piece < objects->group_count ? objects->groups[piece].first : (uint32_t)objects->count;
}

bool large_objects_piece_is_range(const struct large_objects *objects, uint32_t piece)
{
    const struct group group = objects->groups[piece];
    uint32_t last = group.first + group.count - 1;

    return objects->order == NULL ||
           objects->order[last] - objects->order[group.first] == group.count - 1;
}
