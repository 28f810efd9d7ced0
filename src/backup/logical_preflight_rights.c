/*
 * What the role of a logical backup may read. It is asked for over whole sets, and each remedy
 * covers all that it is for, as one who may grant it can paste it.
 */
#include "backup/logical_preflight_internal.h"

#include <string.h>

#define SCHEMAS_MAX 200 /* bytes of a list of schemas that a remedy repeats */
#define OBJECTS_MAX 12  /* large objects that a remedy names one by one */
#define OWN_MAX 600     /* bytes of statements about the role's own tables */
#define GRANT_MAX 45    /* bytes of a GRANT beside the names */

/* ---- Tables and sequences ---- */

/*
 * What is read: the tables that are locked (which takes a right to the table as a whole) and read,
 * and the positions of sequences; of extensions only the tables that they say hold users' data.
 * Where no rows are wanted the table is locked all the same.
 */
#define READ_RELATIONS                                                                             \
    "WITH wanted AS ("                                                                             \
    "  SELECT c.oid, c.relkind, c.relrowsecurity, c.relowner, n.oid AS schema, n.nspname,"         \
    "         {rows c.oid} AS rows"                                                                \
    "    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"      \
    "    LEFT JOIN pg_catalog.pg_foreign_table t ON t.ftrelid = c.oid"                             \
    "   WHERE (c.relkind IN ('r', 'p', 'S') OR (c.relkind = 'f' AND {server t.ftserver}))"         \
    "     AND c.relpersistence <> 't' AND {relation c.oid}"                                        \
    "     AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"                           \
    "     AND (NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.deptype = 'e'"               \
    "                         AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass"          \
    "                         AND d.objid = c.oid)"                                                \
    "          OR EXISTS (SELECT FROM pg_catalog.pg_extension x WHERE c.oid = ANY (x.extconfig)))" \
    "), judged AS ("                                                                               \
    "  SELECT oid, relkind, schema, nspname, oid::pg_catalog.regclass::pg_catalog.text AS name,"   \
    "         CASE WHEN relkind = 'S'"                                                             \
    "              THEN NOT rows OR pg_catalog.has_sequence_privilege(oid, 'SELECT')"              \
    "              ELSE pg_catalog.has_table_privilege(oid, 'SELECT') END AS readable,"            \
    "         pg_catalog.has_schema_privilege(schema, 'USAGE') AS reachable,"                      \
    "         CASE WHEN relkind = 'r' AND relrowsecurity AND rows"                                 \
    "              THEN pg_catalog.row_security_active(oid) ELSE false END AS filtered,"           \
    "         pg_catalog.pg_has_role(relowner, 'USAGE') AS own"                                    \
    "    FROM wanted) "

/* "a, b, c" of the first few. */
#define FIRST_OF(what, condition)                                                                  \
    "(SELECT pg_catalog.string_agg(x.name, ', ') FROM (SELECT DISTINCT " what " AS name"           \
    "   FROM judged WHERE " condition " ORDER BY 1 LIMIT 5) x)"
#define COUNT_OF(what, condition)                                                                  \
    "(SELECT pg_catalog.count(DISTINCT " what ") FROM judged WHERE " condition ")"
#define NO_TABLE "relkind <> 'S' AND NOT readable"
#define NO_SEQUENCE "relkind = 'S' AND NOT readable"
#define NO_SCHEMA "NOT reachable"

enum {
    TABLES,
    TABLE_NAMES,
    SEQUENCES,
    SEQUENCE_NAMES,
    SCHEMAS,
    SCHEMA_NAMES,
    FILTERED,
    FILTERED_NAMES,
    ALL_SCHEMAS,
    FORCED /* lifts the policies of the filtered ones, where they are the role's own and few */
};

/* clang-format off */
static const char rights_query[] =
    READ_RELATIONS "SELECT "
    COUNT_OF("oid", NO_TABLE) ", " FIRST_OF("name", NO_TABLE) ", "
    COUNT_OF("oid", NO_SEQUENCE) ", " FIRST_OF("name", NO_SEQUENCE) ", "
    COUNT_OF("schema", NO_SCHEMA) ", "
    FIRST_OF("pg_catalog.quote_ident(nspname)", NO_SCHEMA) ", "
    COUNT_OF("oid", "filtered") ", " FIRST_OF("name", "filtered") ", "
    "(SELECT pg_catalog.string_agg(DISTINCT pg_catalog.quote_ident(nspname), ', ')"
    "   FROM judged WHERE NOT readable OR NOT reachable), "
    "(SELECT CASE WHEN pg_catalog.bool_and(own) AND pg_catalog.count(*) <= 10"
    "             THEN pg_catalog.string_agg("
    "                    pg_catalog.format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY;', name),"
    "                    ' ' ORDER BY name) END"
    "   FROM judged WHERE filtered)";
/* clang-format on */

#define ALL_OF(word, what, condition)                                                              \
    "(SELECT DISTINCT '" word " ' || " what " FROM judged WHERE " condition                        \
    "  ORDER BY 1 LIMIT 1000)"
