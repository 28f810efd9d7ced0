/* Columns of tables, and their defaults. A default is a piece of its table: it becomes an entry of
 * its own where it leads back to the table (the sequence of a serial column belongs to the table).
 */
#include "catalog/relation.h"

#include "wire/stored_options.h"

#include <stdlib.h>

static bool default_write(struct catalog *catalog, const struct catalog_object *object,
                          struct archive_entry *entry, struct buffer *text, struct error *err);

static const struct catalog_kind kind_default = {
    .desc = "DEFAULT",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_DEFAULT,
    .piece_rank = 3,
    .write = default_write,
};

/* The detail of a default. */
struct column_default {
    const struct relation *relation;
    const struct column *column;
};

static bool default_write(struct catalog *catalog, const struct catalog_object *object,
                          struct archive_entry *entry, struct buffer *text, struct error *err)
{
    const struct column_default *detail = object->detail;
    const struct catalog_object *table = detail->relation->object;
    const char *word = detail->relation->relkind == 'v' ? "VIEW" : "TABLE ONLY";

    (void)catalog;
    (void)entry;
    return buffer_printf(text, err, "ALTER %s %s ALTER COLUMN ", word, table->identity) &&
           name_append(text, detail->column->name, err) &&
           buffer_printf(text, err, " SET DEFAULT %s;\n", detail->column->default_value);
}

/* ---- Reading ---- */

enum {
    RELATION,
    NUMBER,
    NAME,
    TYPE,
    COLLATION,
    NOT_NULL,
    IDENTITY,
    GENERATED,
    IS_LOCAL,
    STORAGE,
    COMPRESSION,
    STATISTICS,
    OPTIONS,
    DEFAULT_OID,
    DEFAULT,
    COLUMNS
};

struct reading {
    uint32_t relation_oid; /* of the rows at hand; 0: none yet */
    struct relation *relation;
    struct column *gathered; /* of that relation */
    size_t count, capacity;
};

/* The columns gathered become the relation's. */
static bool finish_relation(struct catalog *catalog, struct reading *reading, struct error *err)
{
    struct relation *relation = reading->relation;
    size_t size = reading->count * sizeof(struct column);

    if (relation == NULL || reading->count == 0)
        return true;
    relation->columns = arena_take(catalog_arena(catalog), size, err);
    if (relation->columns == NULL)
        return false;
    memcpy(relation->columns, reading->gathered, size);
    relation->column_count = reading->count;
    for (size_t i = 0; i < reading->count; i++) {
        struct catalog_object *object = relation->columns[i].default_object;

        if (object != NULL)
            ((struct column_default *)object->detail)->column = &relation->columns[i];
    }
    reading->count = 0;
    return true;
}

static bool begin_relation(struct catalog *catalog, struct reading *reading, uint32_t oid,
                           struct error *err)
{
    if (!finish_relation(catalog, reading, err))
        return false;
    reading->relation_oid = oid;
    reading->relation = relation_find(catalog, oid);
    return true;
}

static struct column *add_column(struct reading *reading, struct error *err)
{
    if (reading->count == reading->capacity) {
        size_t capacity = reading->capacity == 0 ? 64 : reading->capacity * 2;
        struct column *gathered = realloc(reading->gathered, capacity * sizeof(*gathered));

        if (gathered == NULL) {
            error_set_memory(err);
            return NULL;
        }
        reading->gathered = gathered;
        reading->capacity = capacity;
    }
    reading->gathered[reading->count] = (struct column){0};
    return &reading->gathered[reading->count++];
}

static const char *default_tag(struct catalog *catalog, const struct relation *relation,
                               const struct column *column, struct error *err)
{
    struct buffer tag = {0};
    const char *copy = NULL;

    if (buffer_printf(&tag, err, "%s %s", relation->object->name, column->name))
        copy = arena_copy_slice(catalog_arena(catalog), buffer_slice(&tag), err);
    buffer_free(&tag);
    return copy;
}

static struct catalog_object *make_default(struct catalog *catalog, struct relation *relation,
                                           struct column *column, uint32_t class_oid, uint32_t oid,
                                           struct error *err)
{
    struct catalog_object *table = relation->object;
    struct catalog_object *object = catalog_add(catalog, &kind_default, class_oid, oid,
                                                table->schema, column->name, table->owner, err);
    struct column_default *detail = arena_take(catalog_arena(catalog), sizeof(*detail), err);
    struct buffer drop = {0};
    bool done;

    if (object == NULL || detail == NULL)
        return NULL;
    *detail = (struct column_default){relation, column};
    object->detail = detail;
    object->tag = default_tag(catalog, relation, column, err);
    column->default_object = object;
    done = object->tag != NULL &&
           buffer_printf(&drop, err, "ALTER TABLE %s ALTER COLUMN ", table->identity) &&
           name_append(&drop, column->name, err) &&
           buffer_append_string(&drop, " DROP DEFAULT;\n", err) &&
           catalog_put_text(catalog, buffer_text(&drop), &object->drop, err);
    buffer_free(&drop);
    return done ? object : NULL;
}

