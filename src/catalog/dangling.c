/*
 * What points to nothing: an owner that is no role any more, a schema, type, tablespace … that is
 * gone. A server gets into such a state when roles are dropped at an unlucky moment or somebody
 * writes to its catalogs. What is made from these rows would belong to whoever restores it, or be
 * left out in silence by a join; so it is an error that names the object.
 *
 * Privileges of and by roles that are gone are another matter: they are nobody's, and left out.
 */
#include "catalog/catalog_internal.h"
#include "catalog/columns.h"

#include <stdio.h>

/* clang-format off */

/* The objects that an archive has, by kind, but for those of a step with a home. Each has class,
 * oid, word (as SQL has it), name (quoted), and the columns that refer to something. */
#define OURS(schema)                                                                               \
    "coalesce(" schema ", '') !~ '^pg_' AND coalesce(" schema ", '') <> 'information_schema' "
#define WANTED OURS("n.nspname") "AND (n.oid IS NULL OR {schema n.oid}) "
#define NAME(schema, name)                                                                         \
    "coalesce(pg_catalog.quote_ident(" schema ") || '.', '') || pg_catalog.quote_ident(" name ")"
#define NO_PART(alias)                                                                             \
    "NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = " alias ".tableoid "         \
    "              AND d.objid = " alias ".oid AND d.deptype = 'i') "

