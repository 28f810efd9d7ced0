/*
 * What the rows of the catalogs refer to by oid, as one table for two questions: whether all of it
 * is there, and if not, by name, what is missing of which object.
 *
 * The first is asked of every database. It reads each catalog once, makes pairs of all references
 * (the number of a target, an oid), and looks for them among the pairs that are there. It neither
 * joins names nor leaves out what is not wanted; a target is missing in it wherever the second
 * would find one. The second costs more to plan than to run: it has a join for each reference.
 */
#include "catalog/references.h"

#include "base/text.h"

#include <stdio.h>

/* clang-format off */

#define OURS(schema)                                                                               \
    "coalesce(" schema ", '') !~ '^pg_' AND coalesce(" schema ", '') <> 'information_schema' "
#define WANTED OURS("n.nspname") "AND (n.oid IS NULL OR {schema n.oid}) "
#define NAME(schema, name)                                                                         \
    "coalesce(pg_catalog.quote_ident(" schema ") || '.', '') || pg_catalog.quote_ident(" name ")"
#define NO_PART(alias)                                                                             \
    "NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = " alias ".tableoid "         \
    "              AND d.objid = " alias ".oid AND d.deptype = 'i') "
#define NAMESPACE(column) "LEFT JOIN pg_catalog.pg_namespace n ON n.oid = " column "\n"
/* The number that pg_catalog has in every cluster. */
#define NOT_SYSTEM(column) column " <> 11"
/* Below are the tables that every cluster has. */
#define OUR_COLUMN "a.attrelid >= 12000 AND a.attnum > 0 AND NOT a.attisdropped"

/* The objects that an archive has, by kind, but for those of a step with a home. A later one may
 * select from one before. */
