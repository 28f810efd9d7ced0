/*
 * Facts of manifest.json and the head of summary.json become the one object that `list` shows: what
 * nobody could ask for is told apart from what is not there.
 */
#include "manifest/description.h"

#include "base/utf8.h"

#include <stdint.h>

#define ROWS_MAX 9e18 /* fits into a number of JSON; the server cannot hold as many */

/* ---- manifest.json ---- */

/* What cannot be kept is not known. */
static void set(json_t *object, const char *name, json_t *value)
{
    if (json_object_set_new(object, name, value) != 0)
        json_object_del(object, name);
}

static void set_number(json_t *object, const char *name, uint64_t number)
{
    set(object, name, json_integer((json_int_t)number));
}

static void set_text(json_t *object, const char *name, const char *text)
{
    if (text != NULL)
        set(object, name, utf8_to_json(text));
}

static void show_databases(json_t *list, const struct manifest_facts *facts)
{
    for (size_t i = 0; i < facts->database_count; i++) {
        const struct manifest_database *database = &facts->databases[i];
        json_t *entry = json_object();

        set_text(entry, "name", database->name);
        if (database->share_known)
            set(entry, "backed_up", json_boolean(database->backed_up));
        if (database->backed_up)
            set(entry, "same_snapshot", json_boolean(database->same_snapshot));
        if (database->looked_into) {
            set_number(entry, "relations", database->relations);
            set_number(entry, "tables", database->tables);
            set_number(entry, "tables_not_analysed", database->not_analysed);
        }
        if (database->looked_into && database->rows < ROWS_MAX &&
            (database->tables > database->not_analysed || database->tables == 0))
            set_number(entry, "row_estimate", (uint64_t)database->rows);
        json_array_append_new(list, entry);
    }
}

/* The tablespaces that every cluster has. */
static bool is_built_in(const char *name)
{
    return name != NULL && (strcmp(name, "pg_default") == 0 || strcmp(name, "pg_global") == 0);
}

static void show_tablespaces(json_t *list, const struct manifest_facts *facts)
{
    for (size_t i = 0; i < facts->tablespace_count; i++) {
        const struct manifest_tablespace *tablespace = &facts->tablespaces[i];
        json_t *entry;

        if (is_built_in(tablespace->name))
            continue;
        entry = json_object();
        set_text(entry, "name", tablespace->name);
        set_text(entry, "location", tablespace->location);
        json_array_append_new(list, entry);
    }
}

static void show_unavailable(json_t *list, const struct manifest_facts *facts)
{
    for (size_t i = 0; i < facts->unavailable_count; i++) {
        json_t *entry = json_object();

        set_text(entry, "field", facts->unavailable[i].field);
        set_text(entry, "reason", facts->unavailable[i].reason);
        json_array_append_new(list, entry);
    }
}

static void show_manifest(struct description *description)
{
    const struct manifest_facts *facts = manifest_decoder_facts(description->manifest);
    json_t *object = description->object;

    json_object_update(object, facts->head);
    json_array_clear(json_object_get(object, "databases"));
    json_array_clear(json_object_get(object, "tablespaces"));
    json_array_clear(json_object_get(object, "unavailable"));
    show_databases(json_object_get(object, "databases"), facts);
    show_tablespaces(json_object_get(object, "tablespaces"), facts);
    show_unavailable(json_object_get(object, "unavailable"), facts);
}

bool description_feed_manifest(struct description *description, struct slice piece,
                               struct error *err)
{
    if (manifest_decoder_feed(description->manifest, piece, err))
        return true;
    show_manifest(description);
    return false;
}

/* "databases[NAME]" or "databases[NAME].relations": what could not be asked is not known to be
 * none. */
static bool is_unasked(const char *field, const char *name)
{
    static const char prefix[] = "databases[";
    size_t len = strlen(name);

    if (strncmp(field, prefix, sizeof(prefix) - 1) != 0)
        return false;
    field += sizeof(prefix) - 1;
    return strncmp(field, name, len) == 0 &&
           (strcmp(field + len, "]") == 0 || strcmp(field + len, "].relations") == 0);
}

static void forget_unasked(json_t *databases, const char *field)
{
    size_t index;
    json_t *database;

    json_array_foreach(databases, index, database)
    {
        const char *name = json_string_value(json_object_get(database, "name"));

        if (name == NULL || json_integer_value(json_object_get(database, "relations")) != 0 ||
            !is_unasked(field, name))
            continue;
        json_object_del(database, "relations");
        json_object_del(database, "tables");
        json_object_del(database, "tables_not_analysed");
        json_object_del(database, "row_estimate");
    }
}

bool description_finish_manifest(struct description *description, struct error *err)
{
    const struct manifest_facts *facts = manifest_decoder_facts(description->manifest);
    bool sound = manifest_decoder_finish(description->manifest, err);

    show_manifest(description);
    for (size_t i = 0; sound && i < facts->unavailable_count; i++) {
        if (facts->unavailable[i].field != NULL)
            forget_unasked(json_object_get(description->object, "databases"),
                           facts->unavailable[i].field);
    }
    return sound;
}

/* ---- summary.json ---- */

/* The counts of the summary are of what was there before it. */
static void count_summary(const struct description *description, json_t *summary)
{
    static const char *const names[] = {"files", "bytes"};
    const json_int_t more[] = {1, (json_int_t)description->summary_bytes};

    for (size_t i = 0; i < 2; i++) {
        const json_t *count = json_object_get(summary, names[i]);
        json_int_t value = json_integer_value(count);

        if (json_is_integer(count) && value >= 0 && more[i] >= 0 && value <= INT64_MAX - more[i])
            set_number(summary, names[i], (uint64_t)(value + more[i]));
    }
}

static bool take_head(void *context, const json_t *head, struct error *err)
{
    struct description *description = context;
    json_t *copy = json_deep_copy(head);

    if (copy == NULL)
        return error_set_memory(err);
    json_object_del(copy, "records");
    count_summary(description, copy);
    set(description->object, "summary", copy);
    return true;
}

static bool pass_entry(void *context, const struct summary_entry *entry, struct error *err)
{
    (void)context;
    (void)entry;
    (void)err;
    return true;
}

bool description_feed_summary(struct description *description, struct slice piece,
                              struct error *err)
{
    return summary_decoder_feed(description->summary, piece, err);
}

bool description_finish_summary(struct description *description, struct error *err)
{
    return summary_decoder_finish(description->summary, err);
}

bool description_init(struct description *description, struct error *err)
{
    const struct summary_handler handler = {description, take_head, pass_entry};

    memset(description, 0, sizeof(*description));
    description->object =
        json_pack("{s:[], s:[], s:[]}", "databases", "tablespaces", "unavailable");
    if (description->object == NULL)
        return error_set_memory(err);
    description->manifest =
        manifest_decoder_new(MANIFEST_DATABASES | MANIFEST_TABLESPACES | MANIFEST_UNAVAILABLE, err);
    if (description->manifest != NULL)
        description->summary = summary_decoder_new(&handler, err);
    return description->summary != NULL;
}

void description_reset(struct description *description)
{
    json_decref(description->object);
    manifest_decoder_free(description->manifest);
    summary_decoder_free(description->summary);
    memset(description, 0, sizeof(*description));
}
