/*
 * Two walks over the entries. The first reads their texts and keeps of each what options say of it
 * alone. The second goes in the order of the restore and knows what went before: the section that
 * an entry without one stands in, and whether what a comment, a privilege or a label is about is
 * wanted itself. That is how pg_restore has it, with all that comes of it where a list changes the
 * order.
 */
#include "restore/restore_selection.h"

#include "base/array.h"
#include "restore/selection_kinds.h"
#include "restore/selection_lists.h"
#include "restore/selection_order.h"

#include <stdlib.h>

struct item {
    uint8_t treatment, section, flags, pass, parts;
    uint32_t dependencies; /* where they begin; of those alone that go by what they depend on */
    uint32_t dependency_count;
};

struct restore_selection {
    size_t count;
    struct item *items;
    uint32_t *file_order, *order; /* of what is wanted */
    size_t order_count;
    size_t left_out;
    bool is_data_only, names_nothing;
};

struct selecting {
    struct restore_selection *selection;
    const struct selection_wishes *wishes;
    const struct restore_request *options;
    const struct selection_archive *archive;
    struct selection_lists *lists;
    struct selection_ids *ids;
    int32_t *dump_ids;
    int32_t *dependencies;
    size_t dependency_count, dependency_capacity;
    uint32_t *walk;  /* all entries, in the order of the second walk */
    size_t unlisted; /* how many of these at its beginning are in no list */
    unsigned sections;
    bool by_name, by_schema, with_database;
    bool want_definitions, want_rows, want_statistics;
    struct error *err;
};

/* ---- The first walk ---- */

/* RESTORE_LISTS: none is about it. */
static enum restore_list list_of(unsigned treatment)
{
    static const enum restore_list lists[] = {
        [AS_OBJECT] = RESTORE_LISTS,       [AS_SETTING] = RESTORE_LISTS,
        [AS_DATABASE] = RESTORE_LISTS,     [AS_RELATION] = RESTORE_TABLES,
        [AS_OF_TABLES] = RESTORE_TABLES,   [AS_INDEX] = RESTORE_INDEXES,
        [AS_FUNCTION] = RESTORE_FUNCTIONS, [AS_TRIGGER] = RESTORE_TRIGGERS,
        [AS_ACL] = RESTORE_LISTS,          [AS_SAID] = RESTORE_LISTS,
        [AS_STATISTICS] = RESTORE_LISTS,   [AS_NOTHING] = RESTORE_LISTS,
    };

    return lists[treatment];
}

static bool note_schema(struct selecting *selecting, struct item *item,
                        const struct archive_entry *entry)
{
    struct selection_name name = {.database = selecting->archive->database, .name = entry->schema};
    bool in = false, out = false;

    if (!selection_lists_match(selecting->lists, RESTORE_SCHEMAS, &name, &in, selecting->err) ||
        !selection_lists_match(selecting->lists, RESTORE_EXCLUDE_SCHEMAS, &name, &out,
                               selecting->err))
        return false;
    if (!out && (in || !selection_lists_has(selecting->lists, RESTORE_SCHEMAS)))
        item->flags |= SCHEMA_FITS;
    return true;
}

static bool note_name(struct selecting *selecting, struct item *item,
                      const struct archive_entry *entry)
{
    struct selection_name name = {selecting->archive->database, entry->schema, entry->tag};
    enum restore_list list = list_of(item->treatment);
    bool matches;

    if (list == RESTORE_LISTS)
        return true;
    if (!selection_lists_match(selecting->lists, list, &name, &matches, selecting->err))
        return false;
    if (matches)
        item->flags |= NAMED;
    return true;
}

static bool goes_by_dependencies(const struct item *item)
{
    return item->treatment == AS_ACL || item->treatment == AS_SAID ||
           item->treatment == AS_STATISTICS;
}

static bool keep_dependencies(struct selecting *selecting, struct item *item,
                              const struct archive_entry *entry)
{
    item->dependencies = (uint32_t)selecting->dependency_count;
    for (size_t i = 0; i < entry->dependency_count; i++) {
        if (selecting->dependency_count == selecting->dependency_capacity) {
            int32_t *grown = array_grow(selecting->dependencies, &selecting->dependency_capacity,
                                        sizeof(*grown), selecting->err);

            if (grown == NULL)
                return false;
            selecting->dependencies = grown;
        }
        selecting->dependencies[selecting->dependency_count++] = entry->dependencies[i];
        item->dependency_count++;
    }
    return true;
}