static const char objects[] =
    "WITH schema_ AS ("
    "  SELECT n.tableoid AS class, n.oid, 'SCHEMA' AS word,\n"
    "         pg_catalog.quote_ident(n.nspname) AS name, n.nspowner\n"
    "    FROM pg_catalog.pg_namespace n WHERE " WANTED "), "
    "database_ AS ("
    "  SELECT 0::pg_catalog.oid AS class, d.oid, 'DATABASE' AS word,\n"
    "         pg_catalog.quote_ident(d.datname) AS name, d.datdba, d.dattablespace\n"
    "    FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()),\n"
    "relation AS ("
    "  SELECT c.tableoid AS class, c.oid,\n"
    "         CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'\n"
    "                        WHEN 'S' THEN 'SEQUENCE' WHEN 'f' THEN 'FOREIGN TABLE'\n"
    "                        WHEN 'i' THEN 'INDEX' WHEN 'I' THEN 'INDEX'\n"
    "                        WHEN 'c' THEN 'TYPE' ELSE 'TABLE' END AS word,\n"
    "         " NAME("n.nspname", "c.relname") " AS name, c.relnamespace, "
    "         CASE WHEN c.relkind NOT IN ('i', 'I', 'c') THEN c.relowner ELSE 0 END AS relowner,\n"
    "         c.relam, c.reltablespace, c.reloftype,\n"
    "         CASE WHEN c.relkind IN ('v', 'm') THEN c.oid ELSE 0 END AS query_of,\n"
    "         CASE WHEN c.relkind = 'S' THEN c.oid ELSE 0 END AS sequence_of,\n"
    "         CASE WHEN c.relkind = 'p' THEN c.oid ELSE 0 END AS key_of,\n"
    "         CASE WHEN c.relispartition AND c.relkind IN ('r', 'p', 'f') THEN c.oid ELSE 0 END\n"
    "              AS part_of,\n"
    "         CASE WHEN c.relkind = 'f' THEN c.oid ELSE 0 END AS foreign_of\n"
    "    FROM pg_catalog.pg_class c\n"
    "    LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace\n"
    "   WHERE c.relkind <> 't' AND c.relpersistence <> 't' AND " OURS("n.nspname") "\n"
    "     AND (n.oid IS NULL OR {relation c.oid}\n"
    "          OR (c.relkind = 'c' AND {schema n.oid})\n"
    "          OR c.oid IN (SELECT i.indexrelid FROM pg_catalog.pg_index i\n"
    "                        WHERE {relation i.indrelid}))), "
    "column_ AS ("
    "  SELECT r.class, r.oid, r.word,\n"
    "         pg_catalog.concat(r.name, ' column ', pg_catalog.quote_ident(a.attname)) AS name,\n"
    "         a.atttypid, a.attcollation, a.attnum,\n"
    "         CASE WHEN a.atthasdef THEN a.attrelid ELSE 0 END AS default_of\n"
    "    FROM relation r JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid\n"
    "   WHERE a.attnum > 0 AND NOT a.attisdropped),\n"
    "routine AS ("
    "  SELECT p.tableoid AS class, p.oid,\n"
    "         CASE p.prokind WHEN 'p' THEN 'PROCEDURE' WHEN 'a' THEN 'AGGREGATE'\n"
    "                        ELSE 'FUNCTION' END AS word,\n"
    "         " NAME("n.nspname", "p.proname") " || '(' || "
    "         coalesce((SELECT pg_catalog.string_agg(pg_catalog.format_type(x.t, NULL), ', '\n"
    "                                                ORDER BY x.number)\n"
    "                     FROM pg_catalog.unnest(p.proargtypes) WITH ORDINALITY x (t, number)),\n"
    "                  CASE p.prokind WHEN 'a' THEN '*' ELSE '' END) || ')' AS name,\n"
    "         p.pronamespace, p.proowner, p.prolang, p.prorettype, p.prosupport::pg_catalog.oid,\n"
    "         p.proargtypes, p.proallargtypes, p.protrftypes,\n"
    "         CASE WHEN p.prokind = 'a' THEN p.oid ELSE 0 END AS aggregate_of\n"
    "    FROM pg_catalog.pg_proc p\n"
    "    LEFT JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace\n"
    "   WHERE " WANTED " AND " NO_PART("p") "), "
    "argument AS ("
    "  SELECT r.class, r.oid, r.word, r.name, a.type FROM routine r,\n"
    "         pg_catalog.unnest(r.proargtypes::pg_catalog.oid[] || r.proallargtypes ||\n"
    "                           r.protrftypes) a (type)),\n"
    "type_ AS ("
    "  SELECT t.tableoid AS class, t.oid, CASE t.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END\n"
    "                                     AS word,\n"
    "         " NAME("n.nspname", "t.typname") " AS name, t.typnamespace, t.typowner, "
    "         t.typbasetype, t.typelem, t.typcollation, t.typrelid,\n"
    "         CASE WHEN t.typisdefined AND t.typtype = 'b' THEN t.typinput::pg_catalog.oid\n"
    "              ELSE 0 END AS typinput,\n"
    "         CASE WHEN t.typtype = 'r' THEN t.oid ELSE 0 END AS range_of,\n"
    "         g.rngsubtype, g.rngsubopc, g.rngcollation\n"
    "    FROM pg_catalog.pg_type t\n"
    "    LEFT JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace\n"
    "    LEFT JOIN pg_catalog.pg_range g ON g.rngtypid = t.oid\n"
    "   WHERE " WANTED " AND " NO_PART("t") "), "
    "extension_ AS ("
    "  SELECT 0::pg_catalog.oid AS class, e.oid, 'EXTENSION' AS word,\n"
    "         pg_catalog.quote_ident(e.extname) AS name, e.extnamespace\n"
    "    FROM pg_catalog.pg_extension e),\n"
    "policy AS ("
    "  SELECT p.tableoid AS class, p.oid, 'POLICY' AS word,\n"
    "         pg_catalog.quote_ident(p.polname) || ' ON ' || r.name AS name, x.role\n"
    "    FROM pg_catalog.pg_policy p JOIN relation r ON r.oid = p.polrelid,\n"
    "         pg_catalog.unnest(p.polroles) x (role)),\n"
    "trigger_ AS ("
    "  SELECT t.tableoid AS class, t.oid, 'TRIGGER' AS word,\n"
    "         pg_catalog.quote_ident(t.tgname) || ' ON ' || r.name AS name, t.tgfoid\n"
    "    FROM pg_catalog.pg_trigger t JOIN relation r ON r.oid = t.tgrelid\n"
    "   WHERE NOT t.tgisinternal),\n"
    "index_ AS ("
    "  SELECT i.tableoid AS class, i.indexrelid AS oid, 'INDEX' AS word,\n"
    "         'with OID ' || i.indexrelid || ' ON ' || r.name AS name, i.indexrelid\n"
    "    FROM pg_catalog.pg_index i JOIN relation r ON r.oid = i.indrelid),\n"
    "foreign_ AS ("
    "  SELECT r.class, r.oid, r.word, r.name, t.ftserver\n"
    "    FROM pg_catalog.pg_foreign_table t JOIN relation r ON r.oid = t.ftrelid),\n"
    "mapping AS ("
    "  SELECT c.tableoid AS class, c.oid, 'TEXT SEARCH CONFIGURATION' AS word,\n"
    "         " NAME("n.nspname", "c.cfgname") " AS name, m.mapdict\n"
    "    FROM pg_catalog.pg_ts_config_map m\n"
    "    JOIN pg_catalog.pg_ts_config c ON c.oid = m.mapcfg\n"
    "    LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.cfgnamespace\n"
    "   WHERE " WANTED "), "
    "user_mapping AS ("
    "  SELECT 0::pg_catalog.oid AS class, m.umid AS oid, 'USER MAPPING' AS word,\n"
    "         'SERVER ' || pg_catalog.quote_ident(m.srvname) AS name, m.umuser\n"
    "    FROM pg_catalog.pg_user_mappings m),\n"
    "published AS ("
    "  SELECT p.tableoid AS class, p.oid, 'PUBLICATION' AS word,\n"
    "         pg_catalog.quote_ident(p.pubname) AS name, x.prrelid\n"
    "    FROM pg_catalog.pg_publication_rel x\n"
    "    JOIN pg_catalog.pg_publication p ON p.oid = x.prpubid),\n"
    "operator_member AS ("
    "  SELECT 0::pg_catalog.oid AS class, m.oid, 'ROW' AS word,\n"
    "         'of pg_amop with OID ' || m.oid AS name, m.amopfamily\n"
    "    FROM pg_catalog.pg_amop m),\n"
    "function_member AS ("
    "  SELECT 0::pg_catalog.oid AS class, m.oid, 'ROW' AS word,\n"
    "         'of pg_amproc with OID ' || m.oid AS name, m.amprocfamily\n"
    "    FROM pg_catalog.pg_amproc m),\n"
    "inheritance AS ("
    "  SELECT r.class, r.oid, r.word, r.name, i.inhparent\n"
    "    FROM pg_catalog.pg_inherits i JOIN relation r ON r.oid = i.inhrelid),\n"
    "constraint_ AS ("
    "  SELECT k.tableoid AS class, k.oid, 'CONSTRAINT' AS word,\n"
    "         pg_catalog.quote_ident(k.conname) || ' ON ' || r.name AS name, k.confrelid,\n"
    "         CASE WHEN k.contype NOT IN ('p', 'u', 'x') THEN 0\n"
    "              WHEN k.conindid = 0 THEN 1 ELSE k.conindid END AS index_of\n"
    "    FROM pg_catalog.pg_constraint k JOIN relation r ON r.oid = k.conrelid) ";

