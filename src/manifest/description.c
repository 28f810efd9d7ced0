#include "manifest/description.h"

#include "base/utf8.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#define ROWS_MAX 9e18      /* fits into a number of JSON; the server cannot hold as many */
#define ENTRIES_MAX 100000 /* of each list: more databases than a server can hold */
#define KEPT_MAX ((size_t)16 << 20)
#define ENTRY_SIZE 700 /* of an object and its members, beside their texts */

/* ---- manifest.json ---- */

/* What is taken over from the manifest, by path; the last part of the path is the name. */
static const struct {
    const char *path;
    bool in_entry; /* belongs to an element of a list */
} wanted[] = {
    {"created_at", false},
    {"connector", false},
    {"producer", false},
    {"host", false},
    {"port", false},
    {"server_version", false},
    {"server_version_num", false},
    {"cluster_system_identifier", false},
    {"in_recovery", false},
    {"database", false},
    {"dump_format", false},
    {"databases[].name", true},
    {"tablespaces[].name", true},
    {"tablespaces[].location", true},
    {"unavailable[].field", true},
    {"unavailable[].reason", true},
};

/* What cannot be kept is not known. */
static void set(json_t *object, const char *name, json_t *value)
{
    if (object == NULL)
        json_decref(value);
    else if (json_object_set_new(object, name, value) != 0)
        json_object_del(object, name);
}

static void set_number(json_t *object, const char *name, uint64_t number)
{
    set(object, name, json_integer((json_int_t)number));
}

static json_t *value_of(enum json_walk_type type, const char *text)
{
    if (type == JSON_WALK_STRING)
        return utf8_to_json(text);
    return json_loads(text, JSON_DECODE_ANY, NULL);
}

static void take_value(struct description *description, enum json_walk_type type, const char *path,
                       const char *text)
{
    if (type == JSON_WALK_WORD && strcmp(path, "databases[].relations[].row_estimate") == 0) {
        double estimate = strtod(text, NULL);

        if (isfinite(estimate))
            description->row_estimate = estimate;
        return;
    }
    if (type == JSON_WALK_WORD &&
        ((strcmp(path, "databases[].is_template") == 0 && text[0] == 't') ||
         (strcmp(path, "databases[].allow_conn") == 0 && text[0] == 'f')))
        description->passed_over = true;
    if (type == JSON_WALK_STRING && strcmp(path, "databases[].relations[].kind") == 0) {
        description->relation_kind = text[0];
        return;
    }
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        const char *dot = strrchr(path, '.');

        if (strcmp(path, wanted[i].path) != 0)
            continue;
        description->kept += strlen(text);
        if (strcmp(path, "server_version_num") == 0)
            description->zero_is_unknown = strtol(text, NULL, 10) < 140000; /* -1 since 14 */
        set(wanted[i].in_entry ? description->entry : description->object,
            dot == NULL ? path : dot + 1, value_of(type, text));
        return;
    }
}

/* The list that an element's path belongs to, or NULL. */
static const char *list_of(const char *path)
{
    static const char *const lists[] = {"databases", "tablespaces", "unavailable"};

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        size_t len = strlen(lists[i]);

        if (strncmp(path, lists[i], len) == 0 && strcmp(path + len, "[]") == 0)
            return lists[i];
    }
    return NULL;
}

static void begin_object(struct description *description, const char *path)
{
    if (list_of(path) != NULL) {
        json_decref(description->entry);
        description->entry = json_object();
        description->relations_known = description->passed_over = false;
        description->relations = description->tables = description->not_analysed = 0;
        description->rows = 0;
    } else if (strcmp(path, "databases[].relations[]") == 0) {
        description->relations++;
        description->relation_kind = '\0';
        description->row_estimate = -1;
    }
}

/* Sequences, indexes and views have estimates of their own, which are nobody's rows; a partitioned
 * table's are those of its partitions. */
static void end_relation(struct description *description)
{
    if (description->relation_kind != 'r' && description->relation_kind != 'm')
        return;
    description->tables++;
    if (description->row_estimate < 0 ||
        (description->row_estimate == 0 && description->zero_is_unknown))
        description->not_analysed++;
    else
        description->rows += description->row_estimate;
}

/* A manifest has no empty lists: a database without one has no relations, or nobody looked. */
static void end_database(struct description *description)
{
    if (!description->relations_known && description->passed_over)
        return;
    set_number(description->entry, "relations", description->relations);
    set_number(description->entry, "tables", description->tables);
    set_number(description->entry, "tables_not_analysed", description->not_analysed);
    if ((description->tables > description->not_analysed || description->tables == 0) &&
        description->rows < ROWS_MAX)
        set_number(description->entry, "row_estimate", (uint64_t)description->rows);
}

/* The tablespaces that every cluster has. */
static bool is_built_in(const char *list, const json_t *entry)
{
    const char *name = json_string_value(json_object_get(entry, "name"));

    return strcmp(list, "tablespaces") == 0 && name != NULL &&
           (strcmp(name, "pg_default") == 0 || strcmp(name, "pg_global") == 0);
}

static void end_object(struct description *description, const char *path)
{
    const char *list = list_of(path);
    json_t *array;

    if (strcmp(path, "databases[].relations[]") == 0)
        end_relation(description);
    if (list == NULL)
        return;
    if (strcmp(list, "databases") == 0)
        end_database(description);
    array = json_object_get(description->object, list);
    description->kept += ENTRY_SIZE;
    if (!is_built_in(list, description->entry) && json_array_size(array) < ENTRIES_MAX &&
        description->kept < KEPT_MAX)
        json_array_append(array, description->entry);
    json_decref(description->entry);
    description->entry = NULL;
}

static void take_event(void *context, enum json_walk_type type, const char *path, const char *text)
{
    struct description *description = context;

    switch (type) {
    case JSON_WALK_OBJECT:
        begin_object(description, path);
        return;
    case JSON_WALK_OBJECT_END:
        end_object(description, path);
        return;
    case JSON_WALK_STRING:
    case JSON_WALK_WORD:
        take_value(description, type, path, text);
        return;
    case JSON_WALK_ARRAY:
        if (strcmp(path, "databases[].relations") == 0)
            description->relations_known = true;
        return;
    case JSON_WALK_ARRAY_END:
        return;
    }
}

bool description_feed_manifest(struct description *description, struct slice piece,
                               struct error *err)
{
    return json_walk_feed(&description->walk, piece, err) || error_prefix(err, "manifest.json");
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
    json_t *databases = json_object_get(description->object, "databases"), *entry;
    size_t index;

    if (!json_walk_finish(&description->walk, err))
        return error_prefix(err, "manifest.json");
    json_array_foreach(json_object_get(description->object, "unavailable"), index, entry)
    {
        const char *field = json_string_value(json_object_get(entry, "field"));

        if (field != NULL)
            forget_unasked(databases, field);
    }
    return true;
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
    json_walk_init(&description->walk, take_event, description);
    description->object =
        json_pack("{s:[], s:[], s:[]}", "databases", "tablespaces", "unavailable");
    if (description->object == NULL)
        return error_set_memory(err);
    description->summary = summary_decoder_new(&handler, err);
    return description->summary != NULL;
}

void description_reset(struct description *description)
{
    json_decref(description->entry);
    json_decref(description->object);
    summary_decoder_free(description->summary);
    memset(description, 0, sizeof(*description));
}
