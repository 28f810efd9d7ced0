/* What this version cannot dump: to leave it out in silence would be to lose it. One table says
 * where such objects are; a kind that is dumped says so itself (its step's `dumps`), and its row
 * counts no more but for the warning about what lies in the system's schemas. */
#include "catalog/catalog_internal.h"

#include <stdio.h>

/*
 * Whose they are is not always said by the oid. What genbki numbers is below 12000, and initdb
 * makes nothing of the kinds without a schema above that; where there is a schema, it tells. A
 * server in single-user mode gives users oids below 16384, too, and those of large objects are the
 * users' own choice. What hangs on another object as a part of it (deptype 'i') is made with that.
 */
static const struct source {
    const char *word;    /* what it is called, and what a kind's step says that it dumps */
    const char *catalog; /* o in what follows */
    const char *name;
    const char *schema; /* the column; NULL: the kind has none */
    const char *own;    /* where neither oid nor schema tells: which rows are users' objects */
    const char *oid;    /* with that: the column; NULL: nothing is known by it */
} sources[] = {
    {.word = "language", .catalog = "pg_language", .name = "o.lanname"},
    {.word = "cast",
     .catalog = "pg_cast",
     .name = "pg_catalog.format_type(o.castsource, NULL) || ' AS ' ||\n"
             "       pg_catalog.format_type(o.casttarget, NULL)"},
    {.word = "transform",
     .catalog = "pg_transform",
     .name = "pg_catalog.concat('for ', pg_catalog.format_type(o.trftype, NULL), ' language ',\n"
             "       (SELECT l.lanname FROM pg_catalog.pg_language l WHERE l.oid = o.trflang))"},
    {.word = "operator",
     .catalog = "pg_operator",
     .name = "o.oid::pg_catalog.regoperator",
     .schema = "oprnamespace"},
    {.word = "access method", .catalog = "pg_am", .name = "o.amname"},
    {.word = "operator class",
     .catalog = "pg_opclass",
     .name = "o.opcname",
     .schema = "opcnamespace"},
    {.word = "operator family",
     .catalog = "pg_opfamily",
     .name = "o.opfname",
     .schema = "opfnamespace"},
    {.word = "collation",
     .catalog = "pg_collation",
     .name = "o.collname",
     .schema = "collnamespace"},
    {.word = "conversion",
     .catalog = "pg_conversion",
     .name = "o.conname",
     .schema = "connamespace"},
    {.word = "text search parser",
     .catalog = "pg_ts_parser",
     .name = "o.prsname",
     .schema = "prsnamespace"},
    {.word = "text search template",
     .catalog = "pg_ts_template",
     .name = "o.tmplname",
     .schema = "tmplnamespace"},
    {.word = "text search dictionary",
     .catalog = "pg_ts_dict",
     .name = "o.dictname",
     .schema = "dictnamespace"},
    {.word = "text search configuration",
     .catalog = "pg_ts_config",
     .name = "o.cfgname",
     .schema = "cfgnamespace"},
    {.word = "foreign data wrapper", .catalog = "pg_foreign_data_wrapper", .name = "o.fdwname"},
    {.word = "foreign server", .catalog = "pg_foreign_server", .name = "o.srvname"},
    {.word = "event trigger", .catalog = "pg_event_trigger", .name = "o.evtname"},
    {.word = "publication", .catalog = "pg_publication", .name = "o.pubname"},
    {.word = "default privilege",
     .catalog = "pg_default_acl",
     .name = "'of ' || pg_catalog.pg_get_userbyid(o.defaclrole)",
     .own = "true"},
    {.word = "large object", .catalog = "pg_largeobject_metadata", .name = "o.oid", .own = "true"},
    {.word = "subscription",
     .catalog = "pg_subscription",
     .name = "o.subname",
     .own = "o.subdbid = (SELECT d.oid FROM pg_catalog.pg_database d\n"
            "                     WHERE d.datname = pg_catalog.current_database())"},
    {.word = "user mapping",
     .catalog = "pg_user_mappings", /* a view */
     .name = "pg_catalog.concat('for ', coalesce((SELECT r.rolname FROM pg_catalog.pg_roles r\n"
             "         WHERE r.oid = o.umuser), 'PUBLIC'), ' server ', o.srvname)",
     .own = "true",
     .oid = "'pg_catalog.pg_user_mapping'::pg_catalog.regclass::pg_catalog.oid, o.umid"},
    {.word = "foreign table",
     .catalog = "pg_class",
     .name = "o.oid::pg_catalog.regclass",
     .own = "o.relkind = 'f' AND o.relpersistence <> 't'",
     .oid = "o.tableoid, o.oid"},
};

