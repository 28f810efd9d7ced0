/*
 * The entries of large objects, each put together when it is asked for.
 *
 * A **holder** has an entry of its own, with those of its comments, labels and privileges behind
 * it: one large object, or a group. Where its entries begin is known for every so many holders;
 * from there it is counted on, which for entries that are asked for one after the other is a step
 * each.
 */
#include "catalog/large_objects_internal.h"

#include "base/array.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define GROUP_MAX 1000
#define MARK_EVERY 256
#define OID_SIZE 12 /* with a line feed and a NUL */

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

/* ---- Holders and their entries ---- */

static struct group group_of(const struct large_objects *objects, uint32_t holder)
{
    return objects->grouped ? objects->groups[holder] : (struct group){holder, 1};
}

static const struct class *class_of(const struct large_objects *objects, uint32_t holder)
{
    const struct group group = group_of(objects, holder);

    return &objects->classes[large_objects_at(objects, group.first)->class];
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
    uint32_t first = large_objects_at(objects, group.first)->oid;
    uint32_t last = large_objects_at(objects, group.first + group.count - 1)->oid;

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
        uint32_t oid = large_objects_at(objects, group.first)->oid;

        sql_printf(&catalog->definition, "SELECT pg_catalog.lo_create('%" PRIu32 "');\n", oid);
        sql_printf(&catalog->drop, "%" PRIu32 "');\n", oid);
        return;
    }
    for (uint32_t i = group.first; i < group.first + group.count; i++)
        sql_printf(&catalog->definition, "%" PRIu32 "\n", large_objects_at(objects, i)->oid);
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
    entry->object_oid = large_objects_at(objects, group.first)->oid;
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
    snprintf(target, sizeof(target), "%" PRIu32, large_objects_at(objects, group.first)->oid);
    large_objects_write_privileges(objects, class_of(objects, place.holder), target,
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