static bool note_entry(struct selecting *selecting, uint32_t number)
{
    struct item *item = &selecting->selection->items[number];
    struct archive_entry entry;
    struct selection_kind kind;

    if (!selecting->archive->entry(selecting->archive->context, number, &entry, selecting->err))
        return false;
    kind = selection_kind_of(&entry, selecting->options);
    item->treatment = (uint8_t)kind.treatment;
    item->section = (uint8_t)entry.section;
    item->flags = (uint8_t)kind.flags;
    item->pass = (uint8_t)kind.pass;
    selecting->dump_ids[number] = entry.dump_id;
    return note_schema(selecting, item, &entry) && note_name(selecting, item, &entry) &&
           ((!selecting->by_name && !selecting->by_schema) || !goes_by_dependencies(item) ||
            keep_dependencies(selecting, item, &entry));
}

static bool note_all(struct selecting *selecting)
{
    for (size_t i = 0; i < selecting->archive->count; i++) {
        if (!note_entry(selecting, (uint32_t)i))
            return false;
    }
    return true;
}

/* ---- The second walk ---- */

/* The entry that item depends on, by the place in its list; NULL: the archive has none of that id,
 * which occurs. */
static const struct item *parent_of(const struct selecting *selecting, const struct item *item,
                                    uint32_t place)
{
    uint32_t number;

    if (!selection_ids_find(selecting->ids, selecting->dependencies[item->dependencies + place],
                            &number))
        return NULL;
    return &selecting->selection->items[number];
}

static bool has_wanted_parent(const struct selecting *selecting, const struct item *item)
{
    for (uint32_t i = 0; i < item->dependency_count; i++) {
        const struct item *parent = parent_of(selecting, item, i);

        if (parent != NULL && parent->treatment != AS_ACL && parent->parts != 0)
            return true;
    }
    return false;
}

/* Statistics are those of a table or of an index. */
static bool has_named_parent(const struct selecting *selecting, const struct item *item)
{
    for (uint32_t i = 0; i < item->dependency_count; i++) {
        const struct item *parent = parent_of(selecting, item, i);

        if (parent != NULL && (parent->flags & NAMED) != 0 &&
            (parent->treatment == AS_RELATION || parent->treatment == AS_INDEX))
            return true;
    }
    return false;
}

static bool lists_want(const struct selecting *selecting, const struct item *item)
{
    if (item->treatment == AS_ACL || item->treatment == AS_SAID) {
        if ((item->flags & OF_DATABASE) != 0)
            return selecting->with_database;
        return (!selecting->by_name && !selecting->by_schema) || has_wanted_parent(selecting, item);
    }
    if ((item->flags & SCHEMA_FITS) == 0)
        return false;
    if (!selecting->by_name)
        return true;
    return item->treatment == AS_STATISTICS ? has_named_parent(selecting, item)
                                            : (item->flags & NAMED) != 0;
}

/* Rows of something are wanted where its definition counts as rows, too. */
static uint8_t parts_of(const struct selecting *selecting, const struct item *item)
{
    bool definition = (item->flags & HAS_DEFINITION) != 0;
    uint8_t parts = 0;

    if (item->treatment == AS_STATISTICS)
        return definition && selecting->want_statistics ? SELECTED_DEFINITION : 0;
    if ((item->flags & HAS_DATA) != 0) {
        if (selecting->want_rows)
            parts |= SELECTED_DATA;
        if (definition && selecting->want_definitions)
            parts |= SELECTED_DEFINITION;
        return parts;
    }
    if ((item->flags & DEFINITION_IS_DATA) != 0)
        return selecting->want_rows ? SELECTED_DEFINITION : 0;
    return definition && selecting->want_definitions ? SELECTED_DEFINITION : 0;
}

