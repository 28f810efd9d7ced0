/* What changed since the snapshot: the rows of the catalogs say which transaction touched them
 * last, and whether that one committed since tells whether what was read is of one moment. */
#include "catalog/changes.h"

#include "catalog/catalog_internal.h"
#include "catalog/watch_internal.h"

#include <stdio.h>

/* Temporary objects of other sessions come and go all day, and nothing that is dumped can need
 * them. */
#define NOT_TEMPORARY " AND n.nspname !~ '^pg_(temp|toast)' "
/* As steps that read relations have it. */
#define DUMPED " AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' "

/* What is not wanted counts if something else needs it, which prints its name. */
#define NEEDED(class, oid)                                                                         \
    "EXISTS (SELECT FROM pg_catalog.pg_depend u WHERE u.refclassid = " class "           AND "     \
                                                                             "u.refobjid = " oid   \
                                                                             " AND u.deptype IN "  \
                                                                             "('n', 'P'))"
/* An index is its table's, a composite type is that of its columns and functions, and a partition
 * says its parent's name. */
#define OF_WANTED_TABLE                                                                            \
    "EXISTS (SELECT FROM pg_catalog.pg_index w\n"                                                  \
    "         WHERE w.indexrelid = c.oid AND {relation w.indrelid})\n"                             \
    " OR EXISTS (SELECT FROM pg_catalog.pg_inherits w\n"                                           \
    "             WHERE w.inhparent = c.oid AND {relation w.inhrelid})\n"

#define NEEDED_TYPE NEEDED("w.tableoid", "w.oid") " OR " NEEDED("w.tableoid", "w.typarray")
#define WANTED_COMPOSITE                                                                           \
    "(c.relkind = 'c' AND ({schema n.oid} OR EXISTS (\n"                                           \
    "   SELECT FROM pg_catalog.pg_type w WHERE w.oid = c.reltype AND (" NEEDED_TYPE "))))\n"

#define NEEDED_RELATION NEEDED("c.tableoid", "c.oid")
#define WANTED_RELATION                                                                            \
    " AND ({relation c.oid} OR " NEEDED_RELATION " OR " OF_WANTED_TABLE " OR " WANTED_COMPOSITE ") "
#define WANTED_IN_SCHEMA(alias, oid) " AND ({schema n.oid} OR " NEEDED(alias ".tableoid", oid) ") "
#define WANTED_TYPE(alias)                                                                         \
    " AND ({schema n.oid} OR (" alias ".typrelid <> 0 AND {relation " alias ".typrelid})\n"        \
    "      OR " NEEDED(alias ".tableoid", alias ".oid") "      OR " NEEDED(alias ".tableoid",      \
                                                                           alias ".typarray") ") "
#define WANTED_SCHEMA                                                                              \
    " AND ({schema n.oid} OR EXISTS (SELECT FROM pg_catalog.pg_class w\n"                          \
    "       WHERE w.relnamespace = n.oid AND {relation w.oid}) OR EXISTS (\n"                      \
    "      SELECT FROM pg_catalog.pg_depend i\n"                                                   \
    "        JOIN pg_catalog.pg_depend u ON u.refclassid = i.classid AND u.refobjid = i.objid\n"   \
    "         AND u.deptype IN ('n', 'P')\n"                                                       \
    "       WHERE i.refclassid = n.tableoid AND i.refobjid = n.oid)) "

/* What tells a row from others: its catalog, its oid, a number within; then the relation that may
 * be locked to keep it as it is; then what of it matters (watch.c). */
#define KEY(alias, oid, number, lock)                                                              \
    ", " alias ".tableoid::pg_catalog.regclass::pg_catalog.text, " oid ", " number ", " lock       \
    ", " WATCH_VALUE(alias) " "
#define LOCKABLE "CASE WHEN c.relkind IN ('r', 'p', 'v') THEN " RELATION_NAME " END"