#define SOURCE_COUNT (sizeof(sources) / sizeof(sources[0]))

static bool is_dumped(const struct source *source)
{
    for (size_t i = 0; i < catalog_kind_step_count; i++) {
        const char *dumps = catalog_kind_steps[i]->dumps;

        if (dumps != NULL && strcmp(dumps, source->word) == 0)
            return true;
    }
    return false;
}

static void add_condition(struct sql *sql, const struct source *source)
{
    if (source->own != NULL) {
        sql_printf(sql, " WHERE %s\n", source->own);
        return;
    }
    if (source->schema != NULL)
        sql_printf(sql,
                   "  LEFT JOIN pg_catalog.pg_namespace n ON n.oid = o.%s\n"
                   " WHERE coalesce(n.nspname, '') !~ '^pg_temp_'\n"
                   "   AND coalesce(n.nspname, '') NOT IN ('pg_catalog', 'information_schema')\n",
                   source->schema);
    else
        sql_add(sql, " WHERE o.oid >= 12000\n");
    sql_add(sql, "   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d\n"
                 "                    WHERE d.classid = o.tableoid\n"
                 "                      AND d.objid = o.oid AND d.deptype = 'i')\n");
}

/* Word, class, oid and name of each. */
static void add_all(struct sql *sql)
{
    bool first = true;

    for (size_t i = 0; i < SOURCE_COUNT; i++) {
        const struct source *source = &sources[i];
        const char *known = source->own == NULL   ? "o.tableoid, o.oid"
                            : source->oid == NULL ? "0, 0"
                                                  : source->oid;

        if (is_dumped(source))
            continue;
        sql_printf(sql,
                   "%sSELECT '%s', %s,\n"
                   "       (%s)::pg_catalog.text\n"
                   "  FROM pg_catalog.%s o\n",
                   first ? "" : "UNION ALL\n", source->word, known, source->name, source->catalog);
        add_condition(sql, source);
        first = false;
    }
    if (first) /* all of them are dumped */
        sql_add(sql, "SELECT NULL::pg_catalog.text, 0, 0, NULL::pg_catalog.text WHERE false\n");
}

/* Without the catalogs, an extension's objects are those that the server says belong to one. */
bool catalog_unsupported_query(struct buffer *text, struct error *err)
{
    struct sql sql = {.err = err};

    sql_add(&sql, "WITH found (kind, class, object, name) AS (");
    add_all(&sql);
    sql_add(&sql, "), left_out AS (\n"
                  "  SELECT f.kind, f.name FROM found f WHERE NOT EXISTS\n"
                  "  (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = f.class\n"
                  "      AND d.objid = f.object AND d.deptype = 'e'))\n"
                  "SELECT pg_catalog.count(*),\n"
                  "       (SELECT pg_catalog.string_agg(x.one, ', ')\n"
                  "          FROM (SELECT l.kind || ' ' || pg_catalog.min(l.name) AS one\n"
                  "                  FROM left_out l GROUP BY l.kind ORDER BY l.kind) x)\n"
                  "  FROM left_out");
    if (!sql.failed && !buffer_append_string(text, sql_text(&sql), err))
        sql_fail(&sql);
    return sql_end(&sql);
}