/* clang-format on */

/* Since 15. */
static const char published_schemas[] =
    ", published_schema AS ("
    "  SELECT p.tableoid AS class, p.oid, 'PUBLICATION' AS word,\n"
    "         pg_catalog.quote_ident(p.pubname) AS name, x.pnnspid\n"
    "    FROM pg_catalog.pg_publication_namespace x\n"
    "    JOIN pg_catalog.pg_publication p ON p.oid = x.pnpubid)\n";

/* What each may refer to. */
static const struct reference {
    const char *object, *column, *catalog, *key, *what;
} references[] = {
    {"database_", "datdba", "pg_roles", "oid", "owner"},
    {"schema_", "nspowner", "pg_roles", "oid", "owner"},
    {"relation", "relowner", "pg_roles", "oid", "owner"},
    {"routine", "proowner", "pg_roles", "oid", "owner"},
    {"type_", "typowner", "pg_roles", "oid", "owner"},
    {"policy", "role", "pg_roles", "oid", "role"},
    {"relation", "relnamespace", "pg_namespace", "oid", "schema"},
    {"routine", "pronamespace", "pg_namespace", "oid", "schema"},
    {"type_", "typnamespace", "pg_namespace", "oid", "schema"},
    {"extension_", "extnamespace", "pg_namespace", "oid", "schema"},
    {"database_", "dattablespace", "pg_tablespace", "oid", "tablespace"},
    {"relation", "reltablespace", "pg_tablespace", "oid", "tablespace"},
    {"relation", "relam", "pg_am", "oid", "access method"},
    {"relation", "reloftype", "pg_type", "oid", "type"},
    {"column_", "atttypid", "pg_type", "oid", "type"},
    {"column_", "attcollation", "pg_collation", "oid", "collation"},
    {"routine", "prolang", "pg_language", "oid", "language"},
    {"routine", "prorettype", "pg_type", "oid", "type of result"},
    {"routine", "prosupport", "pg_proc", "oid", "support function"},
    {"argument", "type", "pg_type", "oid", "type of argument"},
    {"type_", "typbasetype", "pg_type", "oid", "type"},
    {"type_", "typelem", "pg_type", "oid", "type of element"},
    {"type_", "typcollation", "pg_collation", "oid", "collation"},
    {"type_", "typinput", "pg_proc", "oid", "input function"},
    {"type_", "typrelid", "pg_class", "oid", "row of pg_class"},
    {"type_", "range_of", "pg_range", "rngtypid", "row of pg_range"},
    {"type_", "rngsubtype", "pg_type", "oid", "subtype"},
    {"type_", "rngsubopc", "pg_opclass", "oid", "operator class"},
    {"type_", "rngcollation", "pg_collation", "oid", "collation"},
    {"trigger_", "tgfoid", "pg_proc", "oid", "function"},
    {"index_", "indexrelid", "pg_class", "oid", "row of pg_class"},
    {"inheritance", "inhparent", "pg_class", "oid", "parent"},
    {"constraint_", "confrelid", "pg_class", "oid", "table"},
    {"constraint_", "index_of", "pg_index", "indexrelid", "row of pg_index"},
    {"relation", "query_of", "pg_rewrite", "ev_class", "query in pg_rewrite"},
    {"relation", "sequence_of", "pg_sequence", "seqrelid", "row of pg_sequence"},
    {"relation", "key_of", "pg_partitioned_table", "partrelid", "row of pg_partitioned_table"},
    {"relation", "part_of", "pg_inherits", "inhrelid", "row of pg_inherits"},
    {"relation", "part_of", "pg_class", "relpartbound IS NOT NULL AND x.oid",
     "bounds of a partition"},
    {"column_", "default_of", "pg_attrdef", "adnum = o.attnum AND x.adrelid", "row of pg_attrdef"},
    {"relation", "foreign_of", "pg_foreign_table", "ftrelid", "row of pg_foreign_table"},
    {"foreign_", "ftserver", "pg_foreign_server", "oid", "server"},
    {"mapping", "mapdict", "pg_ts_dict", "oid", "dictionary"},
    {"routine", "aggregate_of", "pg_aggregate", "aggfnoid", "row of pg_aggregate"},
};

