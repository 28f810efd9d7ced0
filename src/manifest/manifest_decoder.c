/*
 * Facts are picked out of the values that json_walk tells of, by their paths. An element of a list
 * lies behind the last one that counts while it is read, and counts once its object has ended.
 */
#include "manifest/manifest_decoder.h"

#include "base/bytes.h"
#include "base/json_walk.h"
#include "base/utf8.h"
#include "manifest/manifest_stream.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define ENTRIES_MAX 100000 /* of each list: more databases than a server can hold */
#define KEPT_MAX ((size_t)16 << 20)
#define ENTRY_SIZE 700 /* of an entry and of what is made of it, beside its texts */
#define NAME_SIZE 64   /* of a name that is kept by itself */

static const char member_begins[] = "\n  \""; /* one of the outermost object */

static const struct list_form {
    enum manifest_list list;
    const char *path;
    size_t entry_size;
} list_forms[] = {
    {MANIFEST_DATABASES, "databases", sizeof(struct manifest_database)},
    {MANIFEST_TABLESPACES, "tablespaces", sizeof(struct manifest_tablespace)},
    {MANIFEST_UNAVAILABLE, "unavailable", sizeof(struct manifest_lack)},
};

#define LISTS (sizeof(list_forms) / sizeof(list_forms[0]))

static const struct entry_text {
    enum manifest_list list;
    const char *path;
    size_t offset; /* of the pointer in the entry */
} entry_texts[] = {
    {MANIFEST_DATABASES, "databases[].name", offsetof(struct manifest_database, name)},
    {MANIFEST_TABLESPACES, "tablespaces[].name", offsetof(struct manifest_tablespace, name)},
    {MANIFEST_TABLESPACES, "tablespaces[].location",
     offsetof(struct manifest_tablespace, location)},
    {MANIFEST_UNAVAILABLE, "unavailable[].field", offsetof(struct manifest_lack, field)},
    {MANIFEST_UNAVAILABLE, "unavailable[].reason", offsetof(struct manifest_lack, reason)},
};

#define ENTRY_TEXTS (sizeof(entry_texts) / sizeof(entry_texts[0]))

struct list {
    const struct list_form *form;
    bool wanted;
    void *entries;
    size_t count;
};

struct manifest_decoder {
    struct manifest_facts facts;
    struct list lists[LISTS];
    struct list *open;    /* the list whose entry is being read; NULL: none */
    size_t kept;          /* bytes of all entries, roughly */
    bool tablespaces_cut; /* not all of them are kept */

    struct json_walk walk;
    bool no_memory;
    struct error damage; /* the first; ERROR_NONE: there was none */
    bool searching;      /* for the next member, behind damage … */
    size_t begun;        /* … of whose beginning so many bytes have come */

    bool relations_listed; /* of the database being read */
    bool passed_over;      /* the same: a template, or closed to all */
    char relation_kind;    /* of the relation being read */
    double row_estimate;   /* the same; 0, once also -1: empty, or never analysed */
};

/* ---- Entries of lists ---- */

static void *entry_at(const struct list *list, size_t index)
{
    return (char *)list->entries + index * list->form->entry_size;
}

static char **text_of(void *entry, const struct entry_text *text)
{
    return (char **)((char *)entry + text->offset);
}

static void free_entry(const struct list *list, void *entry)
{
    for (size_t i = 0; i < ENTRY_TEXTS; i++) {
        if (entry_texts[i].list == list->form->list)
            free(*text_of(entry, &entry_texts[i]));
    }
}

static void forget_entries(struct list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free_entry(list, entry_at(list, i));
    list->count = 0;
}

/* An entry that breaks off is not kept. */
static void drop_entry(struct manifest_decoder *decoder)
{
    if (decoder->open != NULL)
        free_entry(decoder->open, entry_at(decoder->open, decoder->open->count));
    decoder->open = NULL;
}

static void begin_entry(struct manifest_decoder *decoder, struct list *list)
{
    void *grown;

    drop_entry(decoder);
    decoder->relations_listed = decoder->passed_over = false;
    if (!list->wanted)
        return;
    if (list->count == ENTRIES_MAX || decoder->kept >= KEPT_MAX) {
        decoder->tablespaces_cut |= list->form->list == MANIFEST_TABLESPACES;
        return;
    }
    grown = reallocarray(list->entries, list->count + 1, list->form->entry_size);
    if (grown == NULL) {
        decoder->no_memory = true;
        return;
    }
    list->entries = grown;
    memset(entry_at(list, list->count), 0, list->form->entry_size);
    decoder->open = list;
    decoder->kept += ENTRY_SIZE;
}