static const struct referrer {
    const char *name;
    const char *rows;  /* FROM: all there may be, */
    const char *where; /* but for what cannot be wanted; may be NULL */
    const char *head;  /* its class, oid, word and name, */
    const char *from;  /* and FROM what is wanted: the same aliases */
    bool whole_only;   /* lies in no schema: only where everything is wanted */
    int since;
} referrers[] = {
    {"schema_", "pg_catalog.pg_namespace n", NULL,
     "n.tableoid, n.oid, 'SCHEMA', pg_catalog.quote_ident(n.nspname)",
     "pg_catalog.pg_namespace n WHERE " WANTED, false, 0},
    {"database_", "pg_catalog.pg_database d", "d.datname = pg_catalog.current_database()",
     "0::pg_catalog.oid, d.oid, 'DATABASE', pg_catalog.quote_ident(d.datname)",
     "pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()", false, 0},
    {"relation",
     "(SELECT DISTINCT c.relkind, c.relowner, c.relnamespace, c.reltablespace, c.relam,\n"
     "                       c.reloftype\n"
     "          FROM pg_catalog.pg_class c\n"
     "         WHERE c.relkind <> 't' AND c.relpersistence <> 't' AND "
     NOT_SYSTEM("c.relnamespace") ") c", NULL,
     "c.tableoid, c.oid,\n"
     "         CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'\n"
     "                        WHEN 'S' THEN 'SEQUENCE' WHEN 'f' THEN 'FOREIGN TABLE'\n"
     "                        WHEN 'i' THEN 'INDEX' WHEN 'I' THEN 'INDEX'\n"
     "                        WHEN 'c' THEN 'TYPE' ELSE 'TABLE' END,\n"
     "         " NAME("n.nspname", "c.relname"),
     "pg_catalog.pg_class c " NAMESPACE("c.relnamespace")
     "   WHERE c.relkind <> 't' AND c.relpersistence <> 't' AND " OURS("n.nspname") "\n"
     "     AND (n.oid IS NULL OR {relation c.oid}\n"
     "          OR (c.relkind = 'c' AND {schema n.oid})\n"
     "          OR c.oid IN (SELECT i.indexrelid FROM pg_catalog.pg_index i\n"
     "                        WHERE {relation i.indrelid}))", false, 0},
    {"relation_part", "pg_catalog.pg_class c",
     "c.relpersistence <> 't' AND " NOT_SYSTEM("c.relnamespace") "\n"
     "     AND (c.relkind IN ('v', 'm', 'S', 'p', 'f') OR c.relispartition)",
     "r.class, r.oid, r.word, r.name",
     "relation r JOIN pg_catalog.pg_class c ON c.oid = r.oid", false, 0},
    {"column_",
     "(SELECT DISTINCT a.atttypid, a.attcollation FROM pg_catalog.pg_attribute a\n"
     "         WHERE " OUR_COLUMN ") a", NULL,
     "r.class, r.oid, r.word,\n"
     "         pg_catalog.concat(r.name, ' column ', pg_catalog.quote_ident(a.attname))",
     "relation r JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid\n"
     "   WHERE " OUR_COLUMN, false, 0},
    {"default_", "pg_catalog.pg_attribute a", OUR_COLUMN " AND a.atthasdef",
     "r.class, r.oid, r.word,\n"
     "         pg_catalog.concat(r.name, ' column ', pg_catalog.quote_ident(a.attname))",
     "relation r JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid\n"
     "   WHERE " OUR_COLUMN " AND a.atthasdef", false, 0},
    {"routine", "pg_catalog.pg_proc p", NOT_SYSTEM("p.pronamespace"),
     "p.tableoid, p.oid,\n"
     "         CASE p.prokind WHEN 'p' THEN 'PROCEDURE' WHEN 'a' THEN 'AGGREGATE'\n"
     "                        ELSE 'FUNCTION' END,\n"
     "         " NAME("n.nspname", "p.proname") " || '(' || "
     "         coalesce((SELECT pg_catalog.string_agg(pg_catalog.format_type(x.t, NULL), ', '\n"
     "                                                ORDER BY x.number)\n"
     "                     FROM pg_catalog.unnest(p.proargtypes) WITH ORDINALITY x (t, number)),\n"
     "                  CASE p.prokind WHEN 'a' THEN '*' ELSE '' END) || ')'",
     "pg_catalog.pg_proc p " NAMESPACE("p.pronamespace") "   WHERE " WANTED " AND " NO_PART("p"),
     false, 0},
#define ARGUMENTS                                                                                  \
    "       pg_catalog.unnest(p.proargtypes::pg_catalog.oid[] || p.proallargtypes ||\n"            \
    "                         p.protrftypes) a (type)"
    {"argument", "pg_catalog.pg_proc p,\n" ARGUMENTS, NOT_SYSTEM("p.pronamespace"),
     "r.class, r.oid, r.word, r.name",
     "routine r JOIN pg_catalog.pg_proc p ON p.oid = r.oid,\n" ARGUMENTS, false, 0},
    {"type_",
     "(SELECT DISTINCT t.typowner, t.typnamespace, t.typbasetype, t.typcollation, t.typisdefined,\n"
     "                       t.typtype, t.typinput\n"
     "          FROM pg_catalog.pg_type t WHERE " NOT_SYSTEM("t.typnamespace") ") t", NULL,
     "t.tableoid, t.oid, CASE t.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END,\n"
     "         " NAME("n.nspname", "t.typname"),
     "pg_catalog.pg_type t " NAMESPACE("t.typnamespace")
     "   WHERE " WANTED " AND " NO_PART("t"), false, 0},
    {"type_part", "pg_catalog.pg_type t",
     NOT_SYSTEM("t.typnamespace") " AND (t.typelem <> 0 OR t.typrelid <> 0)",
     "r.class, r.oid, r.word, r.name", "type_ r JOIN pg_catalog.pg_type t ON t.oid = r.oid",
     false, 0},
#define RANGE                                                                                      \
    "pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_range g ON g.rngtypid = t.oid"
#define A_RANGE "(t.typtype = 'r' OR g.rngtypid IS NOT NULL)"
    {"range_", RANGE, NOT_SYSTEM("t.typnamespace") " AND " A_RANGE,
     "r.class, r.oid, r.word, r.name",
     RANGE " JOIN type_ r ON r.oid = t.oid WHERE " A_RANGE, false, 0},
    {"extension_", "pg_catalog.pg_extension e", NULL,
     "0::pg_catalog.oid, e.oid, 'EXTENSION', pg_catalog.quote_ident(e.extname)",
     "pg_catalog.pg_extension e", false, 0},
    {"policy", "pg_catalog.pg_policy p, pg_catalog.unnest(p.polroles) x (role)", NULL,
     "p.tableoid, p.oid, 'POLICY', pg_catalog.quote_ident(p.polname) || ' ON ' || r.name",
     "pg_catalog.pg_policy p JOIN relation r ON r.oid = p.polrelid,\n"
     "         pg_catalog.unnest(p.polroles) x (role)", false, 0},
    {"trigger_", "pg_catalog.pg_trigger t", "NOT t.tgisinternal",
     "t.tableoid, t.oid, 'TRIGGER', pg_catalog.quote_ident(t.tgname) || ' ON ' || r.name",
     "pg_catalog.pg_trigger t JOIN relation r ON r.oid = t.tgrelid WHERE NOT t.tgisinternal",
     false, 0},
    {"index_", "pg_catalog.pg_index i", NULL,
     "i.tableoid, i.indexrelid, 'INDEX', 'with OID ' || i.indexrelid || ' ON ' || r.name",
     "pg_catalog.pg_index i JOIN relation r ON r.oid = i.indrelid", false, 0},
    {"foreign_", "pg_catalog.pg_foreign_table t", NULL, "r.class, r.oid, r.word, r.name",
     "pg_catalog.pg_foreign_table t JOIN relation r ON r.oid = t.ftrelid", false, 0},
    {"mapping", "pg_catalog.pg_ts_config_map m", NULL,
     "c.tableoid, c.oid, 'TEXT SEARCH CONFIGURATION', " NAME("n.nspname", "c.cfgname"),
     "pg_catalog.pg_ts_config_map m JOIN pg_catalog.pg_ts_config c ON c.oid = m.mapcfg\n"
     "    " NAMESPACE("c.cfgnamespace") "   WHERE " WANTED, false, 0},
    {"inheritance", "pg_catalog.pg_inherits i", NULL, "r.class, r.oid, r.word, r.name",
     "pg_catalog.pg_inherits i JOIN relation r ON r.oid = i.inhrelid", false, 0},
    {"constraint_", "pg_catalog.pg_constraint k", "k.conrelid <> 0",
     "k.tableoid, k.oid, 'CONSTRAINT', pg_catalog.quote_ident(k.conname) || ' ON ' || r.name",
     "pg_catalog.pg_constraint k JOIN relation r ON r.oid = k.conrelid", false, 0},
    {"user_mapping", "pg_catalog.pg_user_mappings m", NULL,
     "0::pg_catalog.oid, m.umid, 'USER MAPPING',\n"
     "         'SERVER ' || pg_catalog.quote_ident(m.srvname)",
     "pg_catalog.pg_user_mappings m", true, 0},
    {"published", "pg_catalog.pg_publication_rel x", NULL,
     "p.tableoid, p.oid, 'PUBLICATION', pg_catalog.quote_ident(p.pubname)",
     "pg_catalog.pg_publication_rel x\n"
     "    JOIN pg_catalog.pg_publication p ON p.oid = x.prpubid", true, 0},
    {"operator_member", "pg_catalog.pg_amop m", NULL,
     "0::pg_catalog.oid, m.oid, 'ROW', 'of pg_amop with OID ' || m.oid", "pg_catalog.pg_amop m",
     true, 0},
    {"function_member", "pg_catalog.pg_amproc m", NULL,
     "0::pg_catalog.oid, m.oid, 'ROW', 'of pg_amproc with OID ' || m.oid",
     "pg_catalog.pg_amproc m", true, 0},
    {"published_schema", "pg_catalog.pg_publication_namespace x", NULL,
     "p.tableoid, p.oid, 'PUBLICATION', pg_catalog.quote_ident(p.pubname)",
     "pg_catalog.pg_publication_namespace x\n"
     "    JOIN pg_catalog.pg_publication p ON p.oid = x.pnpubid", true, 15},
};