#define REFERENCE_COUNT (sizeof(references) / sizeof(references[0]))

/* Those of what lies in no schema, where that is wanted. */
static const struct reference whole_references[] = {
    {"user_mapping", "umuser", "pg_roles", "oid", "user"},
    {"published", "prrelid", "pg_class", "oid", "table"},
    {"operator_member", "amopfamily", "pg_opfamily", "oid", "family"},
    {"function_member", "amprocfamily", "pg_opfamily", "oid", "family"},
    {"published_schema", "pnnspid", "pg_namespace", "oid", "schema"},
};

#define WHOLE_REFERENCE_COUNT (sizeof(whole_references) / sizeof(whole_references[0]))

enum { CLASS, OID, WORD, NAME, WHAT, MISSING, COLUMNS };

struct dangling {
    size_t count;
    char first[500], hint[700], all[900];
};

/* What mends it: for an owner or a policy's role one statement. */
static void advise(struct dangling *dangling, const struct catalog_row *row)
{
    const char *what = row_text(row, WHAT);

    if (strcmp(what, "owner") == 0)
        snprintf(dangling->hint, sizeof(dangling->hint),
                 "Give it to a role: ALTER %s %s OWNER TO …;", row_text(row, WORD),
                 row_text(row, NAME));
    else if (strcmp(what, "role") == 0)
        snprintf(dangling->hint, sizeof(dangling->hint),
                 "Say whom it is for: ALTER POLICY %s TO …;", row_text(row, NAME));
    else if (strcmp(what, "family") == 0) /* no statement drops that */
        snprintf(dangling->hint, sizeof(dangling->hint),
                 "The server's catalogs are damaged there; "
                 "postgres+bin:// backs the cluster up physically, as it is.");
    else
        snprintf(dangling->hint, sizeof(dangling->hint),
                 "The server's catalogs are damaged there. DROP %s, and make it anew; "
                 "postgres+bin:// backs the cluster up physically, as it is.",
                 row_text(row, WORD));
}

static bool take_dangling(struct catalog *catalog, void *context, const struct catalog_row *row,
                          struct error *err)
{
    struct dangling *dangling = context;
    size_t used = strlen(dangling->all);
    char text[500];

