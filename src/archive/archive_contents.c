/*
 * A table of contents that is held. Of each entry there is a small item in an array, and its texts,
 * one behind the other, in the text store: most of them are asked for once, in their order.
 */
#include "archive/archive_contents_internal.h"
#include "archive/archive_data.h"

#include "base/array.h"
#include "base/text_store.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define TEXTS_KEPT ((size_t)16 << 20) /* in memory, compressed */

struct item {
    int32_t dump_id;
    uint8_t kind, section;
    bool has_data : 1, has_definition : 1, has_copy : 1;
    uint32_t dependencies, dependency_count;
    struct text_ref texts;
    struct contents_place place;
};

/* Where the entry of a dump id is. */
struct place_of_id {
    int32_t dump_id;
    uint32_t number;
};

struct archive_contents {
    struct contents_decoder decoder;
    struct held_unit held;
    bool header_read, complete;
    uint64_t size;
    struct archive_header header;
    struct buffer header_texts;
    uint32_t object_lists; /* entries with large objects */

    struct item *items;
    size_t count, capacity;
    struct place_of_id *by_id;
    int32_t *dependencies;
    size_t dependency_count, dependency_capacity;

    pthread_mutex_t lock; /* of what follows */
    struct text_store *texts;
    struct buffer record; /* while loading: the texts of an entry */
};

struct archive_contents *archive_contents_new(enum archive_form form, struct error *err)
{
    struct archive_contents *contents = calloc(1, sizeof(*contents));

    if (contents == NULL) {
        error_set_memory(err);
        return NULL;
    }
    contents_decoder_init(&contents->decoder,
                          form == ARCHIVE_FORM_CUSTOM ? FORMAT_CUSTOM : FORMAT_TAR);
    pthread_mutex_init(&contents->lock, NULL);
    contents->texts = text_store_new_spilling(TEXTS_KEPT, err);
    if (contents->texts != NULL)
        return contents;
    archive_contents_free(contents);
    return NULL;
}

void archive_contents_free(struct archive_contents *contents)
{
    if (contents == NULL)
        return;
    contents_decoder_reset(&contents->decoder);
    buffer_free(&contents->header_texts);
    text_store_free(contents->texts);
    buffer_free(&contents->record);
    pthread_mutex_destroy(&contents->lock);
    free(contents->items);
    free(contents->by_id);
    free(contents->dependencies);
    free(contents);
}

/* ---- Texts ---- */

#define TEXTS 10

static void list_texts(struct archive_entry *entry, const char **texts[TEXTS])
{
    texts[0] = &entry->tag;
    texts[1] = &entry->desc;
    texts[2] = &entry->definition;
    texts[3] = &entry->drop;
    texts[4] = &entry->copy;
    texts[5] = &entry->schema;
    texts[6] = &entry->tablespace;
    texts[7] = &entry->access_method;
    texts[8] = &entry->owner;
    texts[9] = &entry->file;
}

/* What a record begins with. */
struct fixed_part {
    uint32_t catalog_oid, object_oid;
    char relkind;
    bool there[TEXTS];
};

static bool put_texts(struct archive_contents *contents, const struct archive_entry *given,
                      struct text_ref *ref, struct error *err)
{
    struct archive_entry copy = *given, *entry = &copy;
    struct fixed_part fixed = {.catalog_oid = entry->catalog_oid,
                               .object_oid = entry->object_oid,
                               .relkind = entry->relkind};
    const char **texts[TEXTS];
    struct buffer *record = &contents->record;

    list_texts(entry, texts);
    for (size_t i = 0; i < TEXTS; i++)
        fixed.there[i] = *texts[i] != NULL;
    buffer_clear_keeping(record, ARCHIVE_TEXT_KEPT);
    if (!buffer_append(record, &fixed, sizeof(fixed), err))
        return false;
    for (size_t i = 0; i < TEXTS; i++) {
        if (fixed.there[i] && !buffer_append(record, *texts[i], strlen(*texts[i]) + 1, err))
            return false;
    }
    return text_store_put_bytes(contents->texts, record->data, record->len, ref, err);
}

