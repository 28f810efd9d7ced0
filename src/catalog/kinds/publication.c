/* Publications, and what they are of: tables, with the rows and columns that go out, and schemas,
 * each of which is an entry of its own behind both. */
#include "catalog/relation.h"

#include "catalog/columns.h"

static const struct catalog_kind kind_publication = {
    .desc = "PUBLICATION",
    .section = SECTION_POST_DATA,
    .priority = PRIORITY_PUBLICATION,
};

static const struct catalog_kind kind_publication_table = {
    .desc = "PUBLICATION TABLE",
    .section = SECTION_POST_DATA,
    .priority = PRIORITY_PUBLICATION_TABLE,
    .no_drop = true,
};

static const struct catalog_kind kind_publication_schema = {
    .desc = "PUBLICATION TABLES IN SCHEMA",
    .section = SECTION_POST_DATA,
    .priority = PRIORITY_PUBLICATION_SCHEMA,
    .no_drop = true,
};

/* ---- Publications ---- */

enum { OID, NAME, OWNER, ALL_TABLES, PUBLISH, VIA_ROOT, GENERATED, COLUMNS };

static const char publish[] = "pg_catalog.concat_ws(', ',\n"
                              "         CASE WHEN p.pubinsert THEN 'insert' END,\n"
                              "         CASE WHEN p.pubupdate THEN 'update' END,\n"
                              "         CASE WHEN p.pubdelete THEN 'delete' END,\n"
                              "         CASE WHEN p.pubtruncate THEN 'truncate' END)";

static const struct version_difference differences[] = {
    {"pubgencols", 0, "NULL"},
    {"pubgencols", 18, "CASE p.pubgencols WHEN 's' THEN 'stored' END"},
    {0},
};

static const char *const columns[] = {
    [OID] = "p.oid",
    [NAME] = "p.pubname",
    [OWNER] = COLUMN_ROLE("p.pubowner"),
    [ALL_TABLES] = "p.puballtables",
    [PUBLISH] = publish,
    [VIA_ROOT] = "p.pubviaroot",
    [GENERATED] = "{pubgencols}",
};

static const char from[] = "FROM pg_catalog.pg_publication p\n"
                           "ORDER BY p.pubname, p.oid";

static bool take_publication(struct catalog *catalog, void *context, const struct catalog_row *row,
                             struct error *err)
{
    struct catalog_object *object;
    struct sql sql = {.err = err};

    (void)context;
    if (catalog_find(catalog, CLASS_PUBLICATION, row_oid(row, OID)) != NULL)
        return true; /* an extension's */
    object = catalog_add(catalog, &kind_publication, CLASS_PUBLICATION, row_oid(row, OID), NULL,
                         row_text(row, NAME), row_text(row, OWNER), err);
    if (object == NULL)
        return false;
    sql_printf(&sql, "CREATE PUBLICATION %s", object->identity);
    if (row_flag(row, ALL_TABLES))
        sql_add(&sql, " FOR ALL TABLES");
    sql_clause(&sql, " WITH (publish = '", row_text(row, PUBLISH), "'");
    if (row_flag(row, VIA_ROOT))
        sql_add(&sql, ", publish_via_partition_root = true");
    sql_clause(&sql, ", publish_generated_columns = ", row_text_or_null(row, GENERATED), "");
    sql_add(&sql, ");\n");
    return sql_put(&sql, catalog, &object->definition);
}

static const struct catalog_query publications = {
    .columns = columns,
    .count = COLUMNS,
    .from = from,
    .take = take_publication,
    .differences = differences,
};

/* ---- Their tables and schemas ---- */

enum {
    PART_OID,
    PART_NAME, /* of both, as a list of contents has it */
    PART_OWNER,
    PART_PUBLICATION,
    PUBLICATION_NAME,
    PART_SCHEMA,
    PART_OF, /* the table, or the schema */
    TABLE_NAME,
    FILTER,
    COLUMN_NAMES,
    TABLE_COLUMNS,
    SCHEMA_COLUMNS = PART_OF + 1
};

#define COLUMNS_OF_PART                                                                            \
    [PART_OID] = "r.oid", [PART_OWNER] = COLUMN_ROLE("p.pubowner"), [PART_PUBLICATION] = "p.oid",  \
    [PUBLICATION_NAME] = "p.pubname", [PART_SCHEMA] = "n.nspname"

static const char column_names[] =
    "(SELECT pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', '\n"
    "                                      ORDER BY u.number)\n"
    "          FROM pg_catalog.unnest(r.prattrs::pg_catalog.int2[])\n"
    "               WITH ORDINALITY u (attnum, number)\n"
    "          JOIN pg_catalog.pg_attribute a\n"
    "            ON a.attrelid = r.prrelid AND a.attnum = u.attnum)";

static const struct version_difference table_differences[] = {
    {"prqual", 0, "NULL"},
    {"prqual", 15, "pg_catalog.pg_get_expr(r.prqual, r.prrelid)"},
    {"prattrs", 0, "NULL"},
    {"prattrs", 15, column_names},
    {0},
};

static const char *const table_columns[] = {
    COLUMNS_OF_PART,       [PART_NAME] = "p.pubname || ' ' || c.relname",
    [PART_OF] = "c.oid",   [TABLE_NAME] = "c.relname",
    [FILTER] = "{prqual}", [COLUMN_NAMES] = "{prattrs}",
};