    (void)err;
    if (catalog_find(catalog, row_oid(row, CLASS), row_oid(row, OID)) != NULL)
        return true; /* an extension's */
    snprintf(text, sizeof(text), "%s %s has the %s with OID %s", row_text(row, WORD),
             row_text(row, NAME), row_text(row, WHAT), row_text(row, MISSING));
    if (dangling->count++ == 0) {
        memcpy(dangling->first, text, sizeof(dangling->first));
        advise(dangling, row);
    }
    if (used < sizeof(dangling->all) - 1)
        snprintf(dangling->all + used, sizeof(dangling->all) - used, "%s%s", used == 0 ? "" : "; ",
                 text);
    return true;
}

static void add_reference(struct sql *sql, const struct reference *reference, bool first)
{
    sql_printf(sql,
               "%sSELECT o.class, o.oid, o.word, o.name, '%s', o.%s FROM %s o\n"
               " WHERE o.%s <> 0 AND NOT EXISTS\n"
               "       (SELECT FROM pg_catalog.%s x WHERE x.%s = o.%s)\n",
               first ? "" : "UNION ALL ", reference->what, reference->column, reference->object,
               reference->column, reference->catalog, reference->key, reference->column);
}

/* The objects of a step with a home: their own name is the catalog's. */
static void add_home(struct sql *sql, const struct catalog_home *home)
{
    bool in_schema = home->schema != NULL;

    sql_printf(sql,
               ", %s AS (\n"
               "  SELECT h.tableoid AS class, h.oid, '%s' AS word, %s",
               home->catalog, home->word,
               in_schema ? "coalesce(pg_catalog.quote_ident(n.nspname) || '.', '') ||\n" : "\n");
    if (home->label != NULL)
        sql_printf(sql, "         coalesce(%s, h.oid::pg_catalog.text) AS name", home->label);
    else
        sql_printf(sql, "         pg_catalog.quote_ident(h.%s) AS name", home->name);
    if (in_schema)
        sql_printf(sql, ", h.%s", home->schema);
    if (home->owner != NULL)
        sql_printf(sql, ", h.%s", home->owner);
    for (const struct catalog_reference *at = home->references; at != NULL && at->column != NULL;
         at++)
        sql_printf(sql, ", h.%s::pg_catalog.oid", at->column);
    sql_printf(sql, "\n    FROM pg_catalog.%s h\n", home->catalog);
    if (in_schema)
        sql_printf(sql,
                   "    LEFT JOIN pg_catalog.pg_namespace n ON n.oid = h.%s\n"
                   "   WHERE " WANTED,
                   home->schema);
    sql_add(sql, ")\n");
}

static void add_references_of_home(struct sql *sql, const struct catalog_home *home)
{
    const struct reference owner = {home->catalog, home->owner, "pg_roles", "oid", "owner"};
    const struct reference schema = {home->catalog, home->schema, "pg_namespace", "oid", "schema"};

    if (home->owner != NULL)
        add_reference(sql, &owner, false);
    if (home->schema != NULL)
        add_reference(sql, &schema, false);
    for (const struct catalog_reference *at = home->references; at != NULL && at->column != NULL;
         at++)
        add_reference(sql,
                      &(struct reference){home->catalog, at->column, at->catalog, "oid", at->what},
                      false);
}

static void for_each_home(const struct catalog *catalog, struct sql *sql,
                          void (*add)(struct sql *sql, const struct catalog_home *home))
{
    for (size_t i = 0; i < catalog_kind_step_count; i++) {
        const struct catalog_home *home = catalog_kind_steps[i]->home;

        if (home != NULL && (home->schema != NULL || catalog_wants_all(catalog)))
            add(sql, home);
    }
}

static bool find_dangling(struct catalog *catalog, struct error *err)
{
    struct dangling dangling = {0};
    struct sql sql = {.err = err}, wanted = {.err = err};
    bool done;

    sql_add(&sql, objects);
    if (catalog->major >= 15)
        sql_add(&sql, published_schemas);
    for_each_home(catalog, &sql, add_home);
    for (size_t i = 0; i < REFERENCE_COUNT; i++)
        add_reference(&sql, &references[i], i == 0);
    for (size_t i = 0; catalog_wants_all(catalog) && i < WHOLE_REFERENCE_COUNT; i++) {
        if (catalog->major >= 15 || strcmp(whole_references[i].object, "published_schema") != 0)
            add_reference(&sql, &whole_references[i], false);
    }
    for_each_home(catalog, &sql, add_references_of_home);
    done = !sql.failed &&
           selection_expand(&catalog->selection, sql_text(&sql), &wanted.text, err) &&
           catalog_ask_text(catalog, sql_text(&wanted), COLUMNS, take_dangling, &dangling, err);
    sql_end(&wanted);
    sql_end(&sql);
    if (!done || dangling.count == 0)
        return done;
    error_set(err, ERROR_UNSUPPORTED, "%s, which is not there", dangling.first);
    if (dangling.count > 1)
        error_detail(err, "%zu such: %s.", dangling.count, dangling.all);
    return error_hint(err, "%s", dangling.hint);
}