#define ALL_TABLES ALL_OF("table", "name", NO_TABLE)
#define ALL_SEQUENCES ALL_OF("sequence", "name", NO_SEQUENCE)
#define ALL_OF_SCHEMAS ALL_OF("schema", "pg_catalog.quote_ident(nspname)", NO_SCHEMA)

static const char no_definitions_query[] = READ_RELATIONS ALL_TABLES " UNION ALL " ALL_OF_SCHEMAS;
static const char unreadable_query[] =
    READ_RELATIONS ALL_TABLES " UNION ALL " ALL_SEQUENCES " UNION ALL " ALL_OF_SCHEMAS;
static const char filtered_query[] = READ_RELATIONS ALL_OF("table", "name", "filtered");

/* Before PostgreSQL 14 there is no role that may read everything: schema by schema. */
static bool append_grants(struct buffer *out, const struct logical_preflight *preflight,
                          const struct wire_result *rights, struct error *err)
{
    const struct preflight_finding *room = NULL; /* for its size */
    const char *schemas = preflight_text(rights, ALL_SCHEMAS), *role = preflight->role;

    if (strlen(schemas) > SCHEMAS_MAX || quote_has_control(schemas) ||
        3 * (strlen(schemas) + strlen(role) + GRANT_MAX) > sizeof(room->remedy))
        return buffer_printf(
            out, err,
            "DO $$ DECLARE s name; BEGIN FOR s IN SELECT nspname FROM pg_namespace WHERE nspname "
            "!~ '^pg_' AND nspname <> 'information_schema' LOOP EXECUTE format('GRANT USAGE ON "
            "SCHEMA %%1$I TO %%2$I; GRANT SELECT ON ALL TABLES IN SCHEMA %%1$I TO %%2$I; GRANT "
            "SELECT ON ALL SEQUENCES IN SCHEMA %%1$I TO %%2$I', s, (SELECT rolname FROM pg_roles "
            "WHERE oid = %s)); END LOOP; END $$;",
            preflight->role_oid);
    return (preflight_number(rights, SCHEMAS) == 0 ||
            buffer_printf(out, err, "GRANT USAGE ON SCHEMA %s TO %s;  ", schemas, role)) &&
           (preflight_number(rights, TABLES) == 0 ||
            buffer_printf(out, err, "GRANT SELECT ON ALL TABLES IN SCHEMA %s TO %s;  ", schemas,
                          role)) &&
           (preflight_number(rights, SEQUENCES) == 0 ||
            buffer_printf(out, err, "GRANT SELECT ON ALL SEQUENCES IN SCHEMA %s TO %s;", schemas,
                          role));
}

/* One right that covers all, for a role that may not take rights from others by itself, too. Who is
 * a member and may not read has not got the right by that. */
static bool append_read_all(struct buffer *out, const struct logical_preflight *preflight,
                            struct error *err)
{
    bool names_inheritance = preflight->version >= 160000;

    if (!preflight->inherits && !names_inheritance &&
        !buffer_printf(out, err, "ALTER ROLE %s INHERIT;  ", preflight->role))
        return false;
    return buffer_printf(out, err, "GRANT pg_read_all_data TO %s%s;", preflight->role,
                         names_inheritance && (!preflight->inherits || preflight->is_member)
                             ? " WITH INHERIT TRUE"
                             : "");
}

static void judge_relations(struct logical_preflight *preflight, const struct wire_result *rights)
{
    struct buffer missing = {0}, remedy = {0};
    struct error ignored;

    if (preflight_append_counted(&missing, rights, TABLES, "table", &ignored) &&
        (preflight->request->schema_only ||
         preflight_append_counted(&missing, rights, SEQUENCES, "sequence", &ignored)) &&
        preflight_append_counted(&missing, rights, SCHEMAS, "schema", &ignored) &&
        missing.len > 0 &&
        (preflight->version >= 140000 ? append_read_all(&remedy, preflight, &ignored)
                                      : append_grants(&remedy, preflight, rights, &ignored))) {
        preflight_add(preflight->report, true, buffer_text(&remedy), "the role %s may not read %s",
                      preflight->role, buffer_text(&missing));
        logical_preflight_name_all(preflight, preflight->request->schema_only ? no_definitions_query
                                                                              : unreadable_query);
    }
    buffer_free(&missing);
    buffer_free(&remedy);
}

static void judge_policies(struct logical_preflight *preflight, const struct wire_result *rights)
{
    const char *own = preflight_text(rights, FORCED);
    bool fits = own[0] != '\0' && strlen(own) < OWN_MAX && !quote_has_control(own);
    struct buffer hidden = {0}, remedy = {0};
    struct error ignored;

    if (preflight_append_counted(&hidden, rights, FILTERED, "table", &ignored) && hidden.len > 0 &&
        buffer_printf(&remedy, &ignored, "ALTER ROLE %s BYPASSRLS;%s%s", preflight->role,
                      fits ? "  or, as its owner:  " : "", fits ? own : "")) {
        preflight_add(preflight->report, true, buffer_text(&remedy),
                      "policies would hide rows of %s from the role %s", buffer_text(&hidden),
                      preflight->role);
        logical_preflight_name_all(preflight, filtered_query);
    }
    buffer_free(&hidden);
    buffer_free(&remedy);
}

