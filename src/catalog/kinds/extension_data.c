/* The rows of an extension's configuration tables: CREATE EXTENSION makes the table, but only the
 * user knows what is in it. A condition leaves out what the extension's own script puts there. */
#include "catalog/kind.h"

#include "catalog/columns.h"
#include "catalog/table_locks.h"

#include <inttypes.h>

static const struct catalog_kind kind_configuration = {
    .desc = "TABLE DATA",
    .content = CONTENT_DATA,
    .section = SECTION_DATA,
    .priority = PRIORITY_TABLE_DATA,
    .no_drop = true,
};

static const struct catalog_kind kind_configuration_sequence = {
    .desc = "SEQUENCE SET",
    .content = CONTENT_DATA,
    .section = SECTION_DATA,
    .priority = PRIORITY_SEQUENCE_SET,
    .no_drop = true,
};

/* ---- Tables and sequences ---- */

enum { EXTENSION, OID, RELKIND, SCHEMA_OID, SCHEMA, NAME, OWNER, COLUMN_LIST, CONDITION, COLUMNS };

static const char *const columns[] = {
    [EXTENSION] = "e.oid",
    [OID] = "c.oid",
    [RELKIND] = "c.relkind",
    [SCHEMA_OID] = "n.oid",
    [SCHEMA] = "n.nspname",
    [NAME] = "c.relname",
    [OWNER] = COLUMN_ROLE("c.relowner"),
    [COLUMN_LIST] =
        "coalesce((SELECT pg_catalog.string_agg(\n"
        "                          '\"' || pg_catalog.replace(a.attname, '\"', '\"\"') || '\"',\n"
        "                          ', ' ORDER BY a.attnum)\n"
        "                   FROM pg_catalog.pg_attribute a\n"
        "                  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped\n"
        "                    AND a.attgenerated = ''), '')",
    [CONDITION] = "e.extcondition[u.number]",
};

static const char from[] =
    "FROM pg_catalog.pg_extension e,\n"
    "     pg_catalog.unnest(e.extconfig) WITH ORDINALITY u (relation, number)\n"
    "JOIN pg_catalog.pg_class c ON c.oid = u.relation AND c.relkind IN ('r', 'S')\n"
    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace\n"
    "ORDER BY e.extname, u.number";

static struct catalog_object *add(struct catalog *catalog, const struct catalog_kind *kind,
                                  const struct catalog_object *extension, uint32_t oid,
                                  const struct catalog_row *row, struct error *err)
{
    struct catalog_object *object = catalog_add(catalog, kind, 0, 0, row_text(row, SCHEMA),
                                                row_text(row, NAME), row_text(row, OWNER), err);

    if (object == NULL || !catalog_depend(catalog, object, extension, err) ||
        !catalog_alias(catalog, CLASS_CONFIGURATION, oid, object, err))
        return NULL;
    object->oid = oid;
    return object;
}

/* The extension's condition, which is any end of a query, is about its rows; the user's is beside
 * it. Either may end in a comment. */
static void add_chosen(const struct catalog *catalog, const struct catalog_object *object,
                       const char *list, const char *condition, struct sql *query)
{
    sql_clause(query, "COPY (SELECT ", list, "");
    if (!catalog_has_row_condition(catalog, object->oid)) {
        sql_printf(query, " FROM %s ", object->identity);
        sql_add(query, condition);
        sql_add(query, "\n)");
        return;
    }
    sql_printf(query, " FROM %s%s", condition[0] == '\0' ? "ONLY " : "", object->identity);
    catalog_add_row_condition(catalog, object->oid, query);
    if (condition[0] != '\0') {
        sql_printf(query, " AND (tableoid, ctid) IN (SELECT tableoid, ctid FROM %s ",
                   object->identity);
        sql_add(query, condition);
        sql_add(query, "\n)");
    }
    sql_add(query, ")");
}

static bool put_table(struct catalog *catalog, struct catalog_object *object, const char *list,
                      const char *condition, struct error *err)
{
    struct sql copy = {.err = err}, query = {.err = err};
    bool done;

    sql_printf(&copy, "COPY %s ", object->identity);
    if (list[0] != '\0')
        sql_clause(&copy, "(", list, ")");
    if (condition[0] == '\0' && !catalog_has_row_condition(catalog, object->oid))
        sql_add(&query, sql_text(&copy));
    else
        add_chosen(catalog, object, list, condition, &query);
    sql_add(&query, " TO STDOUT");
    sql_add(&copy, " FROM stdin;\n");
    done = sql_put(&copy, catalog, &object->copy);
    return sql_put(&query, catalog, &object->data_query) && done;
}

