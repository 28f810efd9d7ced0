/* The objects of a database: how they are made, named, and found by the rows of the catalogs that
 * stand for them. Kinds, steps, order and entries stand on these few functions. */
#include "catalog/catalog_internal.h"

#include <stdarg.h>
#include <stdlib.h>

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
    struct sql plain = {.err = err};
    bool done;

    sql_name(&plain, object->name);
    done = !plain.failed && catalog_set_identity(catalog, object, sql_text(&plain), err);
    return sql_end(&plain) && done;
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
    object->plain_identity = arena_copy(&catalog->arena, plain_identity, err);
    object->identity = object->plain_identity;
    if (object->plain_identity != NULL && object->schema != NULL) {
        struct sql full = {.err = err};

        sql_name(&full, object->schema);
        sql_add(&full, ".");
        sql_add(&full, plain_identity);
        object->identity = sql_copy(&full, &catalog->arena);
    }
    return object->identity != NULL;
}

static const char *identity_on(struct catalog *catalog, const char *name, const char *relation,
                               struct error *err)
{
    struct sql text = {.err = err};

    sql_name(&text, name);
    sql_add(&text, " ON ");
    sql_add(&text, relation);
    return sql_copy(&text, &catalog->arena);
}

bool catalog_set_identity_on(struct catalog *catalog, struct catalog_object *object,
                             const struct catalog_object *relation, struct error *err)
{
    object->schema = relation->schema;
    object->owner = relation->owner;
    object->plain_identity = identity_on(catalog, object->name, relation->plain_identity, err);
    object->identity = identity_on(catalog, object->name, relation->identity, err);
    return object->plain_identity != NULL && object->identity != NULL &&
           catalog_set_tag_of_part(catalog, object, relation, err);
}

bool catalog_set_tag_of_part(struct catalog *catalog, struct catalog_object *object,
                             const struct catalog_object *whole, struct error *err)
{
    struct sql tag = {.err = err};

    sql_add(&tag, whole->name);
    sql_add(&tag, " ");
    sql_add(&tag, object->name);
    object->tag = sql_copy(&tag, &catalog->arena);
    return object->tag != NULL;
}

bool catalog_set_routine_identity(struct catalog *catalog, struct catalog_object *object,
                                  const char *identity_arguments, const char *types,
                                  struct error *err)
{
    struct sql text = {.err = err}, tag = {.err = err};
    bool done;

    sql_name(&text, object->name);
    sql_clause(&text, "(", identity_arguments, ")");
    done = !text.failed && catalog_set_identity(catalog, object, sql_text(&text), err);
    sql_end(&text);
    sql_add(&tag, object->name);
    sql_clause(&tag, "(", types, ")");
    object->tag = sql_copy(&tag, &catalog->arena);
    return done && object->tag != NULL;
}

void catalog_make_piece(struct catalog_object *piece, struct catalog_object *host)
{
    piece->host = host;
    piece->next_piece = host->pieces;
    host->pieces = piece;
}

struct catalog_object *catalog_tied(struct catalog_object *piece)
{
    while (piece->tied != NULL) {
        if (piece->tied->tied != NULL)
            piece->tied = piece->tied->tied; /* the way is shorter next time */
        piece = piece->tied;
    }
    return piece;
}

void catalog_tie(struct catalog_object *piece, struct catalog_object *other)
{
    piece = catalog_tied(piece);
    other = catalog_tied(other);
    if (piece != other)
        piece->tied = other;
}

void catalog_take_off_tied(struct catalog *catalog)
{
    for (size_t i = 0; i < catalog->object_count; i++) {
        struct catalog_object *piece = catalog->objects[i];

        if (piece->host != NULL && piece->kind->piece_rank > 0 && catalog_tied(piece)->tied_off)
            catalog_take_off(piece);
    }
}