#define REFERRER_COUNT (sizeof(referrers) / sizeof(referrers[0]))

#define OID_IF(condition, alias) "CASE WHEN " condition " THEN " alias ".oid ELSE 0 END"

#define PLAIN .condition = NULL /* the oid is all there is to it */

/* What each may refer to. */
static const struct reference {
    const char *of, *value; /* the oid, of the referrer's aliases; 0: none */
    const char *catalog, *key, *what;
    const char *number, *key_number; /* that have to be equal, too; NULL: nothing */
    const char *condition;           /* that the row x has to meet, too; NULL: none */
} references[] = {
    {"database_", "d.datdba", "pg_roles", "oid", "owner", PLAIN},
    {"schema_", "n.nspowner", "pg_roles", "oid", "owner", PLAIN},
    {"relation", "CASE WHEN c.relkind NOT IN ('i', 'I', 'c') THEN c.relowner ELSE 0 END",
     "pg_roles", "oid", "owner", PLAIN},
    {"routine", "p.proowner", "pg_roles", "oid", "owner", PLAIN},
    {"type_", "t.typowner", "pg_roles", "oid", "owner", PLAIN},
    {"policy", "x.role", "pg_roles", "oid", "role", PLAIN},
    {"relation", "c.relnamespace", "pg_namespace", "oid", "schema", PLAIN},
    {"routine", "p.pronamespace", "pg_namespace", "oid", "schema", PLAIN},
    {"type_", "t.typnamespace", "pg_namespace", "oid", "schema", PLAIN},
    {"extension_", "e.extnamespace", "pg_namespace", "oid", "schema", PLAIN},
    {"database_", "d.dattablespace", "pg_tablespace", "oid", "tablespace", PLAIN},
    {"relation", "c.reltablespace", "pg_tablespace", "oid", "tablespace", PLAIN},
    {"relation", "c.relam", "pg_am", "oid", "access method", PLAIN},
    {"relation", "c.reloftype", "pg_type", "oid", "type", PLAIN},
    {"column_", "a.atttypid", "pg_type", "oid", "type", PLAIN},
    {"column_", "a.attcollation", "pg_collation", "oid", "collation", PLAIN},
    {"routine", "p.prolang", "pg_language", "oid", "language", PLAIN},
    {"routine", "p.prorettype", "pg_type", "oid", "type of result", PLAIN},
    {"routine", "p.prosupport::pg_catalog.oid", "pg_proc", "oid", "support function", PLAIN},
    {"argument", "a.type", "pg_type", "oid", "type of argument", PLAIN},
    {"type_", "t.typbasetype", "pg_type", "oid", "type", PLAIN},
    {"type_part", "t.typelem", "pg_type", "oid", "type of element", PLAIN},
    {"type_", "t.typcollation", "pg_collation", "oid", "collation", PLAIN},
    {"type_", "CASE WHEN t.typisdefined AND t.typtype = 'b'\n"
     "              THEN t.typinput::pg_catalog.oid ELSE 0 END",
     "pg_proc", "oid", "input function", PLAIN},
    {"type_part", "t.typrelid", "pg_class", "oid", "row of pg_class", PLAIN},
    {"range_", OID_IF("t.typtype = 'r'", "t"), "pg_range", "rngtypid", "row of pg_range", PLAIN},
    {"range_", "g.rngsubtype", "pg_type", "oid", "subtype", PLAIN},
    {"range_", "g.rngsubopc", "pg_opclass", "oid", "operator class", PLAIN},
    {"range_", "g.rngcollation", "pg_collation", "oid", "collation", PLAIN},
    {"trigger_", "t.tgfoid", "pg_proc", "oid", "function", PLAIN},
    {"index_", "i.indexrelid", "pg_class", "oid", "row of pg_class", PLAIN},
    {"inheritance", "i.inhparent", "pg_class", "oid", "parent", PLAIN},
    {"constraint_", "k.confrelid", "pg_class", "oid", "table", PLAIN},
    {"constraint_", "CASE WHEN k.contype NOT IN ('p', 'u', 'x') THEN 0\n"
     "              WHEN k.conindid = 0 THEN 1 ELSE k.conindid END",
     "pg_index", "indexrelid", "row of pg_index", PLAIN},
    {"relation_part", OID_IF("c.relkind IN ('v', 'm')", "c"), "pg_rewrite", "ev_class",
     "query in pg_rewrite", PLAIN},
    {"relation_part", OID_IF("c.relkind = 'S'", "c"), "pg_sequence", "seqrelid",
     "row of pg_sequence", PLAIN},
    {"relation_part", OID_IF("c.relkind = 'p'", "c"), "pg_partitioned_table", "partrelid",
     "row of pg_partitioned_table", PLAIN},
#define PARTITION OID_IF("c.relispartition AND c.relkind IN ('r', 'p', 'f')", "c")
    {"relation_part", PARTITION, "pg_inherits", "inhrelid", "row of pg_inherits", PLAIN},
    {"relation_part", PARTITION, "pg_class", "oid", "bounds of a partition", NULL, NULL,
     "x.relpartbound IS NOT NULL"},
    {"default_", "a.attrelid", "pg_attrdef", "adrelid",
     "row of pg_attrdef", "a.attnum", "adnum", NULL},
    {"relation_part", OID_IF("c.relkind = 'f'", "c"), "pg_foreign_table", "ftrelid",
     "row of pg_foreign_table", PLAIN},
    {"foreign_", "t.ftserver", "pg_foreign_server", "oid", "server", PLAIN},
    {"mapping", "m.mapdict", "pg_ts_dict", "oid", "dictionary", PLAIN},
    {"routine", OID_IF("p.prokind = 'a'", "p"), "pg_aggregate", "aggfnoid",
     "row of pg_aggregate", PLAIN},
    {"user_mapping", "m.umuser", "pg_roles", "oid", "user", PLAIN},
    {"published", "x.prrelid", "pg_class", "oid", "table", PLAIN},
    {"operator_member", "m.amopfamily", "pg_opfamily", "oid", "family", PLAIN},
    {"function_member", "m.amprocfamily", "pg_opfamily", "oid", "family", PLAIN},
    {"published_schema", "x.pnnspid", "pg_namespace", "oid", "schema", PLAIN},
};