#define NAMESPACE(column) " JOIN pg_catalog.pg_namespace n ON n.oid = " column " "
#define CLASS(column) " JOIN pg_catalog.pg_class c ON c.oid = " column NAMESPACE("c.relnamespace")
#define TOUCHED(alias) " WHERE " alias ".xmax <> '0'::pg_catalog.xid "

#define RELATION_NAME                                                                              \
    "pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname)"

#define RELATION_WORD                                                                              \
    "CASE c.relkind WHEN 'v' THEN 'view ' WHEN 'm' THEN 'materialized view '\n"                    \
    "     WHEN 'S' THEN 'sequence ' WHEN 'c' THEN 'type ' WHEN 'f' THEN 'foreign table '\n"        \
    "     WHEN 'i' THEN 'index ' WHEN 'I' THEN 'index ' ELSE 'table ' END ||\n"

/* An index that is still being made, or dropped, by CONCURRENTLY is not dumped. */
#define WHOLE_INDEX(oid)                                                                           \
    "EXISTS (SELECT FROM pg_catalog.pg_index v WHERE v.indexrelid = " oid                          \
    "            AND (v.indisvalid OR v.indrelid IN\n"                                             \
    "                 (SELECT partrelid FROM pg_catalog.pg_partitioned_table))\n"                  \
    "            AND v.indisready)"

/* REFRESH MATERIALIZED VIEW and REINDEX put a new file behind the same name. Nothing is copied out
 * of either, so that only the name matters. */
#define ONLY_REBUILT                                                                               \
    "(c.relkind IN ('m', 'i') AND c.relfilenode <> 0\n"                                            \
    " AND pg_catalog.pg_relation_filenode(c.oid) <> c.relfilenode\n"                               \
    " AND c.oid::pg_catalog.regclass::pg_catalog.text = " RELATION_NAME ")"

#define PART_OF(word, table, alias, name, column, rank, key, more)                                 \
    "SELECT " alias ".xmax, " rank ", '" word " ' || pg_catalog.quote_ident(" alias "." name ") "  \
    "       || ' on ' || " RELATION_NAME key "  FROM " table " " alias                             \
    CLASS(alias "." column) TOUCHED(alias) DUMPED WANTED_RELATION more " UNION ALL "
#define PART(alias) KEY(alias, alias ".oid", "0", LOCKABLE)

#define MEMBER(table, family)                                                                      \
    "SELECT m.xmax, 4, 'operator family ' || pg_catalog.quote_ident(n.nspname) || '.' || "         \
    "       pg_catalog.quote_ident(f.opfname)" KEY(                                                \
        "m", "m.oid", "0",                                                                         \
        "NULL") "  FROM pg_catalog." table " m "                                                   \
                "  JOIN pg_catalog.pg_opfamily f ON f.oid = m." family NAMESPACE("f.opfnamespace") \
                    TOUCHED("m") NOT_TEMPORARY " AND {schema n.oid} UNION ALL "

/* What is dumped or referred to by name, but for what steps have a home for. By rank: what was
 * dropped as a whole is named rather than its parts. clang-format off: the table of catalogs is
 * read line by line. */
