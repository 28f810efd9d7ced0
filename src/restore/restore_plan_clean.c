/*
 * RESTORE_CLEAN drops what the archive has, each by itself and never with what depends on it. What
 * somebody has made on top of that keeps it, and would be found out when half of it is gone: so it
 * is asked for before. One query, which goes from the names of what is to be dropped along the
 * catalog of dependencies.
 *
 * What depends is looked at where it is a view, a constraint, a table, a column's default, a
 * function, a type, a trigger, a policy or an extension: of these it is known what else is dropped.
 */
#include "restore/restore_plan_internal.h"

#include "base/error_names.h"
#include "restore/target_databases.h"

#include <stdio.h>

/* What of names is kept; where there are more, nothing is in the way as far as is known. */
#define NAMES_BYTES ((size_t)8 << 20)
#define TOLD 5

/* ---- What is dropped ---- */

/* How an entry's name is looked up: by a letter of `query`. */
static const struct {
    const char *desc;
    char how;
} kinds[] = {
    {"TABLE", 'r'},
    {"VIEW", 'r'},
    {"MATERIALIZED VIEW", 'r'},
    {"FOREIGN TABLE", 'r'},
    {"SEQUENCE", 'r'},
    {"INDEX", 'r'},
    {"TYPE", 't'},
    {"DOMAIN", 't'},
    {"SHELL TYPE", 't'},
    {"FUNCTION", 'f'},
    {"PROCEDURE", 'f'},
    {"AGGREGATE", 'f'},
    {"SCHEMA", 's'},
    {"EXTENSION", 'e'},
    {"CONSTRAINT", 'c'},
    {"FK CONSTRAINT", 'c'},
    {"CHECK CONSTRAINT", 'c'},
    {"TRIGGER", 'g'},
    {"POLICY", 'p'},
    {"RULE", 'w'},
    {"DEFAULT", 'd'},
};

static char how_of(const char *desc)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(kinds[i].desc, desc) == 0)
            return kinds[i].how;
    }
    return 0;
}

bool restore_plan_note_dropped(const struct restore_plan *plan, struct planned_database *database,
                               const struct archive_entry *entry, unsigned parts, struct error *err)
{
    struct buffer *names = &database->dropped_names;
    char how = how_of(entry->desc);

    if (plan->request->existing != RESTORE_CLEAN || (parts & SELECTED_DEFINITION) == 0 ||
        how == 0 || !archive_has_text(entry->drop) || entry->tag == NULL ||
        names->len > NAMES_BYTES)
        return true;
    return buffer_printf(names, err, "%s('%c', ", names->len == 0 ? "" : ", ", how) &&
           wire_quote_literal(names, entry->schema == NULL ? "" : entry->schema, err) &&
           buffer_append_string(names, ", ", err) && wire_quote_literal(names, entry->tag, err) &&
           buffer_append_byte(names, ')', err);
}

/* ---- What is in the way ---- */

/* "table name" is how tags have what is of a table. */
#define OF_TABLE(how, catalog, alias, table, name)                                                 \
    "UNION ALL SELECT '" catalog "'::pg_catalog.regclass::pg_catalog.oid, " alias ".oid\n"         \
    "  FROM named JOIN pg_catalog.pg_namespace s ON how = '" how "' AND s.nspname = schema\n"      \
    "  JOIN pg_catalog.pg_class t ON t.relnamespace = s.oid\n"                                     \
    "  JOIN " catalog " " alias " ON " alias "." table " = t.oid\n"                                \
    "   AND t.relname || ' ' || " alias "." name " = tag\n"