/* clang-format on */

#define REFERENCE_COUNT (sizeof(references) / sizeof(references[0]))

static bool is_asked(const struct catalog *catalog, const struct referrer *referrer)
{
    return catalog->major >= referrer->since &&
           (!referrer->whole_only || catalog_wants_all(catalog));
}

/* ---- Homes ---- */

#define HOME_REFERENCES_MAX 8

/* Those of a step with a home. */
static size_t references_of_home(const struct catalog_home *home,
                                 struct reference list[HOME_REFERENCES_MAX])
{
    size_t count = 0;

    if (home->owner != NULL)
        list[count++] =
            (struct reference){home->catalog, home->owner, "pg_roles", "oid", "owner", PLAIN};
    if (home->schema != NULL)
        list[count++] =
            (struct reference){home->catalog, home->schema, "pg_namespace", "oid", "schema", PLAIN};
    for (const struct catalog_reference *at = home->references;
         at != NULL && at->column != NULL && count < HOME_REFERENCES_MAX; at++)
        list[count++] =
            (struct reference){home->catalog, at->column, at->catalog, "oid", at->what, PLAIN};
    return count;
}

static const struct catalog_home *asked_home(const struct catalog *catalog, size_t step)
{
    const struct catalog_home *home = catalog_kind_steps[step]->home;

    return home != NULL && (home->schema != NULL || catalog_wants_all(catalog)) ? home : NULL;
}

