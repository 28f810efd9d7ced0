/* Text search configurations: a parser, and which dictionaries see each type of token, in order.
 *
 * The catalogs have numbers for the types; only the parser's own function knows their names. It is
 * called once a parser. */
#include "catalog/kind.h"

#include "catalog/columns.h"

static const struct catalog_kind kind_configuration = {
    .desc = "TEXT SEARCH CONFIGURATION",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_TEXT_SEARCH_CONFIGURATION,
};

enum { OID, SCHEMA, NAME, OWNER, PARSER_SCHEMA, PARSER, COLUMNS };

static const char *const columns[] = {
    [OID] = "c.oid",
    [SCHEMA] = "n.nspname",
    [NAME] = "c.cfgname",
    [OWNER] = COLUMN_ROLE("c.cfgowner"),
    [PARSER_SCHEMA] = "pn.nspname",
    [PARSER] = "p.prsname",
};

static const char from[] = "FROM pg_catalog.pg_ts_config c\n"
                           "JOIN pg_catalog.pg_namespace n ON n.oid = c.cfgnamespace\n"
                           "LEFT JOIN pg_catalog.pg_ts_parser p ON p.oid = c.cfgparser\n"
                           "LEFT JOIN pg_catalog.pg_namespace pn ON pn.oid = p.prsnamespace\n"
                           "WHERE " IN_USERS_SCHEMA "\n"
                           "ORDER BY n.nspname, c.cfgname";

static bool take_configuration(struct catalog *catalog, void *context,
                               const struct catalog_row *row, struct error *err)
{
    struct catalog_object *object;
    struct sql sql = {.err = err};
    const char *schema;

    (void)context;
    if (catalog_find(catalog, CLASS_TEXT_SEARCH_CONFIGURATION, row_oid(row, OID)) != NULL)
        return true; /* an extension's */
    object = catalog_add(catalog, &kind_configuration, CLASS_TEXT_SEARCH_CONFIGURATION,
                         row_oid(row, OID), row_text(row, SCHEMA), row_text(row, NAME),
                         row_text(row, OWNER), err);
    if (object == NULL)
        return false;
    sql_printf(&sql, "CREATE TEXT SEARCH CONFIGURATION %s (\n    PARSER = ", object->identity);
    schema = row_text(row, PARSER_SCHEMA);
    sql_qualified(&sql, schema, row_text(row, PARSER));
    sql_add(&sql, " );\n");
    return sql_put(&sql, catalog, &object->definition);
}

static const struct catalog_query configurations = {
    .columns = columns, .count = COLUMNS, .from = from, .take = take_configuration};

/* ---- Mappings ---- */

enum { MAPPING_OF, TOKEN_NUMBER, TOKEN, DICTIONARIES, MAPPING_COLUMNS };

static const char *const mapping_columns[] = {
    [MAPPING_OF] = "m.mapcfg",
    [TOKEN_NUMBER] = "m.maptokentype",
    [TOKEN] = "m.alias",
    [DICTIONARIES] = "m.dictionaries",
};

/* The dictionaries of pg_catalog are found without it, as everywhere. */
static const char mapping_with[] =
    "WITH mapping AS (\n"
    "  SELECT c.cfgparser, m.mapcfg, m.maptokentype,\n"
    "         CASE WHEN pg_catalog.bool_and(d.oid IS NOT NULL) THEN\n"
    "              pg_catalog.string_agg(\n"
    "                CASE WHEN dn.nspname = 'pg_catalog' THEN ''\n"
    "                     ELSE pg_catalog.quote_ident(dn.nspname) || '.' END ||\n"
    "                pg_catalog.quote_ident(d.dictname), ', ' ORDER BY m.mapseqno)\n"
    "              END AS dictionaries\n"
    "    FROM pg_catalog.pg_ts_config c\n"
    "    JOIN pg_catalog.pg_namespace n ON n.oid = c.cfgnamespace\n"
    "    JOIN pg_catalog.pg_ts_config_map m ON m.mapcfg = c.oid\n"
    "    LEFT JOIN pg_catalog.pg_ts_dict d ON d.oid = m.mapdict\n"
    "    LEFT JOIN pg_catalog.pg_namespace dn ON dn.oid = d.dictnamespace\n"
    "   WHERE " IN_USERS_SCHEMA "\n"
    "     AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e\n"
    "                      WHERE e.classid = c.tableoid AND e.objid = c.oid\n"
    "                        AND e.deptype = 'e')\n"
    "   GROUP BY c.cfgparser, m.mapcfg, m.maptokentype),\n"
    "token AS MATERIALIZED (\n"
    "  SELECT p.cfgparser, t.tokid, t.alias\n"
    "    FROM (SELECT DISTINCT cfgparser FROM mapping) p\n"
    "   CROSS JOIN LATERAL pg_catalog.ts_token_type(p.cfgparser) t)\n";

