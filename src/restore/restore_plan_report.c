/* A plan as JSON and as text, which is what a dry run shows: databases, entries by kind, data. */
#include "restore/restore_plan_internal.h"

#include "base/quote.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <stdlib.h>

static const char *action_word(enum restore_action action)
{
    switch (action) {
    case RESTORE_USE:
        return "use";
    case RESTORE_CREATE:
        return "create";
    case RESTORE_REPLACE:
        break;
    }
    return "recreate";
}

static const char *pass_word(unsigned pass)
{
    return pass == RESTORE_PASS_ACL        ? "privileges"
           : pass == RESTORE_PASS_POST_ACL ? "last"
                                           : "main";
}

static bool set_text(json_t *object, const char *key, const char *text)
{
    return json_object_set_new(object, key, text == NULL ? json_null() : utf8_to_json(text)) == 0;
}

/* What an archive calls a kind may be anything. */
static bool set_kind(json_t *object, const struct name_set_item *kind)
{
    struct buffer key = {0};
    struct error ignored;
    bool escaped, done = utf8_append_escaped(&key, slice_string(kind->name), UTF8_IN_TEXT, false,
                                             &escaped, &ignored) &&
                         json_object_set_new(object, buffer_text(&key),
                                             json_integer((json_int_t)kind->times)) == 0;

    buffer_free(&key);
    return done;
}

static json_t *kinds_to_json(const struct name_set *kinds)
{
    json_t *object = json_object();

    for (size_t i = 0; object != NULL && i < kinds->count; i++) {
        if (!set_kind(object, &kinds->items[i])) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

static json_t *entry_to_json(const struct planned_entry *entry)
{
    json_t *object = json_object();
    bool definition = (entry->parts & SELECTED_DEFINITION) != 0;
    bool data = (entry->parts & SELECTED_DATA) != 0;

    if (object == NULL || json_object_set_new(object, "id", json_integer(entry->dump_id)) != 0 ||
        !set_text(object, "kind", entry->desc) || !set_text(object, "schema", entry->schema) ||
        !set_text(object, "name", entry->tag) ||
        !set_text(object, "pass", pass_word(entry->pass)) ||
        json_object_set_new(object, "definition", json_boolean(definition)) != 0 ||
        json_object_set_new(object, "data", json_boolean(data)) != 0) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *entries_to_json(const struct planned_database *database)
{
    json_t *array = json_array();

    for (size_t i = 0; array != NULL && i < database->entry_count; i++) {
        if (json_array_append_new(array, entry_to_json(&database->entries[i])) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static json_t *database_to_json(const struct planned_database *database, bool with_entries)
{
    json_t *object = json_object();

    if (object == NULL || !set_text(object, "database", database->name) ||
        !set_text(object, "action", action_word(database->action)) ||
        json_object_set_new(object, "entries", json_integer((json_int_t)database->needs.entries)) !=
            0 ||
        json_object_set_new(object, "kinds", kinds_to_json(&database->needs.kinds)) != 0 ||
        (database->data_bytes > 0 &&
         json_object_set_new(object, "data_bytes",
                             json_integer((json_int_t)database->data_bytes)) != 0) ||
        (with_entries && json_object_set_new(object, "list", entries_to_json(database)) != 0)) {
        json_decref(object);
        return NULL;
    }
    return object;
}

json_t *restore_plan_to_json(const struct restore_plan *plan, bool with_entries)
{
    json_t *array = json_array();

    for (size_t i = 0; array != NULL && i < plan->count; i++) {
        if (json_array_append_new(array, database_to_json(plan->databases[i], with_entries)) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

/* ---- For people ---- */

static const char *action_words(enum restore_action action)
{
    switch (action) {
    case RESTORE_USE:
        return "is there";
    case RESTORE_CREATE:
        return "is made";
    case RESTORE_REPLACE:
        break;
    }
    return "is dropped, once another is complete to take its place";
}

/* Archives may call a kind whatever they like. */
static bool append_clean(struct buffer *out, const char *text, struct error *err)
{
    bool escaped;

    if (quote_has_control(text))
        return buffer_append_byte(out, '?', err);
    return utf8_append_escaped(out, slice_string(text), UTF8_IN_TEXT, false, &escaped, err);
}

static int compare_times(const void *a, const void *b)
{
    const struct name_set_item *one = a, *other = b;

    if (one->times != other->times)
        return one->times > other->times ? -1 : 1;
    return strcmp(one->name, other->name);
}

/* The most frequent first. */
static bool append_kinds(struct buffer *out, const struct name_set *kinds, struct error *err)
{
    struct name_set_item *sorted = calloc(kinds->count + 1, sizeof(*sorted));
    bool done = sorted != NULL || error_set_memory(err);

    if (done && kinds->count > 0) {
        memcpy(sorted, kinds->items, kinds->count * sizeof(*sorted));
        qsort(sorted, kinds->count, sizeof(*sorted), compare_times);
    }
    for (size_t i = 0; done && i < kinds->count; i++)
        done = buffer_printf(out, err, "%s%zu ", i == 0 ? ": " : ", ", sorted[i].times) &&
               append_clean(out, sorted[i].name, err);
    free(sorted);
    return done;
}

static bool append_database(struct buffer *out, const struct planned_database *database,
                            struct error *err)
{
    size_t entries = database->needs.entries;
    char name[QUOTE_NAME_SIZE];

    if (!buffer_append_string(out, "database ", err) ||
        !append_clean(out, quote_identifier(database->name, name, sizeof(name)), err) ||
        !buffer_printf(out, err, ": %s\n", action_words(database->action)))
        return false;
    if (database->of_script)
        return buffer_append_string(out, "  what the script has for it\n", err);
    if (!buffer_printf(out, err, "  %zu %s", entries, entries == 1 ? "entry" : "entries") ||
        !append_kinds(out, &database->needs.kinds, err) || !buffer_append_byte(out, '\n', err))
        return false;
    return database->data_bytes == 0 ||
           buffer_printf(out, err, "  data: %" PRIu64 " bytes, as they lie in the archive\n",
                         database->data_bytes);
}

bool restore_plan_append_text(struct buffer *out, const struct restore_plan *plan,
                              struct error *err)
{
    if (!restore_plan_append_globals(out, plan, err))
        return false;
    for (size_t i = 0; i < plan->count; i++) {
        if (!append_database(out, plan->databases[i], err))
            return false;
    }
    return true;
}
