/* Columns of tables and views, with their defaults, which become objects (relation.c). */
#include "catalog/relation.h"

#include "catalog/columns.h"
#include "wire/stored_options.h"

#include <stdlib.h>

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

static const struct version_difference differences[] = {
    {"attcompression", 0, "''"},
    {"attcompression", 14, "a.attcompression"},
    {0},
};

/* What equals the type's own is given as null. */
static const char *const columns[] = {
    [RELATION] = "a.attrelid",
    [NUMBER] = "a.attnum",
    [NAME] = "a.attname",
    [TYPE] = "pg_catalog.format_type(a.atttypid, a.atttypmod)",
    [COLLATION] = COLUMN_COLLATION("a.attcollation", "t.typcollation"),
    [NOT_NULL] = "a.attnotnull",
    [IDENTITY] = "a.attidentity",
    [GENERATED] = "a.attgenerated",
    [IS_LOCAL] = "a.attislocal",
    [STORAGE] = "CASE WHEN a.attstorage <> t.typstorage THEN a.attstorage END",
    [COMPRESSION] = "{attcompression}",
    [STATISTICS] = "{attstattarget}",
    [OPTIONS] = "(SELECT pg_catalog.string_agg(" OPTION_PLAIN ", ', ')\n"
                "          FROM pg_catalog.unnest(a.attoptions) o\n"
                "         WHERE " SQL_USER_COLUMN_OPTION ")",
    [DEFAULT_OID] = "d.oid",
    [DEFAULT] = "pg_catalog.pg_get_expr(d.adbin, d.adrelid)",
};

static const char from[] =
    "FROM pg_catalog.pg_attribute a\n"
    "JOIN pg_catalog.pg_class c ON c.oid = a.attrelid\n"
    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace\n"
    "JOIN pg_catalog.pg_type t ON t.oid = a.atttypid\n"
    "LEFT JOIN pg_catalog.pg_collation co ON co.oid = a.attcollation\n"
    "LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace\n"
    "LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum\n"
    "WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f')\n"
    "  AND " OF_WANTED_RELATION "\n"
    "ORDER BY a.attrelid, a.attnum";

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
            column_default_move(object, &relation->columns[i]);
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

static bool add_default(struct catalog *catalog, struct relation *relation, struct column *column,
                        const struct catalog_row *row, struct error *err)
{
    uint32_t oid = row_oid(row, DEFAULT_OID);

    if (oid == 0)
        return true;
    if (!column_default_make(catalog, relation, column, CLASS_DEFAULT, oid, err))
        return false;
    if (relation->relkind != 'v') /* a view's stands alone from the start */
        catalog_make_piece(column->default_object, relation->object);
    return true;
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

static const struct catalog_query attributes = {
    .columns = columns,
    .count = COLUMNS,
    .from = from,
    .take = take_column,
    .differences = differences,
};

static bool read_columns(struct catalog *catalog, struct error *err)
{
    struct reading reading = {0};
    bool done =
        catalog_ask(catalog, &attributes, &reading, err) && finish_relation(catalog, &reading, err);

    free(reading.gathered);
    return done;
}

const struct catalog_step catalog_step_column = {
    .what = "columns",
    .order = READ_OF_TABLES,
    .read = read_columns,
};