/* ---- Privileges of roles that are gone ---- */

enum { ROLE, KIND, OBJECT, TAKEN, OF_CLASS, OF_OID, OF_SCHEMA, OF_SYSTEM, ROLE_COLUMNS };

/* Whether there may be an entry of its privileges: not where only others were asked for. */
static bool has_wanted_privileges(const struct catalog *catalog, const struct catalog_row *row)
{
    uint32_t class_oid = row_oid(row, OF_CLASS), oid = row_oid(row, OF_OID);
    uint32_t schema = row_oid(row, OF_SCHEMA);
    const struct catalog_object *extension = catalog_find(catalog, class_oid, oid);

    if (extension != NULL)
        return !extension->left_out;
    if (class_oid == CLASS_LARGE_OBJECT)
        return catalog_wants_large_objects(catalog);
    if (class_oid == CLASS_DATABASE)
        return true;
    if (row_flag(row, OF_SYSTEM))
        return catalog_wants_system(catalog, class_oid);
    if (class_oid == CLASS_RELATION)
        return catalog_wants_relation(catalog, oid);
    return schema == 0 ? catalog_wants_all(catalog) : catalog_wants_schema(catalog, schema);
}

static bool take_gone_role(struct catalog *catalog, void *context, const struct catalog_row *row,
                           struct error *err)
{
    const char *name = row_text(row, ROLE);
    struct gone_role *role;

    (void)context;
    if (!has_wanted_privileges(catalog, row))
        return true;
    if (row_flag(row, TAKEN)) {
        error_set(err, ERROR_UNSUPPORTED,
                  "%s %s has privileges of the role with OID %s, which is not there, and a role "
                  "has that number as its name",
                  row_text(row, KIND), row_text(row, OBJECT), name);
        return error_hint(err,
                          "Rename that role for the time of the backup: ALTER ROLE \"%s\" "
                          "RENAME TO …;",
                          name);
    }
    if (!catalog_leave_out(
            catalog, err,
            "%s %s has privileges of or by the role with OID %s, which is not there: what it was "
            "granted is left out, what it granted comes from the owner",
            row_text(row, KIND), row_text(row, OBJECT), name))
        return false;
    if (catalog_role_is_gone(catalog, name))
        return true;
    role = arena_take(&catalog->arena, sizeof(*role), err);
    if (role == NULL)
        return false;
    *role = (struct gone_role){.next = catalog->gone_roles,
                               .name = arena_copy(&catalog->arena, name, err)};
    catalog->gone_roles = role;
    return role->name != NULL;
}

static const char *const role_columns[] = {
    [ROLE] = "u.role",
    [KIND] = "u.kind",
    [OBJECT] = "u.object",
    [TAKEN] = ("EXISTS (SELECT FROM pg_catalog.pg_roles r\n"
               "                WHERE r.rolname = u.role::pg_catalog.text)"),
    [OF_CLASS] = "u.class",
    [OF_OID] = "u.oid",
    [OF_SCHEMA] = "u.schema",
    [OF_SYSTEM] = ("EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.oid = u.schema\n"
                   "           AND NOT (" IN_ANY_USERS_SCHEMA "))"),
};