/* ---- Objects of other kinds ---- */

struct found {
    size_t count;
    char first[400];
    char last_kind[40];
    char kinds[900]; /* one of each */
};

static bool take_object(struct catalog *catalog, void *context, const struct catalog_row *row,
                        struct error *err)
{
    enum { KIND, CLASS, OID, NAME };
    struct found *found = context;
    size_t used = strlen(found->kinds);
    const char *kind = row_text(row, KIND), *name = row_text(row, NAME);

    (void)err;
    if (row_oid(row, CLASS) != 0 && row_oid(row, OID) != 0 &&
        catalog_find(catalog, row_oid(row, CLASS), row_oid(row, OID)) != NULL)
        return true; /* an extension's */
    if (found->count++ == 0)
        snprintf(found->first, sizeof(found->first), "%s %s", kind, name);
    if (strcmp(found->last_kind, kind) == 0)
        return true;
    snprintf(found->last_kind, sizeof(found->last_kind), "%s", kind);
    snprintf(found->kinds + used, sizeof(found->kinds) - used, "%s%s %s", used == 0 ? "" : ", ",
             kind, name);
    return true;
}

static bool find_unsupported(struct catalog *catalog, struct found *found, struct error *err)
{
    struct sql sql = {.err = err};
    bool done;

    add_all(&sql);
    done = !sql.failed && catalog_ask_text(catalog, sql_text(&sql), 4, take_object, found, err);
    return sql_end(&sql) && done;
}

/* ---- In the schemas of the system ---- */

enum { KIND, CLASS, OID, NAME, SCHEMA, WORD, COLUMNS };

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

/* Hundreds of collations may have been imported: one line for each kind and schema. What is not
 * dumped is refused, and not left out, where the schema only looks like one of the system's. */
static void add_misplaced(struct sql *sql, const struct source *source)
{
    if (source->schema == NULL)
        return;
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
               " WHERE o.oid >= 16384%s\n"
               "   AND NOT EXISTS\n"
               "       (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = o.tableoid\n"
               "           AND d.objid = o.oid AND d.deptype IN ('i', 'e'))\n"
               " GROUP BY n.nspname\n",
               source->catalog, source->schema,
               is_dumped(source) ? "" : " AND n.nspname IN ('pg_catalog', 'information_schema')");
}

/* pg_dump leaves them out without a word, and so they are not here for others to depend on. */
static bool find_misplaced(struct catalog *catalog, struct error *err)
{
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
    struct sql sql = {.err = err};
    bool done;

    sql_add(&sql, query);
    for (size_t i = 0; i < SOURCE_COUNT; i++)
        add_misplaced(&sql, &sources[i]);
    sql_add(&sql, "ORDER BY 5, 4");
    done = !sql.failed && catalog_ask_text(catalog, sql_text(&sql), COLUMNS, leave_out, NULL, err);
    return sql_end(&sql) && done;
}

static bool read_unsupported(struct catalog *catalog, struct error *err)
{
    struct found found = {0};

    /* What is not dumped yet lies in no schema; and nobody asked for the system's. */
    if (!catalog_wants_all(catalog))
        return true;
    if (!find_misplaced(catalog, err) || !find_unsupported(catalog, &found, err))
        return false;
    if (found.count == 0)
        return true;
    error_set(err, ERROR_UNSUPPORTED,
              "objects that cannot be backed up logically yet: %zu, the "
              "first is %s",
              found.count, found.first);
    error_reason(err, "object_unsupported");
    error_detail(err, "One of each kind: %s.", found.kinds);
    return error_hint(err, CATALOG_UNSUPPORTED_HINT);
}

const struct catalog_step catalog_step_unsupported = {
    .what = "kinds that cannot be dumped",
    .order = READ_UNSUPPORTED,
    .read = read_unsupported,
};