/* clang-format off */
static const char catalogs[] =
    "SELECT n.xmax, 1 AS rank, 'schema ' || pg_catalog.quote_ident(n.nspname) AS what,\n"
    "       n.tableoid::pg_catalog.regclass::pg_catalog.text AS catalog, n.oid AS oid,\n"
    "       0 AS number, NULL AS relation, " WATCH_VALUE("n") " AS value\n"
    "  FROM pg_catalog.pg_namespace n " TOUCHED("n") DUMPED WANTED_SCHEMA " UNION ALL "
    "SELECT c.xmax, CASE WHEN c.relkind IN ('i', 'I') THEN 4 ELSE 2 END,\n"
            RELATION_WORD RELATION_NAME KEY("c", "c.oid", "0", LOCKABLE)
    "  FROM pg_catalog.pg_class c " NAMESPACE("c.relnamespace") TOUCHED("c") DUMPED
            WANTED_RELATION
    "   AND (c.relkind NOT IN ('i', 'I') OR " WHOLE_INDEX("c.oid") ") "
    "   AND " ONLY_REBUILT " IS NOT TRUE UNION ALL "
    "SELECT p.xmax, 3, CASE p.prokind WHEN 'p' THEN 'procedure ' WHEN 'a' THEN 'aggregate '\n"
    "                       ELSE 'function ' END ||\n"
    "       pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(p.proname) || '('\n"
    "       || coalesce((SELECT pg_catalog.string_agg(t.typname, ', ' ORDER BY a.number)\n"
    "                   FROM pg_catalog.unnest(p.proargtypes) WITH ORDINALITY a (type, number)\n"
    "                   JOIN pg_catalog.pg_type t ON t.oid = a.type), '') || ')'\n"
            KEY("p", "p.oid", "0", "NULL")
    "  FROM pg_catalog.pg_proc p " NAMESPACE("p.pronamespace") TOUCHED("p") NOT_TEMPORARY
            WANTED_IN_SCHEMA("p", "p.oid")
    "UNION ALL\n"
    "SELECT e.xmax, 3, 'type ' || pg_catalog.quote_ident(n.nspname) || '.' ||\n"
    "       pg_catalog.quote_ident(t.typname)" KEY("e", "e.oid", "0", "NULL")
    "  FROM pg_catalog.pg_enum e JOIN pg_catalog.pg_type t ON t.oid = e.enumtypid\n"
            NAMESPACE("t.typnamespace") TOUCHED("e") NOT_TEMPORARY WANTED_TYPE("t") " UNION ALL "
    "SELECT o.xmax, 5, 'constraint ' || pg_catalog.quote_ident(o.conname) || ' on type ' ||\n"
    "       pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(t.typname)\n"
            KEY("o", "o.oid", "0", "NULL")
    "  FROM pg_catalog.pg_constraint o JOIN pg_catalog.pg_type t ON t.oid = o.contypid\n"
            NAMESPACE("t.typnamespace") TOUCHED("o") NOT_TEMPORARY WANTED_TYPE("t") " UNION ALL "
    "SELECT i.xmax, 4, 'index ' || " RELATION_NAME KEY("i", "i.indexrelid", "0", "NULL")
    "  FROM pg_catalog.pg_index i " CLASS("i.indexrelid") TOUCHED("i") DUMPED
    "   AND {relation i.indrelid} AND " WHOLE_INDEX("i.indexrelid") " UNION ALL "
    "SELECT p.xmax, 6, 'table ' || " RELATION_NAME KEY("p", "p.partrelid", "0", LOCKABLE)
    "  FROM pg_catalog.pg_partitioned_table p " CLASS("p.partrelid") TOUCHED("p") DUMPED
            WANTED_RELATION
    "UNION ALL\n"
    PART_OF("column", "pg_catalog.pg_attribute", "a", "attname", "attrelid", "6",
            KEY("a", "a.attrelid", "a.attnum", LOCKABLE),
            " AND a.attnum > 0 AND c.relkind NOT IN ('i', 'I') ")
    PART_OF("constraint", "pg_catalog.pg_constraint", "o", "conname", "conrelid", "5", PART("o"),
            "")
    PART_OF("rule", "pg_catalog.pg_rewrite", "r", "rulename", "ev_class", "5", PART("r"), "")
    PART_OF("policy", "pg_catalog.pg_policy", "p", "polname", "polrelid", "5", PART("p"), "")
    PART_OF("trigger", "pg_catalog.pg_trigger", "t", "tgname", "tgrelid", "5", PART("t"),
            " AND (NOT t.tgisinternal OR t.tgparentid <> 0) ")
    "SELECT t.xmax, 4, 'type ' || pg_catalog.quote_ident(n.nspname) || '.' ||\n"
    "       pg_catalog.quote_ident(t.typname)" KEY("t", "t.oid", "0", "NULL")
    "  FROM pg_catalog.pg_type t " NAMESPACE("t.typnamespace") TOUCHED("t") NOT_TEMPORARY
            WANTED_TYPE("t") " UNION ALL "
    MEMBER("pg_amop", "amopfamily") MEMBER("pg_amproc", "amprocfamily");