static const char table_from[] = "FROM pg_catalog.pg_publication_rel r\n"
                                 "JOIN pg_catalog.pg_publication p ON p.oid = r.prpubid\n"
                                 "JOIN pg_catalog.pg_class c ON c.oid = r.prrelid\n"
                                 "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace\n"
                                 "ORDER BY p.pubname, n.nspname, c.relname, r.oid";

static const char *const schema_columns[] = {
    COLUMNS_OF_PART,
    [PART_NAME] = "p.pubname || ' ' || n.nspname",
    [PART_OF] = "n.oid",
};

static const char schema_from[] = "FROM pg_catalog.pg_publication_namespace r\n"
                                  "JOIN pg_catalog.pg_publication p ON p.oid = r.pnpubid\n"
                                  "JOIN pg_catalog.pg_namespace n ON n.oid = r.pnnspid\n"
                                  "ORDER BY p.pubname, n.nspname, r.oid";

static bool is_wanted(const struct catalog *catalog, uint32_t part_class, uint32_t oid)
{
    return part_class == CLASS_SCHEMA ? catalog_wants_schema(catalog, oid)
                                      : catalog_wants_relation(catalog, oid);
}

/* An extension's table may be in a user's publication, and the other way round: only what is an
 * extension's on both sides is made by it. pg_depend knows of both. */
static bool is_dumped(const struct catalog *catalog, const struct catalog_row *row,
                      uint32_t part_class)
{
    const struct catalog_object *publication =
        catalog_find(catalog, CLASS_PUBLICATION, row_oid(row, PART_PUBLICATION));
    const struct catalog_object *part = catalog_find(catalog, part_class, row_oid(row, PART_OF));

    if (publication == NULL)
        return false;
    /* From 18 on pg_dump says what a publication is for, even of what is not wanted. */
    if (part == NULL)
        return catalog_server_major(catalog) >= 18 && publication->class_oid != CLASS_EXTENSION &&
               !is_wanted(catalog, part_class, row_oid(row, PART_OF));
    return publication->class_oid != CLASS_EXTENSION || part->class_oid != CLASS_EXTENSION;
}

static struct catalog_object *add_part(struct catalog *catalog, const struct catalog_kind *kind,
                                       uint32_t class_oid, const struct catalog_row *row,
                                       struct sql *sql, struct error *err)
{
    sql_add(sql, "ALTER PUBLICATION ");
    sql_name(sql, row_text(row, PUBLICATION_NAME));
    return catalog_add(catalog, kind, class_oid, row_oid(row, PART_OID), row_text(row, PART_SCHEMA),
                       row_text(row, PART_NAME), row_text(row, PART_OWNER), err);
}

static bool take_table(struct catalog *catalog, void *context, const struct catalog_row *row,
                       struct error *err)
{
    struct catalog_object *object;
    struct sql sql = {.err = err};
    const char *schema;

    (void)context;
    if (!is_dumped(catalog, row, CLASS_RELATION))
        return true;
    object = add_part(catalog, &kind_publication_table, CLASS_PUBLICATION_TABLE, row, &sql, err);
    sql_add(&sql, " ADD TABLE ONLY ");
    schema = row_text(row, PART_SCHEMA);
    sql_qualified(&sql, schema, row_text(row, TABLE_NAME));
    sql_clause(&sql, " (", row_text_or_null(row, COLUMN_NAMES), ")");
    sql_clause(&sql, " WHERE (", row_text_or_null(row, FILTER), ")");
    sql_add(&sql, ";\n");
    if (object != NULL)
        return sql_put(&sql, catalog, &object->definition);
    sql_end(&sql);
    return false;
}

static const struct catalog_query publication_tables = {
    .columns = table_columns,
    .count = TABLE_COLUMNS,
    .from = table_from,
    .take = take_table,
    .differences = table_differences,
};

static bool take_schema(struct catalog *catalog, void *context, const struct catalog_row *row,
                        struct error *err)
{
    struct catalog_object *object;
    struct sql sql = {.err = err};

    (void)context;
    if (!is_dumped(catalog, row, CLASS_SCHEMA))
        return true;
    object = add_part(catalog, &kind_publication_schema, CLASS_PUBLICATION_SCHEMA, row, &sql, err);
    sql_add(&sql, " ADD TABLES IN SCHEMA ");
    sql_name(&sql, row_text(row, PART_SCHEMA));
    sql_add(&sql, ";\n");
    if (object != NULL)
        return sql_put(&sql, catalog, &object->definition);
    sql_end(&sql);
    return false;
}

static const struct catalog_query publication_schemas = {
    .columns = schema_columns, .count = SCHEMA_COLUMNS, .from = schema_from, .take = take_schema};

static bool read_parts(struct catalog *catalog, struct error *err)
{
    return catalog_ask(catalog, &publication_tables, NULL, err) &&
           (catalog_server_major(catalog) < 15 ||
            catalog_ask(catalog, &publication_schemas, NULL, err));
}

static const struct catalog_home home = {
    .catalog = "pg_publication",
    .word = "PUBLICATION",
    .name = "pubname",
    .owner = "pubowner",
};

const struct catalog_step catalog_step_publication = {
    .what = "publications",
    .whole_only = true,
    .order = READ_OF_TABLES + 9,
    .query = &publications,
    .read = read_parts,
    .home = &home,
};