/* The texts lie behind each other at `at`. How many bytes they are. */
static size_t point_texts(const char *at, struct archive_entry *entry)
{
    const char *begin = at;
    struct fixed_part fixed;
    const char **texts[TEXTS];

    memcpy(&fixed, at, sizeof(fixed));
    at += sizeof(fixed);
    entry->catalog_oid = fixed.catalog_oid;
    entry->object_oid = fixed.object_oid;
    entry->relkind = fixed.relkind;
    list_texts(entry, texts);
    for (size_t i = 0; i < TEXTS; i++) {
        *texts[i] = fixed.there[i] ? at : NULL;
        at += fixed.there[i] ? strlen(at) + 1 : 0;
    }
    return (size_t)(at - begin);
}

/* ---- Loading ---- */

static bool add_dependencies(struct archive_contents *contents, const struct archive_entry *entry,
                             struct item *item, struct error *err)
{
    item->dependencies = (uint32_t)contents->dependency_count;
    item->dependency_count = (uint32_t)entry->dependency_count;
    if (contents->dependency_count + entry->dependency_count > UINT32_MAX)
        return error_set(err, ERROR_CORRUPT, "the archive is damaged: too many dependencies");
    for (size_t i = 0; i < entry->dependency_count; i++) {
        if (contents->dependency_count == contents->dependency_capacity) {
            int32_t *grown = array_grow(contents->dependencies, &contents->dependency_capacity,
                                        sizeof(*grown), err);

            if (grown == NULL)
                return false;
            contents->dependencies = grown;
        }
        contents->dependencies[contents->dependency_count++] = entry->dependencies[i];
    }
    return true;
}

static bool is_numbered(const char *name, const char *before, int32_t dump_id, const char *behind)
{
    char expected[64];

    snprintf(expected, sizeof(expected), "%s%" PRId32 "%s", before, dump_id, behind);
    return strcmp(name, expected) == 0;
}

/* The name of an entry's file is made of its number: so none leads elsewhere, and no two have the
 * same. ("blobs.toc" up to 1.15, when there was one such entry; a tar has the name of rows for
 * large objects, too.) */
static bool check_file(struct archive_contents *contents, const struct archive_entry *entry,
                       struct error *err)
{
    bool objects = strcmp(entry->desc, ARCHIVE_LARGE_OBJECTS) == 0;

    if (contents->decoder.format == FORMAT_CUSTOM || !entry->has_data)
        return true;
    contents->object_lists += objects;
    if (entry->file == NULL ||
        (!is_numbered(entry->file, "", entry->dump_id, ".dat") &&
         !(objects && strcmp(entry->file, "blobs.toc") == 0) &&
         !(objects && is_numbered(entry->file, "blobs_", entry->dump_id, ".toc"))))
        return archive_corrupt(err, "the file of an entry is not called as the entry is",
                               entry->dump_id);
    return contents->header.minor >= 16 || contents->object_lists < 2 ||
           archive_corrupt(err, "two entries have the same large objects", entry->dump_id);
}

static bool grow_items(struct archive_contents *contents, struct error *err)
{
    struct item *grown;

    if (contents->count < contents->capacity)
        return true;
    grown = array_grow(contents->items, &contents->capacity, sizeof(*grown), err);
    if (grown == NULL)
        return false;
    contents->items = grown;
    return true;
}

static int compare_ids(const void *a, const void *b)
{
    const struct place_of_id *left = a, *right = b;

    return (left->dump_id > right->dump_id) - (left->dump_id < right->dump_id);
}