static const char catalogs_end[] =
    "SELECT '0'::pg_catalog.xid, 9, '', '', '0'::pg_catalog.oid, 0, '', '' WHERE false";
/* clang-format on */

/* Rows may hold oids of objects, which are printed as the names that these have by then. held: the
 * types of that sort that rows of tables have, be it in an array, a domain, a range or a composite
 * type. */
#define WITH_HELD                                                                                  \
    "WITH RECURSIVE part (type, whole) AS MATERIALIZED ("                                          \
    "  SELECT typelem, oid FROM pg_catalog.pg_type WHERE typelem <> 0 UNION ALL\n"                 \
    "  SELECT typbasetype, oid FROM pg_catalog.pg_type WHERE typbasetype <> 0 UNION ALL\n"         \
    "  SELECT rngsubtype, rngtypid FROM pg_catalog.pg_range UNION ALL\n"                           \
    "  SELECT refobjid, objid FROM pg_catalog.pg_depend " /* multiranges */                        \
    "   WHERE classid = 'pg_catalog.pg_type'::pg_catalog.regclass\n"                               \
    "     AND refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass AND deptype = 'i' UNION "     \
    "ALL\n"                                                                                        \
    "  SELECT a.atttypid, c.reltype FROM pg_catalog.pg_class c\n"                                  \
    "    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid\n"                                   \
    "   WHERE c.oid >= 16384 AND c.reltype <> 0 AND a.attnum > 0 AND NOT a.attisdropped\n"         \
    "     AND (a.atttypid >= 16384 OR a.atttypid IN\n"                                             \
    "          (SELECT oid FROM pg_catalog.pg_type WHERE typname ~ '^_?(reg|aclitem)'))),\n"       \
    "named (type, whole) AS ("                                                                     \
    "  SELECT typname, oid FROM pg_catalog.pg_type\n"                                              \
    "   WHERE typnamespace = 'pg_catalog'::pg_catalog.regnamespace\n"                              \
    "     AND (typname ~ '^reg' OR typname = 'aclitem') UNION\n"                                   \
    "  SELECT n.type, p.whole FROM named n JOIN part p ON p.type = n.whole),\n"                    \
    "held (type) AS MATERIALIZED ("                                                                \
    "  SELECT DISTINCT n.type FROM named n\n"                                                      \
    "    JOIN pg_catalog.pg_attribute a ON a.atttypid = n.whole\n"                                 \
    "    JOIN pg_catalog.pg_class c ON c.oid = a.attrelid AND c.relkind = 'r'\n"                   \
    "                              AND {relation c.oid} AND {rows c.oid}\n"                        \
    "   WHERE a.attrelid >= 16384 AND a.attnum > 0 AND NOT a.attisdropped)\n"

#define ROWS_HOLD(types) "EXISTS (SELECT FROM held WHERE type IN (" types "))"

#define HELD_NAME(word, table, column, namespace, types)                                           \
    "SELECT o.xmax, 3, '" word " ' || pg_catalog.quote_ident(n.nspname) || '.' || "                \
    "       pg_catalog.quote_ident(o." column ") FROM " table " o " NAMESPACE("o." namespace)      \
        TOUCHED("o") DUMPED " AND " ROWS_HOLD(types)

/* What is looked at while rows are copied: labels of enums that a table or another type uses, and
 * names of schemas, since COPY goes by name and a lock on a table does not keep its schema's. Only
 * the names matter here, which the server is asked for once more. */