static unsigned section_bit(uint8_t section)
{
    switch (section) {
    case SECTION_PRE_DATA:
        return RESTORE_PRE_DATA;
    case SECTION_DATA:
        return RESTORE_DATA;
    case SECTION_POST_DATA:
        return RESTORE_POST_DATA;
    default:
        return 0;
    }
}

static uint8_t judge(const struct selecting *selecting, const struct item *item, uint8_t section,
                     bool listed)
{
    if (item->treatment == AS_SETTING)
        return SELECTED_SETTING;
    if (item->treatment == AS_DATABASE)
        return selecting->with_database ? SELECTED_DEFINITION : 0;
    if ((item->flags & REFUSED) != 0 || (section_bit(section) & selecting->sections) == 0 ||
        !listed || !lists_want(selecting, item))
        return 0;
    return parts_of(selecting, item);
}

static void judge_all(struct selecting *selecting)
{
    struct restore_selection *selection = selecting->selection;
    bool has_list = selecting->wishes->list.data != NULL;
    uint8_t section = SECTION_PRE_DATA;

    for (size_t i = 0; i < selection->count; i++) {
        struct item *item = &selection->items[selecting->walk[i]];

        if (item->section != SECTION_NONE)
            section = item->section;
        item->parts = judge(selecting, item, section, !has_list || i >= selecting->unlisted);
    }
}

/* ---- What comes of it ---- */

static void put_orders(struct selecting *selecting)
{
    struct restore_selection *selection = selecting->selection;
    size_t count = 0;

    for (size_t i = 0; i < selection->count; i++) {
        uint32_t number = selecting->walk[i];
        const struct item *item = &selection->items[number];

        if (item->parts != 0 && item->treatment != AS_SETTING)
            selection->file_order[selection->order_count++] = number;
        selection->left_out += item->parts == 0 && (item->flags & OF_DATABASE) == 0;
    }
    for (int pass = 0; pass < RESTORE_PASSES; pass++) {
        for (size_t i = 0; i < selection->order_count; i++) {
            if (selection->items[selection->file_order[i]].pass == pass)
                selection->order[count++] = selection->file_order[i];
        }
    }
}

static void note_names_nothing(struct selecting *selecting)
{
    struct restore_selection *selection = selecting->selection;

    selection->names_nothing = selecting->by_name || selecting->by_schema;
    for (size_t i = 0; i < selection->count; i++) {
        const struct item *item = &selection->items[i];

        if (item->parts != 0 && item->treatment != AS_SETTING && (item->flags & OF_DATABASE) == 0)
            selection->names_nothing = false;
    }
}

/* Where nothing that is left makes an object, as if it had been asked for. */
static void note_data_only(struct selecting *selecting)
{
    struct restore_selection *selection = selecting->selection;

    selection->is_data_only = true;
    for (size_t i = 0; i < selection->count; i++) {
        const struct item *item = &selection->items[i];

        if ((item->parts & SELECTED_DEFINITION) != 0 && (item->flags & DEFINITION_IS_DATA) == 0 &&
            item->treatment != AS_STATISTICS)
            selection->is_data_only = false;
    }
}

/* ---- Asking for it ---- */

static bool settle(struct selecting *selecting)
{
    const struct restore_request *options = selecting->options;

    if (options->schema_only && options->data_only)
        return error_set(selecting->err, ERROR_USAGE,
                         OPTION_SCHEMA_ONLY " and " OPTION_DATA_ONLY " exclude each other");
    selecting->want_definitions = !options->data_only;
    selecting->want_rows = !options->schema_only;
    selecting->want_statistics =
        !options->schema_only && !options->data_only && !options->no_statistics;
    selecting->lists = selecting->wishes->lists != NULL
                           ? selecting->wishes->lists
                           : selection_lists_new(options->lists, selecting->err);
    if (selecting->lists == NULL)
        return false;
    selecting->with_database = options->create_db || options->existing == RESTORE_RECREATE;
    selecting->sections = options->sections == 0
                              ? (RESTORE_PRE_DATA | RESTORE_DATA | RESTORE_POST_DATA)
                              : options->sections;
    selecting->by_schema = selection_lists_has(selecting->lists, RESTORE_SCHEMAS) ||
                           selection_lists_has(selecting->lists, RESTORE_EXCLUDE_SCHEMAS);
    selecting->by_name = selection_lists_has(selecting->lists, RESTORE_TABLES) ||
                         selection_lists_has(selecting->lists, RESTORE_FUNCTIONS) ||
                         selection_lists_has(selecting->lists, RESTORE_TRIGGERS) ||
                         selection_lists_has(selecting->lists, RESTORE_INDEXES);
    return true;
}