static void check_relations(struct logical_preflight *preflight)
{
    struct wire_result *rights = logical_preflight_ask(preflight, rights_query);

    if (rights != NULL) {
        judge_relations(preflight, rights);
        if (!preflight->request->schema_only)
            judge_policies(preflight, rights);
    }
    wire_result_free(rights);
}

/* ---- Large objects ---- */

/* Privileges are looked at once for all objects that have the same. */
#define HIDDEN_OBJECTS                                                                             \
    "WITH alike AS ("                                                                              \
    "  SELECT pg_catalog.min(m.oid) AS one, pg_catalog.count(*) AS number,"                        \
    "         (pg_catalog.array_agg(m.oid ORDER BY m.oid))[1:1000] AS first"                       \
    "    FROM pg_catalog.pg_largeobject_metadata m"                                                \
    "   WHERE pg_catalog.current_setting('lo_compat_privileges') = 'off'"                          \
    "     AND NOT pg_catalog.has_table_privilege('pg_catalog.pg_largeobject', 'SELECT')"           \
    "   GROUP BY m.lomowner, m.lomacl::pg_catalog.text"                                            \
    "), hidden AS ("                                                                               \
    "  SELECT l.* FROM alike l JOIN pg_catalog.pg_largeobject_metadata m ON m.oid = l.one"         \
    "   WHERE NOT EXISTS"                                                                          \
    "         (SELECT FROM pg_catalog.aclexplode("                                                 \
    "                        coalesce(m.lomacl, pg_catalog.acldefault('L', m.lomowner))) a"        \
    "           WHERE a.privilege_type = 'SELECT'"                                                 \
    "             AND CASE WHEN a.grantee = 0 THEN true"                                           \
    "                      ELSE pg_catalog.pg_has_role(a.grantee, 'USAGE') END)"                   \
    "), firsts AS ("                                                                               \
    "  SELECT o FROM hidden, pg_catalog.unnest(first) o ORDER BY o LIMIT 1000) "

static const char objects_query[] =
    HIDDEN_OBJECTS "SELECT (SELECT pg_catalog.sum(number) FROM hidden),"
                   "       (SELECT pg_catalog.string_agg(x.o::pg_catalog.text, ', ')"
                   "          FROM (SELECT o FROM firsts ORDER BY o LIMIT 5) x),"
                   "       (SELECT pg_catalog.string_agg(x.o::pg_catalog.text, ', ')"
                   "          FROM (SELECT o FROM firsts ORDER BY o LIMIT 12) x)";
static const char all_objects_query[] =
    HIDDEN_OBJECTS "SELECT 'large object ' || o FROM firsts ORDER BY o";

enum { OBJECTS, OBJECT_OIDS, OBJECTS_NAMED };

static bool append_object_grants(struct buffer *out, const struct logical_preflight *preflight,
                                 const struct wire_result *hidden, struct error *err)
{
    if (preflight_number(hidden, OBJECTS) <= OBJECTS_MAX)
        return buffer_printf(out, err, "GRANT SELECT ON LARGE OBJECT %s TO %s;",
                             preflight_text(hidden, OBJECTS_NAMED), preflight->role);
    return buffer_printf(out, err, "GRANT SELECT ON pg_catalog.pg_largeobject TO %s;",
                         preflight->role);
}

static void judge_objects(struct logical_preflight *preflight, const struct wire_result *hidden)
{
    struct buffer missing = {0}, remedy = {0};
    struct error ignored;

    if (preflight_append_counted(&missing, hidden, OBJECTS, "large object", &ignored) &&
        missing.len > 0 &&
        (preflight->version >= 140000
             ? append_read_all(&remedy, preflight, &ignored)
             : append_object_grants(&remedy, preflight, hidden, &ignored))) {
        preflight_add(preflight->report, true, buffer_text(&remedy), "the role %s may not read %s",
                      preflight->role, buffer_text(&missing));
        logical_preflight_name_all(preflight, all_objects_query);
    }
    buffer_free(&missing);
    buffer_free(&remedy);
}

static void check_objects(struct logical_preflight *preflight)
{
    struct wire_result *hidden = logical_preflight_ask(preflight, objects_query);

    if (hidden != NULL)
        judge_objects(preflight, hidden);
    wire_result_free(hidden);
}

void logical_preflight_rights(struct logical_preflight *preflight)
{
    const struct backup_request *request = preflight->request;

    check_relations(preflight);
    if (!request->schema_only && !request->no_large_objects &&
        (request->large_objects || catalog_is_whole(preflight->wanted)))
        check_objects(preflight);
}
