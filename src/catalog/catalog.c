/* The objects of a database: how they are kept, found and read. */
#include "catalog/catalog_internal.h"

#include "base/bytes.h"
#include "catalog/versions.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define COLUMNS_MAX 80

/* ---- Objects ---- */

static size_t place_of(const struct catalog *catalog, uint32_t class_oid, uint32_t oid)
{
    uint64_t hash = ((uint64_t)class_oid << 32 | oid) * UINT64_C(0x9e3779b97f4a7c15);

    return (size_t)(hash >> 32) & (catalog->row_capacity - 1);
}

static struct catalog_row_of *find_row(const struct catalog *catalog, uint32_t class_oid,
                                       uint32_t oid)
{
    size_t at = place_of(catalog, class_oid, oid);

    while (catalog->rows[at].object != NULL &&
           (catalog->rows[at].class_oid != class_oid || catalog->rows[at].oid != oid))
        at = (at + 1) & (catalog->row_capacity - 1);
    return &catalog->rows[at];
}

static bool grow_rows(struct catalog *catalog, struct error *err)
{
    struct catalog_row_of *old = catalog->rows;
    size_t old_capacity = catalog->row_capacity;

    if (catalog->row_count * 2 < old_capacity)
        return true;
    catalog->row_capacity = old_capacity == 0 ? 1024 : old_capacity * 2;
    catalog->rows = calloc(catalog->row_capacity, sizeof(*catalog->rows));
    if (catalog->rows == NULL) {
        catalog->rows = old;
        catalog->row_capacity = old_capacity;
        return error_set_memory(err);
    }
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i].object != NULL)
            *find_row(catalog, old[i].class_oid, old[i].oid) = old[i];
    }
    free(old);
    return true;
}

bool catalog_alias(struct catalog *catalog, uint32_t class_oid, uint32_t oid,
                   struct catalog_object *object, struct error *err)
{
    struct catalog_row_of *row;

    if (oid == 0)
        return true;
    if (!grow_rows(catalog, err))
        return false;
    row = find_row(catalog, class_oid, oid);
    if (row->object == NULL)
        catalog->row_count++;
    *row = (struct catalog_row_of){class_oid, oid, object};
    return true;
}

struct catalog_object *catalog_find(const struct catalog *catalog, uint32_t class_oid, uint32_t oid)
{
    return catalog->row_capacity == 0 ? NULL : find_row(catalog, class_oid, oid)->object;
}

static bool keep(struct catalog *catalog, struct catalog_object *object, struct error *err)
{
    if (catalog->object_count == catalog->object_capacity) {
        size_t capacity = catalog->object_capacity == 0 ? 256 : catalog->object_capacity * 2;
        struct catalog_object **objects =
            realloc(catalog->objects, capacity * sizeof(*catalog->objects));

        if (objects == NULL)
            return error_set_memory(err);
        catalog->objects = objects;
        catalog->object_capacity = capacity;
    }
    object->index = (uint32_t)catalog->object_count;
    catalog->objects[catalog->object_count++] = object;
    return true;
}

/* Schemas and owners repeat: a neighbour's copy is taken where it is the same. */
static const char *copy_shared(struct catalog *catalog, const char *text, const char *neighbours,
                               struct error *err)
{
    if (text != NULL && neighbours != NULL && strcmp(text, neighbours) == 0)
        return neighbours;
    return arena_copy(&catalog->arena, text, err);
}

static bool default_identity(struct catalog *catalog, struct catalog_object *object,
                             struct error *err)
{
    struct buffer plain = {0};
    bool done = name_append(&plain, object->name, err) &&
                catalog_set_identity(catalog, object, buffer_text(&plain), err);

    buffer_free(&plain);
    return done;
}

/* pg_get_userbyid() says what is now, which may be less than the snapshot has. */
static bool check_owner(const struct catalog_kind *kind, const char *schema, const char *name,
                        const char *owner, struct error *err)
{
    if (kind->no_owner || owner == NULL || strncmp(owner, "unknown (OID=", 13) != 0)
        return true;
    error_set(err, ERROR_UNSUPPORTED, "%s %s%s%s has an owner that is no role: %s", kind->desc,
              schema == NULL ? "" : schema, schema == NULL ? "" : ".", name, owner);
    return error_hint(err, "The role was dropped while the backup began: run it again.");
}