/* clang-format off */
static const char late[] =
    WITH_HELD
    "SELECT e.xmax, 1 AS rank, 'type ' || pg_catalog.quote_ident(n.nspname) || '.' ||\n"
    "       pg_catalog.quote_ident(t.typname) AS what\n"
    "  FROM pg_catalog.pg_enum e JOIN pg_catalog.pg_type t ON t.oid = e.enumtypid\n"
            NAMESPACE("t.typnamespace") TOUCHED("e") NOT_TEMPORARY
    "   AND t.oid::pg_catalog.regtype::pg_catalog.text <> t.oid::pg_catalog.text\n"
    "   AND EXISTS (SELECT FROM pg_catalog.pg_depend d\n"
    "                WHERE d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass\n"
    "                  AND d.refobjid IN (t.oid, t.typarray)\n"
    "                  AND ((d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass\n"
    "                        AND {relation d.objid})\n"
    "                       OR (d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass\n"
    "                           AND d.deptype = 'n'))) UNION ALL\n"
    "SELECT n.xmax, 1, 'schema ' || pg_catalog.quote_ident(n.nspname)\n"
    "  FROM pg_catalog.pg_namespace n " TOUCHED("n") DUMPED
    "   AND n.oid::pg_catalog.regnamespace::pg_catalog.text <> pg_catalog.quote_ident(n.nspname)\n"
    "   AND (EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid\n"
    "                    AND {relation c.oid})\n"
    "        OR EXISTS (SELECT FROM held WHERE type NOT IN ('regrole', 'aclitem'))) UNION ALL\n"
    "SELECT c.xmax, 2, " RELATION_WORD RELATION_NAME
    "  FROM pg_catalog.pg_class c " NAMESPACE("c.relnamespace") TOUCHED("c") DUMPED
    "   AND c.oid::pg_catalog.regclass::pg_catalog.text <> " RELATION_NAME
    "   AND " ROWS_HOLD("'regclass'") " UNION ALL "
    HELD_NAME("function", "pg_catalog.pg_proc", "proname", "pronamespace",
              "'regproc', 'regprocedure'")
    "   AND o.oid::pg_catalog.regproc::pg_catalog.text <>\n"
    "       pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(o.proname)\n"
    " UNION ALL\n"
    HELD_NAME("type", "pg_catalog.pg_type", "typname", "typnamespace",
              "'regtype', 'regprocedure', 'regoperator'")
    "   AND NOT EXISTS (SELECT FROM pg_catalog.pg_type e WHERE e.typarray = o.oid)\n"
    "   AND o.oid::pg_catalog.regtype::pg_catalog.text <>\n"
    "       pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(o.typname)\n"
    " UNION ALL\n"
    HELD_NAME("operator", "pg_catalog.pg_operator", "oprname", "oprnamespace",
              "'regoper', 'regoperator'")
    "   AND o.oid::pg_catalog.regoper::pg_catalog.text <>\n"
    "       pg_catalog.quote_ident(n.nspname) || '.' || o.oprname UNION ALL\n"
    HELD_NAME("collation", "pg_catalog.pg_collation", "collname", "collnamespace",
              "'regcollation'")
    "   AND o.oid::pg_catalog.regcollation::pg_catalog.text <>\n"
    "       pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(o.collname)\n"
    " UNION ALL\n"
    HELD_NAME("text search configuration", "pg_catalog.pg_ts_config", "cfgname", "cfgnamespace",
              "'regconfig'")
    "   AND o.oid::pg_catalog.regconfig::pg_catalog.text <>\n"
    "       pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(o.cfgname)\n"
    " UNION ALL\n"
    HELD_NAME("text search dictionary", "pg_catalog.pg_ts_dict", "dictname", "dictnamespace",
              "'regdictionary'")
    "   AND o.oid::pg_catalog.regdictionary::pg_catalog.text <>\n"
    "       pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(o.dictname) ";
/* clang-format on */

/*
 * xmax has 32 bits: the whole number is the one nearest to the snapshot's. That it is not below
 * those that ran then leaves out who only locked the row long ago. (pg_visible_in_snapshot() would
 * not do: it knows no subtransactions, and on a standby nobody who ran.) A row locked by several
 * has the number of their group instead, which may be one that no transaction has had yet:
 * pg_xact_status() does not take that, so the second time age() keeps it away.
 */