static bool take_configuration(struct catalog *catalog, void *context,
                               const struct catalog_row *row, struct error *err)
{
    const struct catalog_object *extension =
        catalog_find(catalog, CLASS_EXTENSION, row_oid(row, EXTENSION));
    bool sequence = row_char(row, RELKIND) == 'S';
    const char *condition = row_text_or_null(row, CONDITION);
    struct catalog_object *object;
    struct sql *positions = context;

    if (extension == NULL || !catalog_wants_configuration(catalog, row_oid(row, OID),
                                                          row_oid(row, SCHEMA_OID), extension->oid))
        return true;
    object = add(catalog, sequence ? &kind_configuration_sequence : &kind_configuration, extension,
                 row_oid(row, OID), row, err);
    if (object == NULL)
        return false;
    if (!sequence)
        return put_table(catalog, object, row_text(row, COLUMN_LIST),
                         condition == NULL ? "" : condition, err);
    sql_printf(positions, "%sSELECT %" PRIu32 ", last_value, is_called FROM %s",
               positions->text.len == 0 ? "" : "\nUNION ALL ", object->oid, object->identity);
    return !positions->failed;
}

static const struct catalog_query configurations = {
    .columns = columns, .count = COLUMNS, .from = from, .take = take_configuration};

/* ---- Where the sequences stand ---- */

static bool take_position(struct catalog *catalog, void *context, const struct catalog_row *row,
                          struct error *err)
{
    enum { SEQUENCE, LAST_VALUE, IS_CALLED };
    struct catalog_object *object =
        catalog_find(catalog, CLASS_CONFIGURATION, row_oid(row, SEQUENCE));
    struct sql sql = {.err = err};

    (void)context;
    if (object == NULL)
        return error_set(err, ERROR_PROTOCOL, "the server tells of a sequence nobody asked for");
    sql_add(&sql, "SELECT pg_catalog.setval(");
    sql_literal(&sql, object->identity);
    sql_printf(&sql, ", %s, %s);\n", row_text(row, LAST_VALUE),
               row_flag(row, IS_CALLED) ? "true" : "false");
    return sql_put(&sql, catalog, &object->definition);
}

/* ---- What refers to what ---- */

enum { REFERRING, REFERRED, REFERENCE_COLUMNS };

static const char *const reference_columns[] = {
    [REFERRING] = "o.conrelid",
    [REFERRED] = "o.confrelid",
};

static const char reference_from[] =
    "FROM pg_catalog.pg_constraint o\n"
    "WHERE o.contype = 'f'\n"
    "  AND o.conrelid IN (SELECT pg_catalog.unnest(extconfig) FROM pg_catalog.pg_extension)";

/* The foreign keys are there before the rows: those that are referred to come first. */
static bool take_reference(struct catalog *catalog, void *context, const struct catalog_row *row,
                           struct error *err)
{
    const struct catalog_object *from_table =
        catalog_find(catalog, CLASS_CONFIGURATION, row_oid(row, REFERRING));
    const struct catalog_object *to =
        catalog_find(catalog, CLASS_CONFIGURATION, row_oid(row, REFERRED));

    (void)context;
    return from_table == NULL || to == NULL || catalog_depend(catalog, from_table, to, err);
}

static const struct catalog_query references = {
    .columns = reference_columns,
    .count = REFERENCE_COLUMNS,
    .from = reference_from,
    .take = take_reference,
};

static bool is_table(const struct catalog_object *object)
{
    return object->kind == &kind_configuration;
}

static bool read_configurations(struct catalog *catalog, struct error *err)
{
    struct sql positions = {.err = err};
    bool done = catalog_ask(catalog, &configurations, &positions, err) &&
                table_locks_take(catalog, is_table, err) &&
                (positions.text.len == 0 ||
                 catalog_ask_text(catalog, sql_text(&positions), 3, take_position, NULL, err)) &&
                catalog_ask(catalog, &references, NULL, err);

    return sql_end(&positions) && done;
}

const struct catalog_step catalog_step_extension_data = {
    .what = "configuration tables of extensions",
    .order = READ_DATA - 1, /* before conditions on rows are held against the server */
    .read = read_configurations,
};
