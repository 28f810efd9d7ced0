/* What foreign tables have beyond other tables: a server, and options of their own and of their
 * columns. They are relations in all else (relation.c, table_sql.c). */
#include "catalog/relation.h"

#include "catalog/columns.h"

/* Options may be passwords: a message about a row shows its first three columns. */
enum { TABLE, SERVER, SERVER_OID, OPTIONS, COLUMNS };

static const char *const columns[] = {
    [TABLE] = "t.ftrelid",
    [SERVER] = "s.srvname",
    [SERVER_OID] = "t.ftserver",
    [OPTIONS] = COLUMN_FOREIGN_OPTIONS("t.ftoptions"),
};

static const char from[] = "FROM pg_catalog.pg_foreign_table t\n"
                           "LEFT JOIN pg_catalog.pg_foreign_server s ON s.oid = t.ftserver\n"
                           "ORDER BY t.ftrelid";

static bool take_table(struct catalog *catalog, void *context, const struct catalog_row *row,
                       struct error *err)
{
    struct relation *relation = relation_find(catalog, row_oid(row, TABLE));
    struct arena *arena = catalog_arena(catalog);

    (void)context;
    if (relation == NULL)
        return true;  /* an extension's, or a temporary one */
    error_clear(err); /* a copy of NULL is NULL without being a failure */
    relation->server_oid = row_oid(row, SERVER_OID);
    relation->server = arena_copy(arena, row_text(row, SERVER), err);
    relation->foreign_options = arena_copy(arena, row_text_or_null(row, OPTIONS), err);
    return err->code == ERROR_NONE;
}

static const struct catalog_query tables = {
    .columns = columns, .count = COLUMNS, .from = from, .take = take_table};

/* ---- Columns ---- */

enum { COLUMN_OF, NUMBER, COLUMN_OPTIONS, COLUMN_COLUMNS };

static const char *const column_columns[] = {
    [COLUMN_OF] = "a.attrelid",
    [NUMBER] = "a.attnum",
    [COLUMN_OPTIONS] = COLUMN_FOREIGN_OPTIONS("a.attfdwoptions"),
};

static const char column_from[] = "FROM pg_catalog.pg_attribute a\n"
                                  "WHERE a.attfdwoptions IS NOT NULL AND NOT a.attisdropped\n"
                                  "  AND a.attnum > 0\n"
                                  "ORDER BY a.attrelid, a.attnum";

static bool take_column(struct catalog *catalog, void *context, const struct catalog_row *row,
                        struct error *err)
{
    struct relation *relation = relation_find(catalog, row_oid(row, COLUMN_OF));
    struct column *column =
        relation == NULL ? NULL : relation_column(relation, (int16_t)row_number(row, NUMBER));

    (void)context;
    if (column == NULL)
        return true;
    error_clear(err);
    column->foreign_options =
        arena_copy(catalog_arena(catalog), row_text_or_null(row, COLUMN_OPTIONS), err);
    return err->code == ERROR_NONE;
}

static const struct catalog_query foreign_columns = {
    .columns = column_columns, .count = COLUMN_COLUMNS, .from = column_from, .take = take_column};

static bool read_columns(struct catalog *catalog, struct error *err)
{
    return catalog_ask(catalog, &foreign_columns, NULL, err);
}

const struct catalog_step catalog_step_foreign_table = {
    .what = "foreign tables",
    .order = READ_OF_TABLES + 1,
    .query = &tables,
    .read = read_columns,
};