static bool index_ids(struct archive_contents *contents, struct error *err)
{
    if (contents->count == 0)
        return true;
    contents->by_id = malloc(contents->count * sizeof(*contents->by_id));
    if (contents->by_id == NULL)
        return error_set_memory(err);
    for (size_t i = 0; i < contents->count; i++)
        contents->by_id[i] = (struct place_of_id){contents->items[i].dump_id, (uint32_t)i};
    qsort(contents->by_id, contents->count, sizeof(*contents->by_id), compare_ids);
    for (size_t i = 1; i < contents->count; i++) {
        if (contents->by_id[i].dump_id == contents->by_id[i - 1].dump_id)
            return archive_corrupt(err, "two entries have the same number",
                                   contents->by_id[i].dump_id);
    }
    return true;
}

bool archive_contents_begin(struct archive_contents *contents, const struct archive_header *header,
                            struct error *err)
{
    const char *texts[] = {header->database, header->server_version, header->dumper_version};
    const char **places[] = {&contents->header.database, &contents->header.server_version,
                             &contents->header.dumper_version};
    size_t at[3];

    contents->header = *header;
    contents->header_read = true;
    for (size_t i = 0; i < 3; i++) {
        at[i] = contents->header_texts.len;
        if (texts[i] != NULL &&
            !buffer_append(&contents->header_texts, texts[i], strlen(texts[i]) + 1, err))
            return false;
    }
    for (size_t i = 0; i < 3; i++)
        *places[i] = texts[i] == NULL ? NULL : (const char *)contents->header_texts.data + at[i];
    contents->complete = header->entry_count == 0;
    return true;
}

bool archive_contents_add(struct archive_contents *contents, const struct archive_entry *entry,
                          struct error *err)
{
    struct item item = {
        .dump_id = entry->dump_id,
        .kind = (uint8_t)entry_kind_of(entry->desc),
        .section = (uint8_t)entry->section,
        .has_data = entry->has_data,
        .has_definition = entry->definition != NULL && entry->definition[0] != '\0',
        .has_copy = entry->copy != NULL && entry->copy[0] != '\0',
        .place = {contents->decoder.place == OFFSET_SET, contents->decoder.offset, 0},
    };

    if (!check_file(contents, entry, err) || !grow_items(contents, err) ||
        !put_texts(contents, entry, &item.texts, err) ||
        !add_dependencies(contents, entry, &item, err))
        return false;
    contents->items[contents->count++] = item;
    if (contents->count < contents->header.entry_count)
        return true;
    contents->complete = true;
    return index_ids(contents, err);
}

static enum decode_status take_unit(struct archive_contents *contents, struct slice *in,
                                    struct error *err)
{
    struct contents_decoder *decoder = &contents->decoder;
    enum decode_status status =
        contents->header_read ? decode_entry(decoder, in, err) : decode_header(decoder, in, err);

    if (status != DECODE_DONE)
        return status;
    if (contents->header_read ? archive_contents_add(contents, &decoder->entry, err)
                              : archive_contents_begin(contents, &decoder->header, err))
        return DECODE_DONE;
    return DECODE_FAILED;
}

static enum decode_status take_units(void *context, struct slice *in, struct error *err)
{
    struct archive_contents *contents = context;
    enum decode_status status = DECODE_DONE;

    while (status == DECODE_DONE && !contents->complete) {
        size_t before = in->len;

        status = take_unit(contents, in, err);
        contents->size += before - in->len;
    }
    return status;
}

bool archive_contents_feed(struct archive_contents *contents, struct slice *in, bool *complete,
                           struct error *err)
{
    enum decode_status status = units_feed(&contents->held, in, take_units, contents, err);

    *complete = contents->complete;
    return status != DECODE_FAILED;
}

/* ---- Asking ---- */

const struct archive_header *archive_contents_header(const struct archive_contents *contents)
{
    return &contents->header;
}

const struct archive_widths *archive_contents_widths(const struct archive_contents *contents)
{
    return &contents->decoder.widths;
}

const struct contents_sum *archive_contents_sum(const struct archive_contents *contents)
{
    return &contents->decoder.sum;
}

uint32_t archive_contents_count(const struct archive_contents *contents)
{
    return (uint32_t)contents->count;
}

uint64_t archive_contents_size(const struct archive_contents *contents)
{
    return contents->size;
}

