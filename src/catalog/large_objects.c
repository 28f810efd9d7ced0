/*
 * What is kept of large objects, and the entries made of it.
 *
 * Owner and privileges are those of a few classes. A **holder** has an entry of its own, with those
 * of its comments, labels and privileges behind it: one large object, or a group. Where its entries
 * begin is known for every so many holders; from there it is counted on, which for entries that are
 * asked for one after the other is a step each.
 */
#include "catalog/large_objects.h"

#include "base/array.h"
#include "catalog/catalog_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define GROUP_MAX 1000
#define MARK_EVERY 256
#define OID_SIZE 12 /* with a line feed and a NUL */

struct large_object {
    uint32_t oid;
    uint32_t class;
};

/* Those with the same owner and privileges. */
struct class {
    const char *owner, *acl, *usual;
    bool has_acl; /* whether there are statements in it */
    uint32_t count, filled;
};

/* A comment, or the labels of all providers. */
struct note {
    uint32_t object : 31; /* first by number; once settled, in the order of reading */
    uint32_t is_label : 1;
    struct text_ref text;
};

struct group {
    uint32_t first, count; /* in the order of reading */
};

/* Where a holder's entries begin. */
struct place {
    uint32_t holder, entry, note;
};

struct large_objects {
    struct catalog *catalog;
    bool grouped;
    struct large_object *objects; /* by number */
    size_t count, capacity;
    struct class *classes;
    size_t class_count, class_capacity;
    uint32_t *class_table; /* of numbers from 1, by their hash */
    size_t table_size;
    struct note *notes;
    size_t note_count, note_capacity;

    uint32_t *order; /* grouped: of objects; NULL: as they are */
    struct group *groups;
    size_t group_count, group_capacity;
    uint32_t holders;
    struct place *marks;
    size_t mark_count, mark_capacity;
    struct place at;           /* that was looked at last */
    int32_t first_id, data_id; /* dump ids of what makes them, and of their bytes */
    bool directly;
    uint32_t page_size;

    /* Of the entry given last. */
    char tag[48];
    int32_t needed;
};

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

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
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

        if (same_text(class->owner, wanted->owner) && same_text(class->acl, wanted->acl))
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

/* GRANT and REVOKE of one of that class, as GRANT names it. */
static bool write_privileges(const struct large_objects *objects, const struct class *class,
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
    if (write_privileges(objects, class, "0", &sql))
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

        if (same_text(class->owner, wanted->owner) && same_text(class->acl, wanted->acl)) {
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
    struct note *last = objects->note_count == 0 ? NULL : &objects->notes[objects->note_count - 1];
    struct sql sql = {.err = err};
    uint32_t object;

    if (!find_object(objects, oid, &object))
        return true;
    if (last != NULL && last->is_label && last->object == object)
        sql_stored(&sql, objects->catalog, last->text);
    else
        last = NULL;
    sql_add(&sql, "SECURITY LABEL FOR ");
    sql_name(&sql, provider);
    sql_printf(&sql, " ON LARGE OBJECT %" PRIu32 " IS ", oid);
    sql_literal(&sql, label);
    sql_add(&sql, ";\n");
    return last != NULL ? sql_put(&sql, objects->catalog, &last->text)
                        : add_note(objects, object, true, &sql, err);
}

/* ---- Groups ---- */

static bool add_group(struct large_objects *objects, uint32_t first, uint32_t count,
                      struct error *err)
{
    if (objects->group_count == objects->group_capacity) {
        struct group *groups =
            array_grow(objects->groups, &objects->group_capacity, sizeof(*groups), err);

        if (groups == NULL)
            return false;
        objects->groups = groups;
    }
    objects->groups[objects->group_count++] = (struct group){first, count};
    return true;
}

static bool add_groups(struct large_objects *objects, uint32_t first, uint32_t count,
                       struct error *err)
{
    for (uint32_t at = 0; at < count; at += GROUP_MAX) {
        uint32_t left = count - at;

        if (!add_group(objects, first + at, left < GROUP_MAX ? left : GROUP_MAX, err))
            return false;
    }
    return true;
}

/* One class after the other, each by numbers. Comments follow their objects. */
static bool sort_by_class(struct large_objects *objects, struct error *err)
{
    uint32_t first = 0;

    objects->order = calloc(objects->count, sizeof(*objects->order));
    if (objects->order == NULL)
        return error_set_memory(err);
    for (size_t i = 0; i < objects->class_count; i++) {
        objects->classes[i].filled = first;
        if (!add_groups(objects, first, objects->classes[i].count, err))
            return false;
        first += objects->classes[i].count;
    }
    for (size_t i = 0, note = 0; i < objects->count; i++) {
        uint32_t place = objects->classes[objects->objects[i].class].filled++;

        objects->order[place] = (uint32_t)i;
        for (; note < objects->note_count && objects->notes[note].object == i; note++)
            objects->notes[note].object = place & INT32_MAX;
    }
    return true;
}

static int compare_notes(const void *a, const void *b)
{
    const struct note *first = a, *second = b;

    if (first->object != second->object)
        return first->object < second->object ? -1 : 1;
    return (int)first->is_label - (int)second->is_label;
}

static void sort_notes(struct large_objects *objects)
{
    if (objects->note_count > 1)
        qsort(objects->notes, objects->note_count, sizeof(*objects->notes), compare_notes);
}

static const struct large_object *object_at(const struct large_objects *objects, uint32_t index)
{
    return &objects->objects[objects->order != NULL ? objects->order[index] : index];
}

/* ---- Holders and their entries ---- */

static struct group group_of(const struct large_objects *objects, uint32_t holder)
{
    return objects->grouped ? objects->groups[holder] : (struct group){holder, 1};
}

static const struct class *class_of(const struct large_objects *objects, uint32_t holder)
{
    const struct group group = group_of(objects, holder);

    return &objects->classes[object_at(objects, group.first)->class];
}

/* Makes of the place of one holder that of the next. */
static void step_on(const struct large_objects *objects, struct place *place)
{
    const struct group group = group_of(objects, place->holder);
    uint32_t low = place->note, high = (uint32_t)objects->note_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (objects->notes[middle].object < group.first + group.count)
            low = middle + 1;
        else
            high = middle;
    }
    place->entry += 1 + (low - place->note) + class_of(objects, place->holder)->has_acl;
    place->note = low;
    place->holder++;
}