#define FRAME_BEGIN(outer, inner)                                                                  \
    "SELECT t.what" outer "\n"                                                                     \
    "  FROM (SELECT c.what, c.rank" inner ", c.xmax AS short, s.next - 2147483648 +\n"             \
    "               (c.xmax::pg_catalog.text::pg_catalog.int8 - s.next + 2147483648\n"             \
    "                + 4294967296 * (s.next / 4294967296 + 1)) % 4294967296 AS full, s.oldest\n"   \
    "          FROM (SELECT pg_catalog.pg_snapshot_xmin(x)::pg_catalog.text::pg_catalog.int8\n"    \
    "                         AS oldest,\n"                                                        \
    "                       pg_catalog.pg_snapshot_xmax(x)::pg_catalog.text::pg_catalog.int8\n"    \
    "                         AS next\n"                                                           \
    "                  FROM pg_catalog.pg_current_snapshot() x) s,\n"                              \
    "               ("
#define FRAME_END(guard)                                                                           \
    ") c) t\n"                                                                                     \
    " WHERE CASE WHEN t.full >= t.oldest" guard " THEN\n"                                          \
    "            pg_catalog.pg_xact_status(t.full::pg_catalog.text::pg_catalog.xid8) END\n"        \
    "       = 'committed'\n"                                                                       \
    " ORDER BY t.rank, t.what LIMIT "

static const char frame_begin[] = FRAME_BEGIN("", "");
static const char frame_begin_with_keys[] =
    FRAME_BEGIN(", t.catalog, t.oid, t.number, t.relation, t.value",
                ", c.catalog, c.oid, c.number, c.relation, c.value");
static const char frame_end[] = FRAME_END("");
static const char frame_end_guarded[] = FRAME_END(" AND pg_catalog.age(t.short) > 0");

/* pg_authid is not for everybody, so a role's name then is held against its name now. Only roles
 * count that own something of that kind, have privileges on it, or may be named by rows. */
#define CHANGED_ROLES(where)                                                                       \
    "SELECT 'role ' || pg_catalog.quote_ident(r.rolname)\n"                                        \
    "  FROM pg_catalog.pg_roles r\n"                                                               \
    " WHERE r.rolname <> pg_catalog.pg_get_userbyid(r.oid) AND (" where ") "                       \
    " ORDER BY r.rolname LIMIT 1"

#define DEPENDED_ON(where)                                                                         \
    "r.oid = 10 OR EXISTS\n"                                                                       \
    "(SELECT FROM pg_catalog.pg_shdepend d\n"                                                      \
    "  WHERE d.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass\n"                         \
    "    AND d.refobjid = r.oid AND " where ")"

#define IN_ROWS ROWS_HOLD("'regrole', 'aclitem'")

static const char roles[] = WITH_HELD CHANGED_ROLES(
    IN_ROWS " OR " DEPENDED_ON("d.dbid IN (0, (SELECT oid FROM pg_catalog.pg_database "
                               "                WHERE datname = pg_catalog.current_database()))"));

static const char roles_in_rows[] = WITH_HELD CHANGED_ROLES(IN_ROWS);

/* globals.sql takes its names of roles from the snapshot, but for privileges on these. */
static const char roles_of_globals[] = CHANGED_ROLES(
    DEPENDED_ON("d.dbid = 0 AND d.classid <> 'pg_catalog.pg_database'::pg_catalog.regclass"));

static bool take_what(struct catalog *catalog, void *context, const struct catalog_row *row,
                      struct error *err)
{
    (void)catalog;
    (void)err;
    snprintf(context, CHANGED_TEXT_SIZE, "%s", row_text(row, 0));
    return true;
}

enum { WHAT, CATALOG, OBJECT, NUMBER, RELATION, VALUE, KEY_COLUMNS };

/* The first that matters is the one to be named. */
static bool take_key(struct catalog *catalog, void *context, const struct catalog_row *row,
                     struct error *err)
{
    const struct watch_key key = {
        .catalog = row_text(row, CATALOG),
        .oid = row_oid(row, OBJECT),
        .number = (int)row_number(row, NUMBER),
        .relation = row_text_or_null(row, RELATION),
        .value = row_text_or_null(row, VALUE),
    };
    char *what = context;