/* The entry being read, if it is one of that list. */
static void *open_entry(const struct manifest_decoder *decoder, enum manifest_list list)
{
    const struct list *open = decoder->open;

    return open == NULL || open->form->list != list ? NULL : entry_at(open, open->count);
}

static void end_entry(struct manifest_decoder *decoder)
{
    struct manifest_database *database = open_entry(decoder, MANIFEST_DATABASES);

    if (decoder->open == NULL)
        return;
    /* A manifest has no empty lists: a database without one has no relations, or nobody looked. */
    if (database != NULL)
        database->looked_into = decoder->relations_listed || !decoder->passed_over;
    decoder->open->count++;
    decoder->open = NULL;
}

static void keep_entry_text(struct manifest_decoder *decoder, const char *path, const char *text)
{
    for (size_t i = 0; i < ENTRY_TEXTS; i++) {
        void *entry = open_entry(decoder, entry_texts[i].list);
        char **kept;

        if (entry == NULL || strcmp(path, entry_texts[i].path) != 0)
            continue;
        kept = text_of(entry, &entry_texts[i]);
        free(*kept);
        *kept = strdup(text);
        decoder->no_memory |= *kept == NULL;
        decoder->kept += strlen(text);
    }
}

/* ---- Relations ---- */

static void begin_relation(struct manifest_decoder *decoder)
{
    struct manifest_database *database = open_entry(decoder, MANIFEST_DATABASES);

    decoder->relation_kind = '\0';
    decoder->row_estimate = -1;
    if (database != NULL)
        database->relations++;
}

/* Sequences, indexes and views have estimates of their own, which are nobody's rows; a partitioned
 * table's are those of its partitions. */
static void end_relation(struct manifest_decoder *decoder)
{
    struct manifest_database *database = open_entry(decoder, MANIFEST_DATABASES);

    if (database == NULL || (decoder->relation_kind != 'r' && decoder->relation_kind != 'm'))
        return;
    database->tables++;
    if (decoder->row_estimate <= 0)
        database->not_analysed++;
    else
        database->rows += decoder->row_estimate;
}

static void take_row_estimate(struct manifest_decoder *decoder, const char *text)
{
    double estimate = strtod(text, NULL);

    if (isfinite(estimate))
        decoder->row_estimate = estimate;
}

/* ---- The head ---- */

static const char *const head_members[] = {
    "created_at",  "connector",      "producer",           "host",
    "port",        "server_version", "server_version_num", "cluster_system_identifier",
    "in_recovery", "database",       "dump_format",        "layout",
    "partial",     "verifiers",
};

/* What cannot be kept is not known. */
static void keep_head_member(struct manifest_decoder *decoder, enum json_walk_type type,
                             const char *path, const char *text)
{
    for (size_t i = 0; i < sizeof(head_members) / sizeof(head_members[0]); i++) {
        json_t *value;

        if (strcmp(path, head_members[i]) != 0)
            continue;
        value =
            type == JSON_WALK_STRING ? utf8_to_json(text) : json_loads(text, JSON_DECODE_ANY, NULL);
        if (json_object_set_new(decoder->facts.head, path, value) != 0)
            json_object_del(decoder->facts.head, path);
    }
}

static enum manifest_kind kind_of(const char *connector)
{
    if (strstr(connector, "+bin") != NULL)
        return MANIFEST_PHYSICAL;
    return strcmp(connector, "postgresql") == 0 ? MANIFEST_LOGICAL : MANIFEST_UNKNOWN;
}