/* *entries is how many there are. A holder has three at most, but for comments of a group. */
static bool mark_places(struct large_objects *objects, uint64_t *entries, struct error *err)
{
    struct place place = {0};

    if (2 * (uint64_t)objects->holders + objects->note_count > INT32_MAX)
        return catalog_reserve_dump_ids(objects->catalog, UINT64_MAX, &objects->first_id, err);
    while (place.holder < objects->holders) {
        if (place.holder % MARK_EVERY == 0) {
            if (objects->mark_count == objects->mark_capacity) {
                struct place *marks =
                    array_grow(objects->marks, &objects->mark_capacity, sizeof(*marks), err);

                if (marks == NULL)
                    return false;
                objects->marks = marks;
            }
            objects->marks[objects->mark_count++] = place;
        }
        step_on(objects, &place);
    }
    *entries = place.entry;
    return true;
}

static size_t mark_before(const struct large_objects *objects, uint32_t entry)
{
    size_t low = 0, high = objects->mark_count;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (objects->marks[middle].entry <= entry)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* The holder that the entry is of. */
static struct place find_entry(struct large_objects *objects, uint32_t entry)
{
    struct place place = objects->marks[mark_before(objects, entry)], next;

    if (objects->at.entry <= entry && objects->at.entry > place.entry)
        place = objects->at;
    for (next = place; next.entry <= entry && next.holder < objects->holders;) {
        place = next;
        step_on(objects, &next);
    }
    objects->at = place;
    return place;
}

static struct place find_holder(const struct large_objects *objects, uint32_t holder)
{
    struct place place = objects->marks[holder / MARK_EVERY];

    while (place.holder < holder)
        step_on(objects, &place);
    return place;
}

/* "5000", or "5000..5999". */
static void put_tag(struct large_objects *objects, const char *before, struct group group)
{
    uint32_t first = object_at(objects, group.first)->oid;
    uint32_t last = object_at(objects, group.first + group.count - 1)->oid;

    if (group.count == 1)
        snprintf(objects->tag, sizeof(objects->tag), "%s%" PRIu32, before, first);
    else
        snprintf(objects->tag, sizeof(objects->tag), "%s%" PRIu32 "..%" PRIu32, before, first,
                 last);
}

static void write_making(struct large_objects *objects, struct group group)
{
    struct catalog *catalog = objects->catalog;

    sql_add(&catalog->drop, objects->grouped ? "-- dummy" : "SELECT pg_catalog.lo_unlink('");
    if (!objects->grouped) {
        uint32_t oid = object_at(objects, group.first)->oid;

        sql_printf(&catalog->definition, "SELECT pg_catalog.lo_create('%" PRIu32 "');\n", oid);
        sql_printf(&catalog->drop, "%" PRIu32 "');\n", oid);
        return;
    }
    for (uint32_t i = group.first; i < group.first + group.count; i++)
        sql_printf(&catalog->definition, "%" PRIu32 "\n", object_at(objects, i)->oid);
}

/* What makes the holder's large objects. */
static void fill_holder(struct large_objects *objects, struct place place,
                        struct archive_entry *entry)
{
    const struct group group = group_of(objects, place.holder);

    put_tag(objects, "", group);
    write_making(objects, group);
    entry->desc = objects->grouped ? "BLOB METADATA" : "BLOB";
    entry->section = objects->grouped ? SECTION_DATA : SECTION_PRE_DATA;
    entry->catalog_oid = CLASS_LARGE_OBJECT;
    entry->object_oid = object_at(objects, group.first)->oid;
    entry->drop = sql_text(&objects->catalog->drop);
}

static void fill_note(struct large_objects *objects, const struct note *note,
                      struct archive_entry *entry)
{
    put_tag(objects, "LARGE OBJECT ", (struct group){note->object, 1});
    sql_stored(&objects->catalog->definition, objects->catalog, note->text);
    entry->desc = note->is_label ? "SECURITY LABEL" : "COMMENT";
}

/* Of a group they are those of its first, which pg_restore takes for all. */
static void fill_privileges(struct large_objects *objects, struct place place,
                            struct archive_entry *entry)
{
    const struct group group = group_of(objects, place.holder);
    char target[OID_SIZE];

    put_tag(objects, group.count == 1 ? "LARGE OBJECT " : "LARGE OBJECTS ", group);
    snprintf(target, sizeof(target), "%" PRIu32, object_at(objects, group.first)->oid);
    write_privileges(objects, class_of(objects, place.holder), target,
                     &objects->catalog->definition);
    entry->desc = "ACL";
}

static bool give_making(struct catalog *catalog, void *context, uint32_t number,
                        struct archive_entry *entry, struct error *err)
{
    struct large_objects *objects = context;
    struct place place = find_entry(objects, number), next = place;
    uint32_t note = place.note + (number - place.entry) - 1;

    step_on(objects, &next);
    sql_begin_again(&catalog->definition, ARCHIVE_TEXT_KEPT, err);
    sql_begin_again(&catalog->drop, ARCHIVE_TEXT_KEPT, err);
    *entry = (struct archive_entry){
        .dump_id = objects->first_id + (int32_t)number,
        .section = SECTION_NONE,
        .tag = objects->tag,
        .owner = class_of(objects, place.holder)->owner,
    };
    if (number == place.entry) {
        fill_holder(objects, place, entry);
    } else {
        objects->needed = objects->first_id + (int32_t)place.entry;
        entry->dependencies = &objects->needed;
        entry->dependency_count = 1;
        if (note < next.note)
            fill_note(objects, &objects->notes[note], entry);
        else
            fill_privileges(objects, place, entry);
    }
    entry->definition = sql_text(&catalog->definition);
    return !catalog->definition.failed && !catalog->drop.failed;
}

/* ---- Bytes ---- */

static bool give_data(struct catalog *catalog, void *context, uint32_t number,
                      struct archive_entry *entry, struct error *err)
{
    struct large_objects *objects = context;

    (void)catalog;
    (void)err;
    *entry = (struct archive_entry){
        .dump_id = objects->data_id + (int32_t)number,
        .has_data = true,
        .tag = ARCHIVE_LARGE_OBJECTS,
        .desc = ARCHIVE_LARGE_OBJECTS,
        .section = SECTION_DATA,
        .owner = "",
    };
    if (!objects->grouped)
        return true;
    put_tag(objects, "", objects->groups[number]);
    objects->needed = objects->first_id + (int32_t)find_holder(objects, number).entry;
    entry->tag = objects->tag;
    entry->owner = class_of(objects, number)->owner;
    entry->dependencies = &objects->needed;
    entry->dependency_count = 1;
    return true;
}

static void give_objects(void *context, uint32_t number, uint32_t *first, uint32_t *count)
{
    const struct large_objects *objects = context;

    *first = objects->grouped ? objects->groups[number].first : 0;
    *count = objects->grouped ? objects->groups[number].count : (uint32_t)objects->count;
}

bool large_objects_settle(struct large_objects *objects, struct error *err)
{
    struct catalog *catalog = objects->catalog;
    struct catalog_run making = {.entry = give_making, .context = objects};
    struct catalog_run data = {
        .section = SECTION_DATA, .entry = give_data, .objects = give_objects, .context = objects};
    uint64_t entries = 0;

    if (objects->count == 0)
        return true;
    sort_notes(objects);
    if (!(objects->grouped ? sort_by_class(objects, err)
                           : add_groups(objects, 0, (uint32_t)objects->count, err)))
        return false;
    sort_notes(objects);
    objects->holders = (uint32_t)(objects->grouped ? objects->group_count : objects->count);
    if (!mark_places(objects, &entries, err))
        return false;
    making.section = objects->grouped ? SECTION_DATA : SECTION_PRE_DATA;
    making.count = (uint32_t)entries;
    data.count = objects->grouped ? (uint32_t)objects->group_count : 1;
    return catalog_reserve_dump_ids(catalog, making.count, &objects->first_id, err) &&
           catalog_reserve_dump_ids(catalog, data.count, &objects->data_id, err) &&
           catalog_add_run(catalog, &making, err) && catalog_add_run(catalog, &data, err);
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
    return object_at(objects, index)->oid;
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