struct catalog_object *catalog_add(struct catalog *catalog, const struct catalog_kind *kind,
                                   uint32_t class_oid, uint32_t oid, const char *schema,
                                   const char *name, const char *owner, struct error *err)
{
    struct catalog_object *object = arena_take(&catalog->arena, sizeof(*object), err);
    const struct catalog_object *last =
        catalog->object_count > 0 ? catalog->objects[catalog->object_count - 1] : NULL;

    if (object == NULL || !check_owner(kind, schema, name, owner, err))
        return NULL;
    object->kind = kind;
    object->section = kind->section;
    object->class_oid = class_oid;
    object->oid = oid;
    object->name = arena_copy(&catalog->arena, name, err);
    object->schema = copy_shared(catalog, schema, last != NULL ? last->schema : NULL, err);
    object->owner = copy_shared(catalog, owner, last != NULL ? last->owner : NULL, err);
    if (object->name == NULL || (schema != NULL && object->schema == NULL) ||
        (owner != NULL && object->owner == NULL) || !default_identity(catalog, object, err) ||
        !keep(catalog, object, err) || !catalog_alias(catalog, class_oid, oid, object, err))
        return NULL;
    object->dump_id = ++catalog->last_dump_id;
    return object;
}

bool catalog_set_identity(struct catalog *catalog, struct catalog_object *object,
                          const char *plain_identity, struct error *err)
{
    struct buffer full = {0};
    bool done = (object->schema == NULL || (name_append(&full, object->schema, err) &&
                                            buffer_append_byte(&full, '.', err))) &&
                buffer_append_string(&full, plain_identity, err);

    if (done) {
        object->plain_identity = arena_copy(&catalog->arena, plain_identity, err);
        object->identity = object->schema == NULL
                               ? object->plain_identity
                               : arena_copy_slice(&catalog->arena, buffer_slice(&full), err);
        done = object->plain_identity != NULL && object->identity != NULL;
    }
    buffer_free(&full);
    return done;
}

static const char *identity_on(struct catalog *catalog, const char *name, const char *relation,
                               struct error *err)
{
    struct buffer text = {0};
    const char *copy = NULL;

    if (name_append(&text, name, err) && buffer_printf(&text, err, " ON %s", relation))
        copy = arena_copy_slice(&catalog->arena, buffer_slice(&text), err);
    buffer_free(&text);
    return copy;
}

bool catalog_set_identity_on(struct catalog *catalog, struct catalog_object *object,
                             const struct catalog_object *relation, struct error *err)
{
    struct buffer tag = {0};
    bool done = buffer_printf(&tag, err, "%s %s", relation->name, object->name);

    if (done) {
        object->schema = relation->schema;
        object->owner = relation->owner;
        object->tag = arena_copy_slice(&catalog->arena, buffer_slice(&tag), err);
        object->plain_identity = identity_on(catalog, object->name, relation->plain_identity, err);
        object->identity = identity_on(catalog, object->name, relation->identity, err);
    }
    buffer_free(&tag);
    return done && object->tag != NULL && object->plain_identity != NULL &&
           object->identity != NULL;
}

void catalog_make_piece(struct catalog_object *piece, struct catalog_object *host)
{
    piece->host = host;
    piece->next_piece = host->pieces;
    host->pieces = piece;
}

void catalog_take_off(struct catalog_object *piece)
{
    struct catalog_object **at = &piece->host->pieces;

    while (*at != piece)
        at = &(*at)->next_piece;
    *at = piece->next_piece;
    piece->next_piece = NULL;
    piece->host = NULL;
}

size_t catalog_object_count(const struct catalog *catalog)
{
    return catalog->object_count;
}

struct catalog_object *catalog_object_at(const struct catalog *catalog, size_t index)
{
    return catalog->objects[index];
}