/* ---- How many ---- */

/* What is referred to: each has a number. */
#define TARGETS_MAX 48
/* Where the number of a column has to be equal, too, it is added to one from here on. */
#define WITH_NUMBER 1000

struct targets {
    struct reference list[TARGETS_MAX]; /* one that leads there */
    size_t count;
};

/* With no room for it, it would not be found: then the other question is asked. */
static size_t target_number(struct targets *targets, const struct reference *reference)
{
    for (size_t i = 0; i < targets->count; i++) {
        const struct reference *at = &targets->list[i];

        if (text_same(at->catalog, reference->catalog) && text_same(at->key, reference->key) &&
            text_same(at->condition, reference->condition))
            return i;
    }
    if (targets->count < TARGETS_MAX)
        targets->list[targets->count] = *reference;
    return targets->count < TARGETS_MAX ? targets->count++ : TARGETS_MAX;
}

static void add_number(struct sql *sql, size_t target, const char *prefix, const char *number)
{
    if (number == NULL)
        sql_printf(sql, "%zu", target);
    else
        sql_printf(sql, "%d + %s%s", WITH_NUMBER, prefix, number);
}

#define COUNT_BEGIN "SELECT pg_catalog.count(*) FROM (\n"

/* The numbers and the oids as one array each: for a lone scan the planner needs next to nothing. */
static void add_pairs(struct sql *sql, struct targets *targets, const struct reference *const *list,
                      size_t count, const char *rows)
{
    sql_add(sql, sql->text.len == 0 ? COUNT_BEGIN : "  UNION ALL\n");
    sql_add(sql, "  SELECT pg_catalog.unnest(ARRAY[");
    for (size_t i = 0; i < count; i++) {
        sql_add(sql, i == 0 ? "" : ", ");
        add_number(sql, target_number(targets, list[i]), "", list[i]->number);
    }
    sql_add(sql, "]) AS k,\n         pg_catalog.unnest(ARRAY[");
    for (size_t i = 0; i < count; i++)
        sql_printf(sql, "%s(%s)::pg_catalog.oid", i == 0 ? "" : ", ", list[i]->value);
    sql_printf(sql, "]) AS o\n    FROM %s\n", rows);
}