static void take_head_value(struct manifest_decoder *decoder, const char *path, const char *text)
{
    struct manifest_facts *facts = &decoder->facts;
    bool sha256 = strcmp(text, "sha256") == 0;

    /* Whoever checks a backup has taken these by then, wherever its bytes were cut. */
    if (facts->options_known &&
        (strcmp(path, "connector") == 0 || strncmp(path, "options.", 8) == 0))
        return;
    if (strcmp(path, "connector") == 0)
        facts->kind = kind_of(text);
    else if (strcmp(path, "cluster_system_identifier") == 0)
        facts->has_identifier = bytes_parse_u64(slice_string(text), &facts->system_identifier);
    else if (strcmp(path, "layout") == 0)
        (void)logical_layout_find(text, &facts->layout);
    else if (strcmp(path, MANIFEST_WITHOUT_SUMMARY) == 0)
        facts->without_summary = text[0] == 't';
    else if (strcmp(path, "options.data_only") == 0)
        facts->data_only = text[0] == 't';
    else if (strcmp(path, "options.digest") == 0)
        facts->summary_digest = sha256 ? DIGEST_SHA256 : DIGEST_XXH3_128;
    else if (strcmp(path, "options.manifest_checksums") == 0)
        facts->backup_manifest_digest = sha256 ? DIGEST_SHA256 : DIGEST_CRC32C;
}

/* ---- Events ---- */

/* Comes behind what says whether a database is a template, and knows better. */
static void take_backed_up(struct manifest_decoder *decoder, const char *text)
{
    struct manifest_database *database = open_entry(decoder, MANIFEST_DATABASES);

    decoder->passed_over = text[0] != 't';
    if (database != NULL) {
        database->share_known = true;
        database->backed_up = text[0] == 't';
    }
}

static void take_allowed(struct manifest_decoder *decoder, struct manifest_database *database,
                         bool allowed)
{
    decoder->passed_over |= !allowed;
    if (database != NULL)
        database->closed = !allowed;
}

static void take_database_value(struct manifest_decoder *decoder, enum json_walk_type type,
                                const char *name, const char *text)
{
    struct manifest_database *database = open_entry(decoder, MANIFEST_DATABASES);

    if (type == JSON_WALK_STRING && strcmp(name, "relations[].kind") == 0)
        decoder->relation_kind = text[0];
    else if (type == JSON_WALK_WORD && strcmp(name, "relations[].row_estimate") == 0)
        take_row_estimate(decoder, text);
    else if (type == JSON_WALK_WORD && strcmp(name, "is_template") == 0)
        decoder->passed_over |= text[0] == 't';
    else if (type == JSON_WALK_WORD && strcmp(name, "allow_conn") == 0)
        take_allowed(decoder, database, text[0] == 't');
    else if (type == JSON_WALK_WORD && strcmp(name, "backed_up") == 0)
        take_backed_up(decoder, text);
    else if (type == JSON_WALK_WORD && database != NULL && strcmp(name, "same_snapshot") == 0)
        database->same_snapshot = text[0] == 't';
}

static void keep_archive_name(struct manifest_decoder *decoder, const char *path, const char *text)
{
    if (strcmp(path, MANIFEST_ARCHIVE_NAMES "[]") != 0 || decoder->facts.archive_names == NULL ||
        decoder->kept >= KEPT_MAX)
        return;
    decoder->kept += strlen(text) + NAME_SIZE;
    if (json_array_append_new(decoder->facts.archive_names, utf8_to_json(text)) != 0)
        decoder->no_memory = true;
}

/* ---- Filters ---- */

/* The member of that name, made anew as what `empty` is if it is not there; NULL: it cannot be. */
static json_t *member_of(json_t *object, const char *name, json_t *empty)
{
    json_t *member = json_object_get(object, name);

    if (member != NULL) {
        json_decref(empty);
        return member;
    }
    return json_object_set_new(object, name, empty) == 0 ? json_object_get(object, name) : NULL;
}

/* "where[].table" and "where[].condition" of one after the other. */
static void keep_pair(json_t *list, const char *key, json_t *value)
{
    json_t *last = json_array_get(list, json_array_size(list) - 1);

    if (last == NULL || json_object_get(last, key) != NULL) {
        last = json_object();
        if (json_array_append_new(list, last) != 0)
            last = NULL;
    }
    (void)json_object_set_new(last, key, value);
}

/* What was asked for: "filters.schemas[]", "filters.where[].table", "filters.data_only". What
 * cannot be kept is not known. */