    if (watch_allows(catalog, &key))
        return true;
    if (what[0] == '\0')
        snprintf(what, CHANGED_TEXT_SIZE, "%s", row_text(row, WHAT));
    return watch_add(catalog, &key, err);
}

/* A question about rows that were touched. */
struct question {
    const char *begin, *rows;
    unsigned limit;
    size_t columns;
    bool (*take)(struct catalog *, void *, const struct catalog_row *, struct error *);
};

static bool ask_wanted(struct catalog *catalog, const char *text, size_t columns,
                       bool (*take)(struct catalog *, void *, const struct catalog_row *,
                                    struct error *),
                       char *what, struct error *err)
{
    struct sql sql = {.err = err};
    bool done = selection_expand(&catalog->selection, text, &sql.text, err) &&
                catalog_ask_text(catalog, sql_text(&sql), columns, take, what, err);

    return sql_end(&sql) && done;
}

static bool ask(struct catalog *catalog, const struct question *question, const char *end,
                char *what, struct error *err)
{
    struct sql sql = {.err = err};
    bool done;

    sql_add(&sql, question->begin);
    sql_add(&sql, question->rows);
    sql_add(&sql, end);
    sql_printf(&sql, "%u", question->limit);
    done = !sql.failed &&
           ask_wanted(catalog, sql_text(&sql), question->columns, question->take, what, err);
    return sql_end(&sql) && done;
}

static bool find_touched(struct catalog *catalog, const struct question *question, char *what,
                         struct error *err)
{
    if (!catalog_run(catalog, "SAVEPOINT changes", err))
        return false;
    if (!ask(catalog, question, frame_end, what, err)) {
        if (strcmp(err->sqlstate, "22023") != 0 ||
            !catalog_run(catalog, "ROLLBACK TO SAVEPOINT changes", err) ||
            !ask(catalog, question, frame_end_guarded, what, err))
            return false;
    }
    return catalog_run(catalog, "RELEASE SAVEPOINT changes", err);
}

bool changes_find_roles(struct catalog *catalog, char what[CHANGED_TEXT_SIZE], struct error *err)
{
    what[0] = '\0';
    return catalog_ask_text(catalog, roles_of_globals, 1, take_what, what, err);
}

/* Statistics go with their table. What lies in no schema is wanted with everything else. */
static void add_wanted_home(const struct catalog *catalog, struct sql *sql,
                            const struct catalog_home *home)
{
    if (strcmp(home->catalog, "pg_statistic_ext") == 0)
        sql_add(sql, " AND {relation h.stxrelid} ");
    else if (home->schema != NULL)
        sql_add(sql, WANTED_IN_SCHEMA("h", "h.oid"));
    else if (!catalog_wants_all(catalog))
        sql_add(sql, " AND " NEEDED("h.tableoid", "h.oid") " ");
}

static void add_home(const struct catalog *catalog, struct sql *sql,
                     const struct catalog_home *home)
{
    sql_printf(sql, "SELECT h.xmax, 3, pg_catalog.lower('%s ') || ", home->word);
    if (home->schema != NULL)
        sql_add(sql, "pg_catalog.quote_ident(n.nspname) || '.' ||\n");
    if (home->label != NULL)
        sql_printf(sql, "       %s", home->label);
    else
        sql_printf(sql, "       pg_catalog.quote_ident(h.%s)", home->name);
    sql_add(sql, KEY("h", "h.oid", "0", "NULL"));
    sql_printf(sql, " FROM pg_catalog.%s h\n", home->catalog);
    if (home->schema != NULL)
        sql_printf(sql, NAMESPACE("h.%s"), home->schema);
    sql_add(sql, TOUCHED("h"));
    if (home->schema != NULL)
        sql_add(sql, NOT_TEMPORARY);
    add_wanted_home(catalog, sql, home);
    sql_add(sql, "UNION ALL\n");
}