const char *catalog_word(const struct catalog_object *object)
{
    return object->kind->word != NULL ? object->kind->word : object->kind->desc;
}

struct catalog_extra *catalog_add_extra(struct catalog *catalog, struct catalog_object *object,
                                        const char *desc, const char *tag, const char *text,
                                        struct error *err)
{
    struct catalog_extra *extra = arena_take(&catalog->arena, sizeof(*extra), err);

    if (extra == NULL)
        return NULL;
    extra->desc = desc;
    extra->tag = arena_copy(&catalog->arena, tag, err);
    if (extra->tag == NULL || !catalog_put_text(catalog, text, &extra->text, err))
        return NULL;
    extra->dump_id = ++catalog->last_dump_id;
    if (object->last_extra != NULL)
        object->last_extra->next = extra;
    else
        object->extras = extra;
    object->last_extra = extra;
    return extra;
}

/* ---- What steps may use ---- */

struct wire_conn *catalog_conn(const struct catalog *catalog)
{
    return catalog->conn;
}

struct arena *catalog_arena(struct catalog *catalog)
{
    return &catalog->arena;
}

int catalog_server_major(const struct catalog *catalog)
{
    return catalog->major;
}

const struct catalog_options *catalog_options(const struct catalog *catalog)
{
    return &catalog->options;
}

bool catalog_put_text(struct catalog *catalog, const char *text, struct text_ref *ref,
                      struct error *err)
{
    return text_store_put(catalog->texts, text, ref, err);
}

bool catalog_get_text(struct catalog *catalog, struct text_ref ref, const char **text,
                      struct error *err)
{
    return text_store_get(catalog->texts, ref, text, err);
}

/* ---- Queries ---- */

const char *row_text(const struct catalog_row *row, size_t column)
{
    if (row->values[column] != NULL)
        return row->values[column];
    if (*row->missing == 0)
        *row->missing = column + 1;
    return "";
}

uint32_t row_oid(const struct catalog_row *row, size_t column)
{
    uint64_t value;

    return row->values[column] != NULL &&
                   bytes_parse_u64(slice_string(row->values[column]), &value) && value <= UINT32_MAX
               ? (uint32_t)value
               : 0;
}

int64_t row_number(const struct catalog_row *row, size_t column)
{
    return row->values[column] == NULL ? 0 : strtoll(row->values[column], NULL, 10);
}

bool row_flag(const struct catalog_row *row, size_t column)
{
    return row->values[column] != NULL && row->values[column][0] == 't';
}

char row_char(const struct catalog_row *row, size_t column)
{
    return row->values[column] == NULL ? '\0' : row->values[column][0];
}

/* The values of the row just received, with a NUL behind each. */
static bool take_row(const struct wire_conn *conn, size_t columns, struct buffer *bytes,
                     const char *values[COLUMNS_MAX], struct error *err)
{
    size_t at = 0;

    buffer_clear_keeping(bytes, ARCHIVE_TEXT_KEPT);
    for (size_t i = 0; i < columns; i++) {
        struct slice value = wire_row_value(conn, i);

        if (value.data != NULL && (!buffer_append(bytes, value.data, value.len, err) ||
                                   !buffer_append_byte(bytes, '\0', err)))
            return false;
    }
    for (size_t i = 0; i < columns; i++) {
        struct slice value = wire_row_value(conn, i);

        values[i] = value.data == NULL ? NULL : (const char *)bytes->data + at;
        if (value.data != NULL)
            at += value.len + 1;
    }
    return true;
}

/* "SELECT 123": a row that was lost on the way would be an object that is left out. */
static bool check_count(const char *tag, uint64_t rows, bool *counted, struct error *err)
{
    if (strncmp(tag, "SELECT ", 7) != 0)
        return true;
    *counted = true;
    if (strtoull(tag + 7, NULL, 10) == rows)
        return true;
    error_set(err, ERROR_PROTOCOL,
              "the server's answer about the catalogs is not complete: %s, but %" PRIu64
              " rows came",
              tag, rows);
    return error_hint(err, WIRE_LOSS_HINT);
}