/* The expression of a generated column cannot be taken off: its row stands for the table. */
static bool add_default(struct catalog *catalog, struct relation *relation, struct column *column,
                        const struct catalog_row *row, struct error *err)
{
    uint32_t oid = row_oid(row, DEFAULT_OID);
    struct catalog_object *object;

    if (oid == 0)
        return true;
    if (column->generated != '\0')
        return catalog_alias(catalog, CLASS_DEFAULT, oid, relation->object, err);
    object = make_default(catalog, relation, column, CLASS_DEFAULT, oid, err);
    if (object != NULL && relation->relkind != 'v') /* a view's stands alone from the start */
        catalog_make_piece(object, relation->object);
    return object != NULL;
}

bool column_default_stand_alone(struct catalog *catalog, struct relation *relation,
                                struct column *column, struct error *err)
{
    if (column->default_object != NULL) {
        if (column->default_object->host != NULL)
            catalog_take_off(column->default_object);
        return true;
    }
    if (!column->default_dropped)
        return true;
    column->default_value = "NULL";
    return make_default(catalog, relation, column, 0, 0, err) != NULL &&
           catalog_depend(catalog, column->default_object, relation->object, err);
}

static bool take_column(struct catalog *catalog, void *context, const struct catalog_row *row,
                        struct error *err)
{
    struct reading *reading = context;
    struct arena *arena = catalog_arena(catalog);
    struct column *column;

    if (row_oid(row, RELATION) != reading->relation_oid &&
        !begin_relation(catalog, reading, row_oid(row, RELATION), err))
        return false;
    if (reading->relation == NULL)
        return true;
    column = add_column(reading, err);
    if (column == NULL)
        return false;
    error_clear(err);
    column->number = (int16_t)row_number(row, NUMBER);
    column->name = arena_copy(arena, row_text(row, NAME), err);
    column->type = arena_copy(arena, row_text(row, TYPE), err);
    column->collation = arena_copy(arena, row_text_or_null(row, COLLATION), err);
    column->options = arena_copy(arena, row_text_or_null(row, OPTIONS), err);
    if (row_oid(row, DEFAULT_OID) != 0)
        column->default_value = arena_copy(arena, row_text(row, DEFAULT), err);
    column->not_null = row_flag(row, NOT_NULL);
    column->not_null_local = column->not_null;
    column->identity = row_char(row, IDENTITY);
    column->generated = row_char(row, GENERATED);
    column->is_local = row_flag(row, IS_LOCAL);
    column->storage = row_char(row, STORAGE);
    column->compression = row_char(row, COMPRESSION);
    column->statistics =
        row_text_or_null(row, STATISTICS) == NULL ? -1 : (int32_t)row_number(row, STATISTICS);
    return err->code == ERROR_NONE && add_default(catalog, reading->relation, column, row, err);
}

static bool read_columns(struct catalog *catalog, struct error *err)
{
    /* What equals the type's own is given as null. */
    static const char query[] =
        "SELECT a.attrelid, a.attnum, a.attname, "
        "       pg_catalog.format_type(a.atttypid, a.atttypmod), "
        "       CASE WHEN a.attcollation <> t.typcollation "
        "            THEN pg_catalog.quote_ident(cn.nspname) || '.' || "
        "                 pg_catalog.quote_ident(co.collname) END, "
        "       a.attnotnull, a.attidentity, a.attgenerated, a.attislocal, "
        "       CASE WHEN a.attstorage <> t.typstorage THEN a.attstorage END, "
        "       {attcompression}, {attstattarget}, "
        "       (SELECT pg_catalog.string_agg("
        "                 pg_catalog.quote_ident(pg_catalog.split_part(o, '=', 1)) || '=' || "
        "                 pg_catalog.substr(o, pg_catalog.strpos(o, '=') + 1), ', ') "
        "          FROM pg_catalog.unnest(a.attoptions) o WHERE " SQL_USER_COLUMN_OPTION "), "
        "       d.oid, pg_catalog.pg_get_expr(d.adbin, d.adrelid) "
        "  FROM pg_catalog.pg_attribute a "
        "  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid "
        "  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        "  JOIN pg_catalog.pg_type t ON t.oid = a.atttypid "
        "  LEFT JOIN pg_catalog.pg_collation co ON co.oid = a.attcollation "
        "  LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace "
        "  LEFT JOIN pg_catalog.pg_attrdef d "
        "    ON d.adrelid = a.attrelid AND d.adnum = a.attnum "
        " WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm') "
        "   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' "
        " ORDER BY a.attrelid, a.attnum";
    struct reading reading = {0};
    bool done = catalog_query(catalog, query, COLUMNS, take_column, &reading, err) &&
                finish_relation(catalog, &reading, err);

    free(reading.gathered);
    return done;
}

const struct catalog_step catalog_step_column = {
    .what = "columns",
    .order = READ_OF_TABLES,
    .read = read_columns,
};
