/* A plan as JSON, which is what --dry-run shows: databases, entries by kind, data. */
#include "restore/restore_plan_internal.h"

#include "base/utf8.h"

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

static json_t *kinds_to_json(const struct name_set *kinds)
{
    json_t *object = json_object();

    for (size_t i = 0; object != NULL && i < kinds->count; i++) {
        if (json_object_set_new(object, kinds->items[i].name,
                                json_integer((json_int_t)kinds->items[i].times)) != 0) {
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