/* Names the row by what comes first in it: oid, schema, name. */
static bool row_lacks(const struct catalog_row *row, struct error *err)
{
    char head[300] = "";
    size_t used = 0;

    for (size_t i = 0; i < row->count && i < 3 && used < sizeof(head); i++) {
        if (row->values[i] != NULL)
            used += (size_t)snprintf(head + used, sizeof(head) - used, "%s%s", used > 0 ? ", " : "",
                                     row->values[i]);
    }
    error_set(err, ERROR_SERVER, "the server has no definition of (%s): it was dropped or changed",
              head);
    return error_hint(err, CATALOG_CHANGED_HINT);
}

/* What a query's rows are given to, and how many came. */
struct taking {
    size_t columns;
    bool (*take)(struct catalog *, void *, const struct catalog_row *, struct error *);
    void *context;
    struct buffer bytes;
    uint64_t rows;
    bool counted;
};

static bool take_event(struct catalog *catalog, struct taking *taking,
                       const struct wire_event *event, struct error *err)
{
    const char *values[COLUMNS_MAX];
    size_t missing = 0;
    struct catalog_row row = {taking->columns, values, &missing};

    if (event->type == WIRE_SERVER_ERROR)
        return false;
    if (event->type == WIRE_COMMAND_COMPLETE)
        return check_count(event->tag, taking->rows, &taking->counted, err);
    if (event->type != WIRE_ROW)
        return true;
    taking->rows++;
    if (wire_row_columns(catalog->conn) != taking->columns)
        return error_set(err, ERROR_PROTOCOL, "the server answered a query with %zu columns",
                         wire_row_columns(catalog->conn));
    return take_row(catalog->conn, taking->columns, &taking->bytes, values, err) &&
           taking->take(catalog, taking->context, &row, err) &&
           (missing == 0 || row_lacks(&row, err));
}

/* After a failure the rest of the answer is thrown away: the session can be used again. */
static bool take_rows(struct catalog *catalog, struct taking *taking, struct error *err)
{
    struct error ignored;
    bool done = true, ended = false;

    while (done && !ended) {
        struct wire_event event;

        done = wire_next(catalog->conn, &event, err) && take_event(catalog, taking, &event, err);
        ended = done && event.type == WIRE_READY;
    }
    if (!done)
        wire_drain(catalog->conn, &ignored);
    if (!done || taking->counted)
        return done;
    error_set(err, ERROR_PROTOCOL, "the server did not answer a query about the catalogs");
    return error_hint(err, WIRE_LOSS_HINT);
}

bool catalog_query_as_is(struct catalog *catalog, const char *sql, size_t columns,
                         bool (*row)(struct catalog *, void *, const struct catalog_row *,
                                     struct error *),
                         void *context, struct error *err)
{
    struct taking taking = {.columns = columns, .take = row, .context = context};
    bool done = wire_send_query(catalog->conn, sql, err) && take_rows(catalog, &taking, err);

    buffer_free(&taking.bytes);
    return done;
}

bool catalog_query(struct catalog *catalog, const char *query, size_t columns,
                   bool (*row)(struct catalog *, void *, const struct catalog_row *,
                               struct error *),
                   void *context, struct error *err)
{
    struct buffer sql = {0};
    bool done = versions_expand(query, catalog->major, &sql, err) &&
                catalog_query_as_is(catalog, buffer_text(&sql), columns, row, context, err);

    buffer_free(&sql);
    return done;
}

void catalog_free(struct catalog *catalog)
{
    if (catalog == NULL)
        return;
    text_store_free(catalog->texts);
    arena_free(&catalog->arena);
    free(catalog->objects);
    free(catalog->rows);
    free(catalog->edges);
    free(catalog->slots);
    free(catalog->database);
    free(catalog->encoding);
    free(catalog->dependencies);
    buffer_free(&catalog->text);
    buffer_free(&catalog->drop);
    buffer_free(&catalog->statement);
    free(catalog);
}