void catalog_take_off(struct catalog_object *piece)
{
    struct catalog_object **at = &piece->host->pieces;

    catalog_tied(piece)->tied_off = true;
    while (*at != piece)
        at = &(*at)->next_piece;
    *at = piece->next_piece;
    piece->next_piece = NULL;
    piece->host = NULL;
    if (piece->comes_with == NULL)
        return;
    piece->hidden = true;
    if (piece->comes_with->host != NULL)
        catalog_take_off(piece->comes_with);
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

bool catalog_add_comment(struct catalog *catalog, struct catalog_object *object,
                         const struct comment_subject *subject, const char *comment,
                         struct error *err)
{
    struct sql sql = {.err = err}, tag = {.err = err};
    bool done;

    sql_printf(&sql, "COMMENT ON %s %s", subject->word, subject->identity);
    sql_printf(&tag, "%s %s", subject->word, subject->plain_identity);
    if (subject->column != NULL) {
        sql_add(&sql, ".");
        sql_name(&sql, subject->column);
        sql_add(&tag, ".");
        sql_name(&tag, subject->column);
    }
    sql_add(&sql, " IS ");
    sql_literal(&sql, comment);
    sql_add(&sql, ";\n");
    done =
        !sql.failed && !tag.failed &&
        catalog_add_extra(catalog, object, "COMMENT", sql_text(&tag), sql_text(&sql), err) != NULL;
    sql_end(&sql);
    sql_end(&tag);
    return done;
}

/* ---- What is not in the archive ---- */

bool catalog_leave_out(struct catalog *catalog, struct error *err, const char *format, ...)
{
    struct catalog_line *line = arena_take(&catalog->arena, sizeof(*line), err);
    struct buffer text = {0};
    va_list arguments;
    bool done;

    va_start(arguments, format);
    done = line != NULL && buffer_vprintf(&text, err, format, arguments);
    va_end(arguments);
    if (done) {
        log_message(catalog->options.log, LOG_WARNING, "%s", buffer_text(&text));
        line->text = arena_copy(&catalog->arena, buffer_text(&text), err);
        *(catalog->last_left_out == NULL ? &catalog->left_out : &catalog->last_left_out->next) =
            line;
        catalog->last_left_out = line;
        done = line->text != NULL;
    }
    buffer_free(&text);
    return done;
}

const char *catalog_left_out(const struct catalog *catalog, size_t number)
{
    const struct catalog_line *line = catalog->left_out;

    while (line != NULL && number-- > 0)
        line = line->next;
    return line == NULL ? NULL : line->text;
}

bool catalog_is_wanted(const struct catalog *catalog, const struct catalog_object *object)
{
    if (object->left_out)
        return false;
    switch (object->kind->content) {
    case CONTENT_SCHEMA:
        return !catalog->options.data_only;
    case CONTENT_DATA:
        return !catalog->options.schema_only;
    case CONTENT_REFRESH:
        return !catalog->options.schema_only && !catalog->options.data_only;
    case CONTENT_ALWAYS:
        break;
    }
    return true;
}

bool catalog_is_entry(const struct catalog *catalog, const struct catalog_object *object)
{
    return !object->hidden && catalog_is_wanted(catalog, object);
}

/* ---- What steps may use ---- */

struct arena *catalog_arena(struct catalog *catalog)
{
    return &catalog->arena;
}

int catalog_server_major(const struct catalog *catalog)
{
    return catalog->major;
}

const char *catalog_encoding(const struct catalog *catalog)
{
    return catalog->encoding;
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

bool sql_put(struct sql *sql, struct catalog *catalog, struct text_ref *ref)
{
    if (!sql->failed && !catalog_put_text(catalog, sql_text(sql), ref, sql->err))
        sql_fail(sql);
    return sql_end(sql);
}

void sql_stored(struct sql *sql, struct catalog *catalog, struct text_ref ref)
{
    const char *text;

    if (sql->failed)
        return;
    if (!catalog_get_text(catalog, ref, &text, sql->err))
        sql_fail(sql);
    else
        sql_clause(sql, "", text, "");
}
