/* The rows of an extension's configuration tables: CREATE EXTENSION makes the table, but only the
 * user knows what is in it. A condition leaves out what the extension's own script puts there. */
#include "catalog/table_locks.h"

#include <inttypes.h>

static const struct catalog_kind kind_configuration = {
    .desc = "TABLE DATA",
    .section = SECTION_DATA,
    .priority = PRIORITY_TABLE_DATA,
    .no_drop = true,
};

static const struct catalog_kind kind_configuration_sequence = {
    .desc = "SEQUENCE SET",
    .section = SECTION_DATA,
    .priority = PRIORITY_SEQUENCE_SET,
    .no_drop = true,
};

/* Known by a class that no catalog has, so that foreign keys find them. */
#define CLASS_CONFIGURATION UINT32_C(1)

static struct catalog_object *add(struct catalog *catalog, const struct catalog_kind *kind,
                                  const struct catalog_object *extension, uint32_t oid,
                                  const struct catalog_row *row, struct error *err)
{
    enum { SCHEMA = 3, NAME, OWNER };
    struct catalog_object *object = catalog_add(catalog, kind, 0, 0, row_text(row, SCHEMA),
                                                row_text(row, NAME), row_text(row, OWNER), err);

    if (object == NULL || !catalog_depend(catalog, object, extension, err) ||
        !catalog_alias(catalog, CLASS_CONFIGURATION, oid, object, err))
        return NULL;
    object->oid = oid;
    return object;
}

static bool put_table(struct catalog *catalog, struct catalog_object *object, const char *columns,
                      const char *condition, struct error *err)
{
    struct buffer copy = {0}, query = {0};
    bool all = condition == NULL || condition[0] == '\0';
    bool done = buffer_printf(&copy, err, "COPY %s ", object->identity) &&
                (columns[0] == '\0' || (buffer_append_byte(&copy, '(', err) &&
                                        buffer_append_string(&copy, columns, err) &&
                                        buffer_append_byte(&copy, ')', err)));

    if (done && all)
        done = buffer_append(&query, copy.data, copy.len, err);
    else if (done)
        done = buffer_append_string(&query, "COPY (SELECT ", err) &&
               buffer_append_string(&query, columns, err) &&
               buffer_printf(&query, err, " FROM %s ", object->identity) &&
               buffer_append_string(&query, condition, err) &&
               buffer_append_string(&query, "\n)", err); /* it may end in a comment */
    done = done && buffer_append_string(&query, " TO STDOUT", err) &&
           buffer_append_string(&copy, " FROM stdin;\n", err) &&
           catalog_put_text(catalog, buffer_text(&copy), &object->copy, err) &&
           catalog_put_text(catalog, buffer_text(&query), &object->data_query, err);
    buffer_free(&copy);
    buffer_free(&query);
    return done;
}

static bool take_configuration(struct catalog *catalog, void *context,
                               const struct catalog_row *row, struct error *err)
{
    enum { EXTENSION, OID, RELKIND, SCHEMA, NAME, OWNER, COLUMN_LIST, CONDITION };
    const struct catalog_object *extension =
        catalog_find(catalog, CLASS_EXTENSION, row_oid(row, EXTENSION));
    bool sequence = row_char(row, RELKIND) == 'S';
    struct catalog_object *object;
    struct buffer *positions = context;

    if (extension == NULL)
        return true;
    object = add(catalog, sequence ? &kind_configuration_sequence : &kind_configuration, extension,
                 row_oid(row, OID), row, err);
    if (object == NULL)
        return false;
    if (!sequence)
        return put_table(catalog, object, row_text(row, COLUMN_LIST),
                         row_text_or_null(row, CONDITION), err);
    return buffer_printf(positions, err, "%sSELECT %" PRIu32 ", last_value, is_called FROM %s",
                         positions->len == 0 ? "" : " UNION ALL ", object->oid, object->identity);
}

static bool take_position(struct catalog *catalog, void *context, const struct catalog_row *row,
                          struct error *err)
{
    struct catalog_object *object = catalog_find(catalog, CLASS_CONFIGURATION, row_oid(row, 0));
    struct buffer sql = {0};
    bool done = (object != NULL || error_set(err, ERROR_PROTOCOL,
                                             "the server tells of a sequence nobody asked for")) &&
                buffer_append_string(&sql, "SELECT pg_catalog.setval(", err) &&
                literal_append(&sql, object->identity, err) &&
                buffer_printf(&sql, err, ", %s, %s);\n", row_text(row, 1),
                              row_flag(row, 2) ? "true" : "false") &&
                catalog_put_text(catalog, buffer_text(&sql), &object->definition, err);

    (void)context;
    buffer_free(&sql);
    return done;
}

/* The foreign keys are there before the rows: those that are referred to come first. */
static bool take_reference(struct catalog *catalog, void *context, const struct catalog_row *row,
                           struct error *err)
{
    const struct catalog_object *from = catalog_find(catalog, CLASS_CONFIGURATION, row_oid(row, 0));
    const struct catalog_object *to = catalog_find(catalog, CLASS_CONFIGURATION, row_oid(row, 1));

    (void)context;
    return from == NULL || to == NULL || catalog_depend(catalog, from, to, err);
}

static bool is_table(const struct catalog_object *object)
{
    return object->kind == &kind_configuration;
}

static bool read_configurations(struct catalog *catalog, struct error *err)
{
    static const char configurations[] =
        "SELECT e.oid, c.oid, c.relkind, n.nspname, c.relname, "
        "       pg_catalog.pg_get_userbyid(c.relowner), "
        "       coalesce((SELECT pg_catalog.string_agg("
        "                          '\"' || pg_catalog.replace(a.attname, '\"', '\"\"') || '\"', "
        "                          ', ' ORDER BY a.attnum) "
        "                   FROM pg_catalog.pg_attribute a "
        "                  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
        "                    AND a.attgenerated = ''), ''), "
        "       e.extcondition[u.number] "
        "  FROM pg_catalog.pg_extension e, "
        "       pg_catalog.unnest(e.extconfig) WITH ORDINALITY u (relation, number) "
        "  JOIN pg_catalog.pg_class c ON c.oid = u.relation AND c.relkind IN ('r', 'S') "
        "  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        " ORDER BY e.extname, u.number";
    static const char references[] =
        "SELECT o.conrelid, o.confrelid FROM pg_catalog.pg_constraint o WHERE o.contype = 'f' "
        "   AND o.conrelid IN (SELECT pg_catalog.unnest(extconfig) FROM pg_catalog.pg_extension)";
    struct buffer positions = {0};
    bool done = catalog_query(catalog, configurations, 8, take_configuration, &positions, err) &&
                table_locks_take(catalog, is_table, err) &&
                (positions.len == 0 || catalog_query_as_is(catalog, buffer_text(&positions), 3,
                                                           take_position, NULL, err)) &&
                catalog_query(catalog, references, 2, take_reference, NULL, err);

    buffer_free(&positions);
    return done;
}

const struct catalog_step catalog_step_extension_data = {
    .what = "configuration tables of extensions",
    .order = READ_DATA,
    .read = read_configurations,
};