static const char query[] =
    "),\nroots (class, object) AS (\n"
    "SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid, c.oid\n"
    "  FROM named JOIN pg_catalog.pg_namespace s ON how = 'r' AND s.nspname = schema\n"
    "  JOIN pg_catalog.pg_class c ON c.relnamespace = s.oid AND c.relname = tag\n"
    "UNION ALL SELECT 'pg_catalog.pg_type'::pg_catalog.regclass::pg_catalog.oid, y.oid\n"
    "  FROM named JOIN pg_catalog.pg_namespace s ON how = 't' AND s.nspname = schema\n"
    "  JOIN pg_catalog.pg_type y ON y.typnamespace = s.oid AND y.typname = tag\n"
    "UNION ALL SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid, f.oid\n"
    "  FROM named JOIN pg_catalog.pg_namespace s ON how = 'f' AND s.nspname = schema\n"
    "  JOIN pg_catalog.pg_proc f ON f.pronamespace = s.oid\n"
    "   AND f.proname = pg_catalog.substring(tag, '^(.*)\\(')\n"
    "   AND tag = f.proname || '(' || CASE WHEN f.prokind = 'a' AND f.pronargs = 0 THEN '*'\n"
    "       ELSE (SELECT coalesce(pg_catalog.string_agg(pg_catalog.format_type(a.t, NULL),\n"
    "                    ', ' ORDER BY a.n), '')\n"
    "               FROM pg_catalog.unnest(f.proargtypes) WITH ORDINALITY a (t, n)) END || ')'\n"
    "UNION ALL SELECT 'pg_catalog.pg_namespace'::pg_catalog.regclass::pg_catalog.oid, s.oid\n"
    "  FROM named JOIN pg_catalog.pg_namespace s ON how = 's' AND s.nspname = tag\n"
    "   AND tag <> 'public'\n"
    "UNION ALL SELECT 'pg_catalog.pg_extension'::pg_catalog.regclass::pg_catalog.oid, e.oid\n"
    "  FROM named JOIN pg_catalog.pg_extension e ON how = 'e' AND e.extname = tag\n" OF_TABLE(
        "c", "pg_catalog.pg_constraint", "k", "conrelid",
        "conname") OF_TABLE("g", "pg_catalog.pg_trigger", "g", "tgrelid", "tgname")
        OF_TABLE("p", "pg_catalog.pg_policy", "p", "polrelid", "polname") OF_TABLE(
            "w", "pg_catalog.pg_rewrite", "w", "ev_class",
            "rulename") "UNION ALL SELECT "
                        "'pg_catalog.pg_attrdef'::pg_catalog.regclass::pg_catalog.oid, d.oid\n"
                        "  FROM named JOIN pg_catalog.pg_namespace s ON how = 'd' AND s.nspname = "
                        "schema\n"
                        "  JOIN pg_catalog.pg_class t ON t.relnamespace = s.oid\n"
                        "  JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid\n"
                        "   AND t.relname || ' ' || a.attname = tag\n"
                        "  JOIN pg_catalog.pg_attrdef d ON d.adrelid = t.oid AND d.adnum = "
                        "a.attnum\n"
                        "),\n"
                        /* With it goes what is a part of it. */
                        "gone (class, object) AS (\n"
                        "SELECT class, object FROM roots\n"
                        "UNION SELECT d.classid, d.objid FROM gone JOIN pg_catalog.pg_depend d\n"
                        "    ON d.refclassid = class AND d.refobjid = object AND d.objsubid = 0\n"
                        "   AND d.deptype IN ('a', 'i', 'P', 'S', 'e')),\n"
                        "kept AS (SELECT DISTINCT ON (d.classid, d.objid) d.classid, d.objid, "
                        "class, object\n"
                        "  FROM gone JOIN pg_catalog.pg_depend d ON d.refclassid = class AND "
                        "d.refobjid = object\n"
                        " WHERE d.deptype = 'n' AND d.classid IN "
                        "('pg_catalog.pg_rewrite'::pg_catalog.regclass,\n"
                        "       'pg_catalog.pg_constraint'::pg_catalog.regclass,\n"
                        "       'pg_catalog.pg_class'::pg_catalog.regclass,\n"
                        "       'pg_catalog.pg_attrdef'::pg_catalog.regclass,\n"
                        "       'pg_catalog.pg_proc'::pg_catalog.regclass,\n"
                        "       'pg_catalog.pg_type'::pg_catalog.regclass,\n"
                        "       'pg_catalog.pg_trigger'::pg_catalog.regclass,\n"
                        "       'pg_catalog.pg_policy'::pg_catalog.regclass,\n"
                        "       'pg_catalog.pg_extension'::pg_catalog.regclass)\n"
                        "   AND NOT EXISTS (SELECT FROM gone g WHERE g.class = d.classid AND "
                        "g.object = d.objid)\n"
                        "   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = "
                        "d.classid\n"
                        "                      AND e.objid = d.objid AND e.deptype = 'e')\n"
                        " ORDER BY d.classid, d.objid, class, object)\n"
                        "SELECT coalesce(pg_catalog.pg_describe_object(\n"
                        "           'pg_catalog.pg_class'::pg_catalog.regclass, v.oid, 0),\n"
                        "         pg_catalog.pg_describe_object(classid, objid, 0)),\n"
                        "       pg_catalog.pg_describe_object(class, object, 0),\n"
                        "       CASE WHEN v.relkind = 'v' THEN 'DROP VIEW ' || "
                        "v.oid::pg_catalog.regclass || ';'\n"
                        "            WHEN v.relkind = 'm'\n"
                        "            THEN 'DROP MATERIALIZED VIEW ' || v.oid::pg_catalog.regclass "
                        "|| ';'\n"
                        "            WHEN k.conrelid <> 0 THEN 'ALTER TABLE ' || "
                        "k.conrelid::pg_catalog.regclass\n"
                        "                 || ' DROP CONSTRAINT ' || "
                        "pg_catalog.quote_ident(k.conname) || ';'\n"
                        "            WHEN g.oid IS NOT NULL THEN 'DROP TRIGGER ' || "
                        "pg_catalog.quote_ident(g.tgname)\n"
                        "                 || ' ON ' || g.tgrelid::pg_catalog.regclass || ';' END\n"
                        "  FROM kept\n"
                        "  LEFT JOIN pg_catalog.pg_rewrite w\n"
                        "    ON classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND w.oid = "
                        "objid\n"
                        "  LEFT JOIN pg_catalog.pg_class v ON v.oid = w.ev_class AND v.relkind IN "
                        "('v', 'm')\n"
                        "  LEFT JOIN pg_catalog.pg_constraint k\n"
                        "    ON classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND "
                        "k.oid = objid\n"
                        "  LEFT JOIN pg_catalog.pg_trigger g\n"
                        "    ON classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass AND g.oid = "
                        "objid\n"
                        " ORDER BY 1 LIMIT 1000";