struct contents_node archive_contents_node(const struct archive_contents *contents, uint32_t number)
{
    const struct item *item = &contents->items[number];

    return (struct contents_node){
        .dump_id = item->dump_id,
        .kind = (enum entry_kind)item->kind,
        .section = (enum archive_section)item->section,
        .has_data = item->has_data,
        .has_definition = item->has_definition,
        .has_copy = item->has_copy,
        .data_bytes = item->place.bytes,
        .dependencies =
            contents->dependencies == NULL ? NULL : contents->dependencies + item->dependencies,
        .dependency_count = item->dependency_count,
    };
}

bool archive_contents_find(const struct archive_contents *contents, int64_t dump_id,
                           uint32_t *number)
{
    const struct place_of_id key = {.dump_id = (int32_t)dump_id};
    const struct place_of_id *found;

    if (contents->count == 0 || dump_id < 1 || dump_id > INT32_MAX)
        return false;
    found = bsearch(&key, contents->by_id, contents->count, sizeof(key), compare_ids);
    if (found == NULL)
        return false;
    *number = found->number;
    return true;
}

const struct contents_place *archive_contents_place(const struct archive_contents *contents,
                                                    uint32_t number)
{
    return &contents->items[number].place;
}

void archive_contents_set_position(struct archive_contents *contents, uint32_t number,
                                   uint64_t position)
{
    contents->items[number].place.known = true;
    contents->items[number].place.position = position;
}

bool archive_contents_position(const struct archive_contents *contents, uint32_t number,
                               uint64_t *position)
{
    *position = contents->items[number].place.position;
    return contents->items[number].place.known && contents->items[number].place.bytes > 0;
}

void archive_contents_set_bytes(struct archive_contents *contents, uint32_t number, uint64_t bytes)
{
    contents->items[number].place.bytes = bytes;
}

static void fill_node(const struct archive_contents *contents, uint32_t number,
                      struct archive_entry *entry)
{
    const struct contents_node node = archive_contents_node(contents, number);

    *entry = (struct archive_entry){
        .dump_id = node.dump_id,
        .has_data = node.has_data,
        .section = node.section,
        .dependencies = node.dependencies,
        .dependency_count = node.dependency_count,
    };
}

bool archive_contents_entry(struct archive_contents *contents, uint32_t number,
                            struct archive_entry *entry, struct error *err)
{
    return archive_contents_entry_into(contents, number, &contents->record, entry, err);
}

bool archive_contents_entry_into(struct archive_contents *contents, uint32_t number,
                                 struct buffer *texts, struct archive_entry *entry,
                                 struct error *err)
{
    const char *at;
    bool done;

    fill_node(contents, number, entry);
    buffer_clear_keeping(texts, ARCHIVE_TEXT_KEPT);
    pthread_mutex_lock(&contents->lock);
    done = text_store_get(contents->texts, contents->items[number].texts, &at, err) &&
           buffer_append(texts, at, point_texts(at, entry), err);
    pthread_mutex_unlock(&contents->lock);
    if (done)
        point_texts((const char *)texts->data, entry);
    return done;
}

void archive_contents_name(struct archive_contents *contents, uint32_t number, char *out,
                           size_t size)
{
    struct buffer texts = {0};
    struct archive_entry entry;
    struct error ignored;

    if (!archive_contents_entry_into(contents, number, &texts, &entry, &ignored))
        snprintf(out, size, "entry %" PRId32, contents->items[number].dump_id);
    else
        snprintf(out, size, "%s %.200s%s%.200s (entry %" PRId32 ")", entry.desc,
                 entry.schema == NULL ? "" : entry.schema,
                 entry.schema == NULL || entry.schema[0] == '\0' ? "" : ".", entry.tag,
                 entry.dump_id);
    buffer_free(&texts);
}

bool archive_contents_blame(struct archive_contents *contents, uint32_t number, struct error *err)
{
    char name[512];

    archive_contents_name(contents, number, name, sizeof(name));
    return error_prefix(err, "%s", name);
}