static void keep_filter(struct manifest_decoder *decoder, enum json_walk_type type,
                        const char *path, const char *text)
{
    static const char prefix[] = "filters.";
    const char *after = path + sizeof(prefix) - 1, *brackets;
    json_t *filters, *list;
    char name[64];

    if (strncmp(path, prefix, sizeof(prefix) - 1) != 0 || decoder->kept >= KEPT_MAX)
        return;
    decoder->kept += strlen(text) + ENTRY_SIZE;
    brackets = strstr(after, "[]");
    snprintf(name, sizeof(name), "%.*s",
             brackets == NULL ? (int)strlen(after) : (int)(brackets - after), after);
    filters = member_of(decoder->facts.head, "filters", json_object());
    if (brackets == NULL) {
        if (type == JSON_WALK_WORD && strchr(name, '.') == NULL)
            (void)json_object_set_new(filters, name, json_boolean(text[0] == 't'));
        return;
    }
    list = type == JSON_WALK_STRING ? member_of(filters, name, json_array()) : NULL;
    if (list != NULL && brackets[2] == '\0')
        (void)json_array_append_new(list, utf8_to_json(text));
    else if (list != NULL && brackets[2] == '.' && strpbrk(brackets + 3, ".[") == NULL)
        keep_pair(list, brackets + 3, utf8_to_json(text));
}

static void take_value(struct manifest_decoder *decoder, enum json_walk_type type, const char *path,
                       const char *text)
{
    static const char of_database[] = "databases[].";
    struct manifest_tablespace *tablespace = open_entry(decoder, MANIFEST_TABLESPACES);
    uint64_t oid;

    if (strncmp(path, of_database, sizeof(of_database) - 1) == 0)
        take_database_value(decoder, type, path + sizeof(of_database) - 1, text);
    if (type == JSON_WALK_STRING) {
        keep_entry_text(decoder, path, text);
        keep_archive_name(decoder, path, text);
    }
    keep_filter(decoder, type, path, text);
    if (tablespace != NULL && strcmp(path, "tablespaces[].oid") == 0 &&
        bytes_parse_u64(slice_string(text), &oid) && oid <= UINT32_MAX)
        tablespace->oid = (uint32_t)oid;
    if (strpbrk(path, "[") == NULL) {
        take_head_value(decoder, path, text);
        keep_head_member(decoder, type, path, text);
    }
}

/* The list whose path the text begins with, if `tail` is all that follows. */
static struct list *list_of(struct manifest_decoder *decoder, const char *path, const char *tail)
{
    for (size_t i = 0; i < LISTS; i++) {
        struct list *list = &decoder->lists[i];
        size_t len = strlen(list->form->path);

        if (strncmp(path, list->form->path, len) == 0 && strcmp(path + len, tail) == 0)
            return list;
    }
    return NULL;
}

/* Of a list that comes twice the last one counts. */
static void begin_list(struct manifest_decoder *decoder, const char *path)
{
    struct list *list = list_of(decoder, path, "");

    if (strcmp(path, MANIFEST_ARCHIVE_NAMES) == 0) {
        json_decref(decoder->facts.archive_names);
        decoder->facts.archive_names = json_array();
    }
    if (strcmp(path, "databases[].relations") == 0)
        decoder->relations_listed = true;
    if (list == NULL)
        return;
    drop_entry(decoder);
    forget_entries(list);
    if (list->form->list == MANIFEST_TABLESPACES)
        decoder->facts.has_tablespaces = decoder->tablespaces_cut = false;
}

static void take_event(void *context, enum json_walk_type type, const char *path, const char *text)
{
    struct manifest_decoder *decoder = context;
    struct list *list = list_of(decoder, path, "[]");

    if (list != NULL && type != JSON_WALK_OBJECT_END && type != JSON_WALK_ARRAY_END) {
        begin_entry(decoder, list); /* one that is no object says nothing */
        if (type != JSON_WALK_OBJECT)
            end_entry(decoder);
    }
    switch (type) {
    case JSON_WALK_OBJECT:
        if (strcmp(path, "databases[].relations[]") == 0)
            begin_relation(decoder);
        break;
    case JSON_WALK_OBJECT_END:
        if (strcmp(path, "databases[].relations[]") == 0)
            end_relation(decoder);
        if (list != NULL)
            end_entry(decoder);
        decoder->facts.options_known |= strcmp(path, "options") == 0;
        break;
    case JSON_WALK_STRING:
    case JSON_WALK_WORD:
        take_value(decoder, type, path, text);
        break;
    case JSON_WALK_ARRAY:
        begin_list(decoder, path);
        break;
    case JSON_WALK_ARRAY_END:
        if (strcmp(path, "tablespaces") == 0)
            decoder->facts.has_tablespaces = !decoder->tablespaces_cut;
        break;
    }
}

