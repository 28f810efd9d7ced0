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
#include "catalog/references.h"

#include <stdio.h>

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

/* Names what points to nothing. */
static bool find_dangling(struct catalog *catalog, struct error *err)
{
    struct dangling dangling = {0};
    struct sql sql = {.err = err}, wanted = {.err = err};
    bool done;

    references_ask_names(catalog, &sql);
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

static bool take_count(struct catalog *catalog, void *context, const struct catalog_row *row,
                       struct error *err)
{
    (void)catalog;
    (void)err;
    *(int64_t *)context = row_number(row, 0);
    return true;
}

/* In nearly every database all is there: that is known without any names, and for a tenth of the
 * server's time. */
static bool check_references(struct catalog *catalog, struct error *err)
{
    struct sql sql = {.err = err};
    int64_t count = -1;
    bool done;

    references_ask_count(catalog, &sql);
    done = !sql.failed && catalog_ask_text(catalog, sql_text(&sql), 1, take_count, &count, err);
    sql_end(&sql);
    return done && (count == 0 || find_dangling(catalog, err));
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
#define NAME(schema, name)                                                                         \
    "coalesce(pg_catalog.quote_ident(" schema ") || '.', '') || pg_catalog.quote_ident(" name ")"

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

/* Lists of privileges are few, however many objects have them; that no role is gone is known
 * without the objects' names. */
static const char gone_count[] =
    "SELECT pg_catalog.count(*) FROM (\n"
    "  SELECT a.acl FROM (\n"
    "    SELECT relacl FROM pg_catalog.pg_class UNION ALL\n"
    "    SELECT attacl FROM pg_catalog.pg_attribute UNION ALL\n"
    "    SELECT proacl FROM pg_catalog.pg_proc UNION ALL\n"
    "    SELECT typacl FROM pg_catalog.pg_type UNION ALL\n"
    "    SELECT nspacl FROM pg_catalog.pg_namespace UNION ALL\n"
    "    SELECT lanacl FROM pg_catalog.pg_language UNION ALL\n"
    "    SELECT defaclacl FROM pg_catalog.pg_default_acl UNION ALL\n"
    "    SELECT fdwacl FROM pg_catalog.pg_foreign_data_wrapper UNION ALL\n"
    "    SELECT srvacl FROM pg_catalog.pg_foreign_server UNION ALL\n"
    "    SELECT lomacl FROM pg_catalog.pg_largeobject_metadata UNION ALL\n"
    "    SELECT datacl FROM pg_catalog.pg_database\n"
    "     WHERE datname = pg_catalog.current_database()) a (acl)\n"
    "   WHERE a.acl IS NOT NULL GROUP BY a.acl OFFSET 0) a\n"
    " CROSS JOIN LATERAL pg_catalog.aclexplode(a.acl) x\n"
    " CROSS JOIN LATERAL pg_catalog.unnest(ARRAY[x.grantor, x.grantee]) WITH ORDINALITY u (role, "
    "n)\n"
    " WHERE (u.n = 1 OR u.role <> 0)\n"
    "   AND NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.oid = u.role)";

static bool find_gone_roles(struct catalog *catalog, struct error *err)
{
    int64_t count = -1;

    return catalog_ask_text(catalog, gone_count, 1, take_count, &count, err) &&
           (count == 0 || catalog_ask(catalog, &gone_roles, NULL, err));
}

static bool read_dangling(struct catalog *catalog, struct error *err)
{
    return check_references(catalog, err) &&
           (catalog->options.data_only || find_gone_roles(catalog, err));
}

const struct catalog_step catalog_step_dangling = {
    .what = "what points to nothing",
    .order = READ_DANGLING,
    .read = read_dangling,
};