/* clang-format off */
static const char role_with[] =
    "WITH acl AS ("
    "  SELECT 'relation' AS kind, " NAME("n.nspname", "c.relname") " AS object, "
    "         c.relacl AS acl, c.tableoid AS class, c.oid, c.relnamespace AS schema\n"
    "    FROM pg_catalog.pg_class c\n"
    "    LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace\n"
    "   WHERE c.relacl IS NOT NULL AND c.relpersistence <> 't'\n"
    "  UNION ALL\n"
    "  SELECT 'column', " NAME("n.nspname", "c.relname") " || '.' || a.attname, a.attacl, "
    "         c.tableoid, c.oid, c.relnamespace "
    "    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid\n"
    "    LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace\n"
    "   WHERE a.attacl IS NOT NULL AND c.relpersistence <> 't'\n"
    "  UNION ALL\n"
    "  SELECT 'routine', " NAME("n.nspname", "p.proname") ", p.proacl, "
    "         p.tableoid, p.oid, p.pronamespace "
    "    FROM pg_catalog.pg_proc p\n"
    "    LEFT JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace\n"
    "   WHERE p.proacl IS NOT NULL\n"
    "  UNION ALL\n"
    "  SELECT 'type', " NAME("n.nspname", "t.typname") ", t.typacl, "
    "         t.tableoid, t.oid, t.typnamespace "
    "    FROM pg_catalog.pg_type t\n"
    "    LEFT JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace\n"
    "   WHERE t.typacl IS NOT NULL\n"
    "  UNION ALL\n"
    "  SELECT 'schema', pg_catalog.quote_ident(n.nspname), n.nspacl, n.tableoid, n.oid, n.oid\n"
    "    FROM pg_catalog.pg_namespace n WHERE n.nspacl IS NOT NULL\n"
    "  UNION ALL\n"
    "  SELECT 'language', pg_catalog.quote_ident(l.lanname), l.lanacl, l.tableoid, l.oid, 0\n"
    "    FROM pg_catalog.pg_language l WHERE l.lanacl IS NOT NULL\n"
    "  UNION ALL\n"
    "  SELECT 'default privileges of role', pg_catalog.pg_get_userbyid(d.defaclrole)::text,\n"
    "         d.defaclacl, d.tableoid, d.oid, d.defaclnamespace\n"
    "    FROM pg_catalog.pg_default_acl d\n"
    "  UNION ALL\n"
    "  SELECT 'foreign data wrapper', pg_catalog.quote_ident(w.fdwname), w.fdwacl,\n"
    "         w.tableoid, w.oid, 0\n"
    "    FROM pg_catalog.pg_foreign_data_wrapper w WHERE w.fdwacl IS NOT NULL\n"
    "  UNION ALL\n"
    "  SELECT 'foreign server', pg_catalog.quote_ident(s.srvname), s.srvacl, s.tableoid, s.oid, 0\n"
    "    FROM pg_catalog.pg_foreign_server s WHERE s.srvacl IS NOT NULL\n"
    "  UNION ALL\n"
    "  SELECT 'large object', pg_catalog.min(o.oid)::pg_catalog.text, o.lomacl,\n"
    "         'pg_catalog.pg_largeobject'::pg_catalog.regclass, pg_catalog.min(o.oid), 0\n"
    "    FROM pg_catalog.pg_largeobject_metadata o WHERE o.lomacl IS NOT NULL\n"
    "   GROUP BY o.lomacl\n"
    "  UNION ALL\n"
    "  SELECT 'database', pg_catalog.quote_ident(d.datname), d.datacl, d.tableoid, d.oid, 0\n"
    "    FROM pg_catalog.pg_database d\n"
    "   WHERE d.datname = pg_catalog.current_database() AND d.datacl IS NOT NULL)\n";
/* clang-format on */

static const char role_from[] =
    "FROM (SELECT a.kind, a.object, a.class, a.oid, a.schema, x.grantee AS role\n"
    "        FROM acl a CROSS JOIN LATERAL pg_catalog.aclexplode(a.acl) x\n"
    "       WHERE x.grantee <> 0\n"
    "      UNION\n"
    "      SELECT a.kind, a.object, a.class, a.oid, a.schema, x.grantor\n"
    "        FROM acl a CROSS JOIN LATERAL pg_catalog.aclexplode(a.acl) x) u\n"
    "WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.oid = u.role)\n"
    "ORDER BY u.role, u.kind, u.object";

static const struct catalog_query gone_roles = {
    .with = role_with,
    .columns = role_columns,
    .count = ROLE_COLUMNS,
    .from = role_from,
    .take = take_gone_role,
};

static bool read_dangling(struct catalog *catalog, struct error *err)
{
    return find_dangling(catalog, err) &&
           (catalog->options.data_only || catalog_ask(catalog, &gone_roles, NULL, err));
}

const struct catalog_step catalog_step_dangling = {
    .what = "what points to nothing",
    .order = READ_DANGLING,
    .read = read_dangling,
};