/* ---- A look at first ---- */

/* The catalogs of both questions about rows, but for those of homes. */
static const char *const touchable[] = {
    "pg_namespace", "pg_class",   "pg_proc",   "pg_enum",    "pg_constraint",
    "pg_index",     "pg_rewrite", "pg_policy", "pg_trigger", "pg_partitioned_table",
    "pg_attribute", "pg_type",    "pg_amop",   "pg_amproc",  NULL,
};
static const char *const touchable_late[] = {
    "pg_namespace", "pg_class",     "pg_proc",      "pg_enum",    "pg_type",
    "pg_operator",  "pg_collation", "pg_ts_config", "pg_ts_dict", NULL,
};

static void add_touched(struct sql *sql, const char *catalog)
{
    sql_printf(sql, "%sSELECT x.xmax, 0 AS rank, 'a row' AS what FROM pg_catalog.%s x" TOUCHED("x"),
               sql->text.len == 0 ? "" : "\nUNION ALL ", catalog);
}

/* Whether any row at all was touched, wanted or not: mostly none was, and that is known without
 * their names, which cost ten times as much. */
static bool is_touched(struct catalog *catalog, const char *const names[], bool homes,
                       bool *touched, struct error *err)
{
    struct sql rows = {.err = err};
    char what[CHANGED_TEXT_SIZE] = "";
    bool done;

    for (size_t i = 0; names[i] != NULL; i++)
        add_touched(&rows, names[i]);
    for (size_t i = 0; homes && i < catalog_kind_step_count; i++) {
        if (catalog_kind_steps[i]->home != NULL)
            add_touched(&rows, catalog_kind_steps[i]->home->catalog);
    }
    done = !rows.failed &&
           find_touched(catalog, &(struct question){frame_begin, sql_text(&rows), 1, 1, take_what},
                        what, err);
    *touched = what[0] != '\0';
    return sql_end(&rows) && done;
}

/* The same of roles: has one another name by now? */
static bool find_role(struct catalog *catalog, const char *question, char *what, struct error *err)
{
    static const char any[] = CHANGED_ROLES("true");
    char role[CHANGED_TEXT_SIZE] = "";

    return catalog_ask_text(catalog, any, 1, take_what, role, err) &&
           (role[0] == '\0' || ask_wanted(catalog, question, 1, take_what, what, err));
}

/* ---- What changed ---- */

static bool find_rows(struct catalog *catalog, char *what, struct error *err)
{
    struct sql rows = {.err = err};
    bool found;

    sql_add(&rows, catalogs);
    for (size_t i = 0; i < catalog_kind_step_count; i++) {
        if (catalog_kind_steps[i]->home != NULL)
            add_home(catalog, &rows, catalog_kind_steps[i]->home);
    }
    sql_add(&rows, catalogs_end);
    found =
        !rows.failed && find_touched(catalog,
                                     &(struct question){frame_begin_with_keys, sql_text(&rows),
                                                        WATCH_KEYS_MAX + 1, KEY_COLUMNS, take_key},
                                     what, err);
    return sql_end(&rows) && found;
}

bool changes_find(struct catalog *catalog, char what[CHANGED_TEXT_SIZE], struct error *err)
{
    bool touched;

    what[0] = '\0';
    return watch_look(catalog, err) && is_touched(catalog, touchable, true, &touched, err) &&
           (!touched || find_rows(catalog, what, err)) &&
           (what[0] != '\0' || find_role(catalog, roles, what, err));
}

bool changes_find_late(struct catalog *catalog, char what[CHANGED_TEXT_SIZE], struct error *err)
{
    const struct question question = {frame_begin, late, 1, 1, take_what};
    bool touched;

    what[0] = '\0';
    return is_touched(catalog, touchable_late, false, &touched, err) &&
           (!touched || find_touched(catalog, &question, what, err)) &&
           (what[0] != '\0' || find_role(catalog, roles_in_rows, what, err));
}