static bool make_room(struct selecting *selecting)
{
    struct restore_selection *selection = selecting->selection;
    size_t count = selecting->archive->count + 1; /* never none */

    selection->count = selecting->archive->count;
    selection->items = calloc(count, sizeof(*selection->items));
    selection->order = calloc(count, sizeof(*selection->order));
    selection->file_order = calloc(count, sizeof(*selection->file_order));
    selecting->walk = calloc(count, sizeof(*selecting->walk));
    selecting->dump_ids = calloc(count, sizeof(*selecting->dump_ids));
    return (selection->items != NULL && selection->order != NULL && selection->file_order != NULL &&
            selecting->walk != NULL && selecting->dump_ids != NULL) ||
           error_set_memory(selecting->err);
}

static bool select_entries(struct selecting *selecting)
{
    const struct selection_wishes *wishes = selecting->wishes;
    const char *name = wishes->list_name == NULL ? "the list" : wishes->list_name;

    if (!settle(selecting) || !make_room(selecting) || !note_all(selecting) ||
        (wishes->lists == NULL && !selection_lists_check(selecting->lists, selecting->err)))
        return false;
    selecting->ids =
        selection_ids_new(selecting->dump_ids, selecting->archive->count, selecting->err);
    if (selecting->ids == NULL ||
        !selection_order_fill(selecting->ids, wishes->list, name, selecting->walk,
                              &selecting->unlisted, selecting->err))
        return false;
    judge_all(selecting);
    note_names_nothing(selecting);
    note_data_only(selecting);
    put_orders(selecting);
    return true;
}

struct restore_selection *restore_selection_new(const struct selection_wishes *wishes,
                                                const struct selection_archive *archive,
                                                struct error *err)
{
    struct selecting selecting = {
        .wishes = wishes, .options = wishes->request, .archive = archive, .err = err};
    bool done;

    selecting.selection = calloc(1, sizeof(*selecting.selection));
    done = selecting.selection == NULL ? error_set_memory(err) : select_entries(&selecting);
    if (selecting.lists != wishes->lists)
        selection_lists_free(selecting.lists);
    selection_ids_free(selecting.ids);
    free(selecting.dump_ids);
    free(selecting.dependencies);
    free(selecting.walk);
    if (done)
        return selecting.selection;
    restore_selection_free(selecting.selection);
    return NULL;
}

void restore_selection_free(struct restore_selection *selection)
{
    if (selection == NULL)
        return;
    free(selection->items);
    free(selection->order);
    free(selection->file_order);
    free(selection);
}

/* ---- Answers ---- */

unsigned restore_selection_parts(const struct restore_selection *selection, uint32_t number)
{
    return number < selection->count ? selection->items[number].parts : 0;
}

enum restore_pass restore_selection_pass(const struct restore_selection *selection, uint32_t number)
{
    return (enum restore_pass)selection->items[number].pass;
}

bool restore_selection_is_of_database(const struct restore_selection *selection, uint32_t number)
{
    return (selection->items[number].flags & OF_DATABASE) != 0;
}

const uint32_t *restore_selection_order(const struct restore_selection *selection, size_t *count)
{
    *count = selection->order_count;
    return selection->order;
}

const uint32_t *restore_selection_file_order(const struct restore_selection *selection,
                                             size_t *count)
{
    *count = selection->order_count;
    return selection->file_order;
}

bool restore_selection_names_nothing(const struct restore_selection *selection)
{
    return selection->names_nothing;
}

bool restore_selection_is_data_only(const struct restore_selection *selection)
{
    return selection->is_data_only;
}

size_t restore_selection_left_out(const struct restore_selection *selection)
{
    return selection->left_out;
}