static void add_pairs_of(struct sql *sql, struct targets *targets, const struct referrer *referrer)
{
    const struct reference *list[REFERENCE_COUNT];
    size_t count = 0;

    for (size_t i = 0; i < REFERENCE_COUNT; i++) {
        if (strcmp(references[i].of, referrer->name) == 0)
            list[count++] = &references[i];
    }
    add_pairs(sql, targets, list, count, referrer->rows);
    sql_clause(sql, "   WHERE ", referrer->where, "\n");
}

static void add_pairs_of_home(struct sql *sql, struct targets *targets,
                              const struct catalog_home *home)
{
    struct reference references_of[HOME_REFERENCES_MAX];
    const struct reference *list[HOME_REFERENCES_MAX];
    size_t count = references_of_home(home, references_of);
    char rows[100];

    for (size_t i = 0; i < count; i++)
        list[i] = &references_of[i];
    snprintf(rows, sizeof(rows), "pg_catalog.%s h", home->catalog);
    add_pairs(sql, targets, list, count, rows);
    if (home->schema != NULL)
        sql_printf(sql, "   WHERE " NOT_SYSTEM("h.%s") "\n", home->schema);
}

static void add_target(struct sql *sql, const struct targets *targets, size_t number)
{
    const struct reference *target = &targets->list[number];

    sql_add(sql, number == 0 ? "    SELECT " : "    UNION ALL SELECT ");
    add_number(sql, number, "x.", target->key_number);
    sql_printf(sql, " AS k, x.%s::pg_catalog.oid AS o FROM pg_catalog.%s x\n", target->key,
               target->catalog);
    sql_clause(sql, "     WHERE ", target->condition, "\n");
}

/* OFFSET 0 keeps the planner from looking for ways to join each part with each. Counting makes it
 * plan for all rows, as there are. */
void references_ask_count(const struct catalog *catalog, struct sql *sql)
{
    struct targets targets = {0};

    for (size_t i = 0; i < REFERRER_COUNT; i++) {
        if (is_asked(catalog, &referrers[i]))
            add_pairs_of(sql, &targets, &referrers[i]);
    }
    for (size_t i = 0; i < catalog_kind_step_count; i++) {
        if (asked_home(catalog, i) != NULL)
            add_pairs_of_home(sql, &targets, asked_home(catalog, i));
    }
    sql_add(sql, "  OFFSET 0) r\n"
                 " WHERE r.o <> 0 AND NOT EXISTS\n"
                 "       (SELECT FROM (\n");
    for (size_t i = 0; i < targets.count; i++)
        add_target(sql, &targets, i);
    sql_add(sql, "    OFFSET 0) t WHERE t.k = r.k AND t.o = r.o)");
}

/* ---- By name ---- */