/* ---- Bytes ---- */

/* Where the outermost object's next member begins, a new walk does. */
static bool search_member(struct manifest_decoder *decoder, struct slice *data, struct error *err)
{
    while (data->len > 0 && decoder->searching) {
        char byte = (char)slice_take(data, 1).data[0];

        if (byte == member_begins[decoder->begun])
            decoder->begun++;
        else
            decoder->begun = byte == '\n';
        decoder->searching = decoder->begun < sizeof(member_begins) - 1;
    }
    if (decoder->searching)
        return true;
    json_walk_init(&decoder->walk, take_event, decoder);
    return json_walk_feed(&decoder->walk, slice_string("{\""), err);
}

static bool feed_walk(struct manifest_decoder *decoder, struct slice *data)
{
    uint64_t before = decoder->walk.offset;
    struct error damage;

    if (json_walk_feed(&decoder->walk, *data, &damage)) {
        data->len = 0;
        return true;
    }
    error_prefix(&damage, "manifest.json");
    slice_take(data, (size_t)(decoder->walk.offset - before));
    drop_entry(decoder);
    decoder->searching = true;
    decoder->begun = 0;
    if (decoder->damage.code != ERROR_NONE)
        return true;
    decoder->damage = damage;
    return false;
}

static void show_lists(struct manifest_decoder *decoder)
{
    struct manifest_facts *facts = &decoder->facts;
    const struct list *lists = decoder->lists;

    facts->databases = lists[0].entries;
    facts->database_count = lists[0].count;
    facts->tablespaces = lists[1].entries;
    facts->tablespace_count = lists[1].count;
    facts->unavailable = lists[2].entries;
    facts->unavailable_count = lists[2].count;
}

bool manifest_decoder_feed(struct manifest_decoder *decoder, struct slice data, struct error *err)
{
    bool sound = true;

    while (data.len > 0 && !decoder->no_memory) {
        if (decoder->searching) {
            if (!search_member(decoder, &data, err))
                return false;
        } else {
            sound = feed_walk(decoder, &data) && sound;
        }
    }
    show_lists(decoder);
    if (decoder->no_memory)
        return error_set_memory(err);
    if (!sound)
        *err = decoder->damage;
    return sound;
}

bool manifest_decoder_finish(struct manifest_decoder *decoder, struct error *err)
{
    drop_entry(decoder);
    if (decoder->damage.code == ERROR_NONE)
        return json_walk_finish(&decoder->walk, err) || error_prefix(err, "manifest.json");
    *err = decoder->damage;
    return false;
}

/* ---- The decoder ---- */

struct manifest_decoder *manifest_decoder_new(unsigned lists, struct error *err)
{
    struct manifest_decoder *decoder = calloc(1, sizeof(*decoder));

    if (decoder != NULL)
        decoder->facts.head = json_object();
    if (decoder == NULL || decoder->facts.head == NULL) {
        free(decoder);
        error_set_memory(err);
        return NULL;
    }
    for (size_t i = 0; i < LISTS; i++)
        decoder->lists[i] = (struct list){
            .form = &list_forms[i],
            .wanted = (lists & list_forms[i].list) != 0,
        };
    decoder->facts.backup_manifest_digest = DIGEST_CRC32C;
    decoder->facts.summary_digest = DIGEST_XXH3_128;
    json_walk_init(&decoder->walk, take_event, decoder);
    return decoder;
}

void manifest_decoder_free(struct manifest_decoder *decoder)
{
    if (decoder == NULL)
        return;
    drop_entry(decoder);
    for (size_t i = 0; i < LISTS; i++) {
        forget_entries(&decoder->lists[i]);
        free(decoder->lists[i].entries);
    }
    json_decref(decoder->facts.head);
    json_decref(decoder->facts.archive_names);
    free(decoder);
}

const struct manifest_facts *manifest_decoder_facts(const struct manifest_decoder *decoder)
{
    return &decoder->facts;
}
