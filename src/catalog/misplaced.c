/* What users made in the schemas of the system, whatever its kind, is left out with a warning:
 * pg_dump leaves it out without a word, and so it is not here for others to depend on. */
#include "catalog/catalog_internal.h"

enum { KIND, CLASS, OID, NAME, SCHEMA, WORD, COLUMNS };

/* Kinds of which only the name differs; o: the row of the catalog. */
static const struct source {
    const char *word; /* also in SQL, in capitals */
    const char *catalog;
    const char *name;
    const char *schema; /* the column */
} sources[] = {
    {"operator", "pg_operator", "o.oid::pg_catalog.regoperator", "oprnamespace"},
    {"operator class", "pg_opclass", "o.opcname", "opcnamespace"},
    {"operator family", "pg_opfamily", "o.opfname", "opfnamespace"},
    {"collation", "pg_collation", "o.collname", "collnamespace"},
    {"conversion", "pg_conversion", "o.conname", "connamespace"},
    {"text search parser", "pg_ts_parser", "o.prsname", "prsnamespace"},
    {"text search template", "pg_ts_template", "o.tmplname", "tmplnamespace"},
    {"text search dictionary", "pg_ts_dict", "o.dictname", "dictnamespace"},
    {"text search configuration", "pg_ts_config", "o.cfgname", "cfgnamespace"},
};

#define SOURCE_COUNT (sizeof(sources) / sizeof(sources[0]))

static bool leave_out(struct catalog *catalog, void *context, const struct catalog_row *row,
                      struct error *err)
{
    (void)context;
    return catalog_find(catalog, row_oid(row, CLASS), row_oid(row, OID)) != NULL ||
           catalog_leave_out(catalog, err,
                             "%s %s is left out, because schema %s is the system's; move it: "
                             "ALTER %s … SET SCHEMA …",
                             row_text(row, KIND), row_text(row, NAME), row_text(row, SCHEMA),
                             row_text(row, WORD));
}

/* Hundreds of collations may have been imported: one line for each kind and schema. */
static void add_source(struct sql *sql, const struct source *source)
{
    sql_printf(sql,
               "UNION ALL\n"
               "SELECT '%s', 0, 0,\n"
               "       pg_catalog.concat(pg_catalog.min((%s)::pg_catalog.text),\n"
               "            CASE WHEN pg_catalog.count(*) > 1\n"
               "                 THEN ' (and ' || (pg_catalog.count(*) - 1) || ' more)' END),\n"
               "       n.nspname, pg_catalog.upper('%s')\n",
               source->word, source->name, source->word);
    sql_printf(sql,
               "  FROM pg_catalog.%s o JOIN n ON n.oid = o.%s\n"
               " WHERE o.oid >= 16384\n"
               "   AND NOT EXISTS\n"
               "       (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = o.tableoid\n"
               "           AND d.objid = o.oid AND d.deptype IN ('i', 'e'))\n"
               " GROUP BY n.nspname\n",
               source->catalog, source->schema);
}

/* Of the other kinds. */
static const char query[] =
    "WITH n AS (SELECT s.oid, s.nspname FROM pg_catalog.pg_namespace s\n"
    "            WHERE s.nspname = 'information_schema' OR (s.nspname ~ '^pg_'\n"
    "              AND s.nspname !~ '^pg_(toast|temp_|toast_temp_)'))\n"
    "SELECT CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate'\n"
    "                      ELSE 'function' END,\n"
    "       p.tableoid, p.oid, p.oid::pg_catalog.regprocedure::pg_catalog.text, n.nspname,\n"
    "       'ROUTINE'\n"
    "  FROM pg_catalog.pg_proc p JOIN n ON n.oid = p.pronamespace\n"
    " WHERE p.oid >= 16384 AND NOT EXISTS\n"
    "       (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = p.tableoid\n"
    "           AND d.objid = p.oid AND d.deptype = 'i')\n"
    "UNION ALL\n"
    "SELECT CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'\n"
    "                      WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table'\n"
    "                      ELSE 'table' END,\n"
    "       c.tableoid, c.oid, c.oid::pg_catalog.regclass::pg_catalog.text, n.nspname,\n"
    "       CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'\n"
    "                      WHEN 'S' THEN 'SEQUENCE' WHEN 'f' THEN 'FOREIGN TABLE'\n"
    "                      ELSE 'TABLE' END\n"
    "  FROM pg_catalog.pg_class c JOIN n ON n.oid = c.relnamespace\n"
    " WHERE c.oid >= 16384 AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')\n"
    "UNION ALL\n"
    "SELECT 'type', t.tableoid, t.oid, pg_catalog.format_type(t.oid, NULL), n.nspname, 'TYPE'\n"
    "  FROM pg_catalog.pg_type t JOIN n ON n.oid = t.typnamespace\n"
    "  LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid\n"
    " WHERE t.oid >= 16384 AND coalesce(c.relkind, 'c') = 'c' AND NOT EXISTS\n"
    "       (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = t.tableoid\n"
    "           AND d.objid = t.oid AND d.deptype = 'i')\n";

static void add_query(struct sql *sql)
{
    sql_add(sql, query);
    for (size_t i = 0; i < SOURCE_COUNT; i++)
        add_source(sql, &sources[i]);
    sql_add(sql, "ORDER BY 5, 4");
}

static bool find_misplaced(struct catalog *catalog, struct error *err)
{
    struct sql sql = {.err = err};
    bool done;

    add_query(&sql);
    done = !sql.failed && catalog_ask_text(catalog, sql_text(&sql), COLUMNS, leave_out, NULL, err);
    return sql_end(&sql) && done;
}

/* Nobody who asked for a part asked for the system's. */
static bool read_misplaced(struct catalog *catalog, struct error *err)
{
    return !catalog_wants_all(catalog) || find_misplaced(catalog, err);
}

const struct catalog_step catalog_step_misplaced = {
    .what = "objects in the system's schemas",
    .order = READ_MISPLACED,
    .read = read_misplaced,
};