/* A column is called by its reference's place in the list: two may have the same value. */
static void add_columns(struct sql *sql, const struct referrer *referrer, bool names)
{
    for (size_t i = 0; i < REFERENCE_COUNT; i++) {
        const struct reference *reference = &references[i];

        if (strcmp(reference->of, referrer->name) != 0)
            continue;
        if (names)
            sql_printf(sql, ", r%zu", i);
        else
            sql_printf(sql, ",\n         %s", reference->value);
        if (names && reference->number != NULL)
            sql_printf(sql, ", n%zu", i);
        else
            sql_clause(sql, ", ", reference->number, "");
    }
}

static void add_referrer(struct sql *sql, const struct referrer *referrer, bool first)
{
    sql_printf(sql, "%s%s (class, oid, word, name", first ? "WITH " : ", ", referrer->name);
    add_columns(sql, referrer, true);
    sql_add(sql, ") AS (\n  SELECT ");
    sql_add(sql, referrer->head);
    add_columns(sql, referrer, false);
    sql_add(sql, "\n    FROM ");
    sql_add(sql, referrer->from);
    sql_add(sql, ")\n");
}

/* The objects of a step with a home: their own name is the catalog's. */
static void add_home(struct sql *sql, const struct catalog_home *home)
{
    struct reference list[HOME_REFERENCES_MAX];
    size_t count = references_of_home(home, list);

    sql_printf(sql, ", %s AS (\n  SELECT h.tableoid AS class, h.oid, '%s' AS word, ", home->catalog,
               home->word);
    if (home->schema != NULL)
        sql_add(sql, "coalesce(pg_catalog.quote_ident(n.nspname) || '.', '') ||\n         ");
    if (home->label != NULL)
        sql_printf(sql, "coalesce(%s, h.oid::pg_catalog.text) AS name", home->label);
    else
        sql_printf(sql, "pg_catalog.quote_ident(h.%s) AS name", home->name);
    for (size_t i = 0; i < count; i++)
        sql_printf(sql, ", h.%s::pg_catalog.oid AS r%zu", list[i].value, i);
    sql_printf(sql, "\n    FROM pg_catalog.%s h\n", home->catalog);
    if (home->schema != NULL)
        sql_printf(sql, "    " NAMESPACE("h.%s") "   WHERE " WANTED, home->schema);
    sql_add(sql, ")\n");
}

static void add_missing(struct sql *sql, const struct reference *reference, size_t place,
                        bool first)
{
    sql_printf(sql,
               "%sSELECT o.class, o.oid, o.word, o.name, '%s', o.r%zu FROM %s o\n"
               " WHERE o.r%zu <> 0 AND NOT EXISTS\n"
               "       (SELECT FROM pg_catalog.%s x WHERE x.%s = o.r%zu",
               first ? "" : "UNION ALL ", reference->what, place, reference->of, place,
               reference->catalog, reference->key, place);
    if (reference->number != NULL)
        sql_printf(sql, " AND x.%s = o.n%zu", reference->key_number, place);
    sql_clause(sql, " AND ", reference->condition, "");
    sql_add(sql, ")\n");
}

static const struct referrer *referrer_of(const struct reference *reference)
{
    size_t i = 0;

    while (strcmp(referrers[i].name, reference->of) != 0)
        i++;
    return &referrers[i];
}

void references_ask_names(const struct catalog *catalog, struct sql *sql)
{
    for (size_t i = 0; i < REFERRER_COUNT; i++) {
        if (is_asked(catalog, &referrers[i]))
            add_referrer(sql, &referrers[i], i == 0);
    }
    for (size_t i = 0; i < catalog_kind_step_count; i++) {
        if (asked_home(catalog, i) != NULL)
            add_home(sql, asked_home(catalog, i));
    }
    for (size_t i = 0; i < REFERENCE_COUNT; i++) {
        if (is_asked(catalog, referrer_of(&references[i])))
            add_missing(sql, &references[i], i, i == 0);
    }
    for (size_t i = 0; i < catalog_kind_step_count; i++) {
        struct reference list[HOME_REFERENCES_MAX];
        const struct catalog_home *home = asked_home(catalog, i);
        size_t count = home == NULL ? 0 : references_of_home(home, list);

        for (size_t j = 0; j < count; j++)
            add_missing(sql, &list[j], j, false);
    }
}