static bool append_told(struct buffer *told, struct buffer *commands,
                        const struct wire_result *rows, size_t row, struct error *err)
{
    const char *command = wire_result_value(rows, row, 2);

    return buffer_printf(told, err, "%s%s (which needs %s)", row == 0 ? "" : ", ",
                         wire_result_value(rows, row, 0), wire_result_value(rows, row, 1)) &&
           (command == NULL || buffer_printf(commands, err, "%s  ", command));
}

static bool tell(struct restore_plan *plan, const struct wire_result *rows, struct error *err)
{
    size_t count = wire_result_rows(rows);
    struct buffer told = {0}, commands = {0}, remedy = {0};
    bool done = true;

    for (size_t row = 0; done && row < count && row < TOLD; row++)
        done = append_told(&told, &commands, rows, row, err);
    if (done && count > TOLD)
        done = buffer_printf(&told, err, " and %zu more", count - TOLD);
    done =
        done && buffer_printf(&remedy, err,
                              "%sWhat is not to go has to be changed so that it does without, or "
                              "restore beside it: another database (" OPTION_DATABASE ").",
                              buffer_text(&commands));
    if (done)
        preflight_add(plan->report, true, buffer_text(&remedy),
                      "what is dropped first is needed by what the archive does not have: %s",
                      buffer_text(&told));
    for (size_t row = 0; done && row < count; row++)
        preflight_add_object(plan->report, wire_result_value(rows, row, 0));
    buffer_free(&told);
    buffer_free(&commands);
    buffer_free(&remedy);
    return done;
}

bool restore_plan_ask_dependents(struct restore_plan *plan, const struct planned_database *database,
                                 struct wire_conn *conn, struct error *err)
{
    const struct buffer *names = &database->dropped_names;
    struct wire_result *rows = NULL;
    struct buffer sql = {0};
    bool done = true;

    if (names->len == 0 || names->len > NAMES_BYTES)
        return true;
    done = buffer_append_string(&sql, "WITH RECURSIVE named (how, schema, tag) AS (VALUES ", err) &&
           buffer_append(&sql, names->data, names->len, err) &&
           buffer_append_string(&sql, query, err) &&
           wire_query(conn, buffer_text(&sql), &rows, err) &&
           (wire_result_rows(rows) == 0 || tell(plan, rows, err));
    wire_result_free(rows);
    buffer_free(&sql);
    return done;
}