static const char mapping_from[] =
    "FROM (SELECT m.mapcfg, m.maptokentype, m.dictionaries, t.alias\n"
    "        FROM mapping m\n"
    "        LEFT JOIN token t ON t.cfgparser = m.cfgparser AND t.tokid = m.maptokentype) m\n"
    "ORDER BY m.mapcfg, m.maptokentype";

/* The mappings of one configuration stand together, and follow what makes it. */
struct reading {
    struct catalog_object *configuration; /* NULL: an extension's, or none yet */
    uint32_t oid;
    struct sql sql;
};

static bool finish(struct catalog *catalog, struct reading *reading)
{
    struct catalog_object *configuration = reading->configuration;

    reading->configuration = NULL;
    return configuration == NULL || sql_put(&reading->sql, catalog, &configuration->tail);
}

static bool begin(struct catalog *catalog, struct reading *reading, uint32_t oid, struct error *err)
{
    struct catalog_object *object = catalog_find(catalog, CLASS_TEXT_SEARCH_CONFIGURATION, oid);

    if (!finish(catalog, reading))
        return false;
    reading->oid = oid;
    if (object == NULL || object->kind != &kind_configuration)
        return true;
    reading->configuration = object;
    reading->sql = (struct sql){.err = err};
    return true;
}

/* A type that its parser knows no more cannot be named, nor can any token be of it. */
static bool leave_out(struct catalog *catalog, const struct catalog_object *configuration,
                      const struct catalog_row *row, struct error *err)
{
    return catalog_leave_out(
        catalog, err,
        "text search configuration %s has a mapping for token type %s, which its parser does not "
        "have: it is left out",
        configuration->identity, row_text(row, TOKEN_NUMBER));
}

static bool take_mapping(struct catalog *catalog, void *context, const struct catalog_row *row,
                         struct error *err)
{
    struct reading *reading = context;
    uint32_t oid = row_oid(row, MAPPING_OF);

    if (oid != reading->oid && !begin(catalog, reading, oid, err))
        return false;
    if (reading->configuration == NULL)
        return true;
    if (row_text_or_null(row, TOKEN) == NULL)
        return leave_out(catalog, reading->configuration, row, err);
    sql_printf(&reading->sql, "\nALTER TEXT SEARCH CONFIGURATION %s\n    ADD MAPPING FOR ",
               reading->configuration->identity);
    sql_name(&reading->sql, row_text(row, TOKEN));
    sql_clause(&reading->sql, " WITH ", row_text(row, DICTIONARIES), ";\n");
    return !reading->sql.failed;
}

static const struct catalog_query mappings = {
    .with = mapping_with,
    .columns = mapping_columns,
    .count = MAPPING_COLUMNS,
    .from = mapping_from,
    .take = take_mapping,
};

static bool read_mappings(struct catalog *catalog, struct error *err)
{
    struct reading reading = {0};
    bool asked = catalog_ask(catalog, &mappings, &reading, err);

    if (asked)
        return finish(catalog, &reading);
    if (reading.configuration != NULL)
        sql_end(&reading.sql);
    return false;
}

static const struct catalog_reference references[] = {
    {"cfgparser", "pg_ts_parser", "parser"},
    {0},
};

static const struct catalog_home home = {
    .catalog = "pg_ts_config",
    .word = "TEXT SEARCH CONFIGURATION",
    .name = "cfgname",
    .schema = "cfgnamespace",
    .owner = "cfgowner",
    .references = references,
};

const struct catalog_step catalog_step_text_search_configuration = {
    .what = "text search configurations",
    .order = READ_BEFORE_RELATIONS,
    .query = &configurations,
    .read = read_mappings,
    .home = &home,
};
