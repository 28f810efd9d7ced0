/* Default privileges: what the objects that a role makes will have. For the whole database they
 * are kept as a change of what the server gives by itself, for a schema as an addition to that. */
#include "catalog/kind.h"

#include "catalog/columns.h"

static const struct catalog_kind kind_default_privilege = {
    .desc = "DEFAULT ACL",
    .section = SECTION_POST_DATA,
    .priority = PRIORITY_DEFAULT_PRIVILEGES,
    .no_drop = true,
};

enum { OID, SCHEMA, SCHEMA_OID, ROLE, ROLE_OID, OF, TYPE, ACL, ACL_USUAL, COLUMNS };

static const char of[] = "CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES'\n"
                         "            WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES'\n"
                         "            WHEN 'n' THEN 'SCHEMAS' WHEN 'L' THEN 'LARGE OBJECTS' END";

/* acldefault's letter: S is foreign servers there. */
#define LETTER "CASE d.defaclobjtype WHEN 'S' THEN 's' ELSE d.defaclobjtype END"

static const char usual[] = "CASE WHEN d.defaclnamespace = 0\n"
                            "            THEN pg_catalog.acldefault(" LETTER ", d.defaclrole)\n"
                            "            ELSE '{}' END";

static const char *const columns[] = {
    [OID] = "d.oid",      [SCHEMA] = "n.nspname",      [SCHEMA_OID] = "d.defaclnamespace",
    [ROLE] = "r.rolname", [ROLE_OID] = "d.defaclrole", [OF] = of,
    [TYPE] = LETTER,      [ACL] = "d.defaclacl",       [ACL_USUAL] = usual,
};

static const char from[] =
    "FROM pg_catalog.pg_default_acl d\n"
    "LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace\n"
    "LEFT JOIN pg_catalog.pg_roles r ON r.oid = d.defaclrole\n"
    "WHERE d.defaclnamespace = 0 OR n.nspname IS NULL OR (" IN_USERS_SCHEMA ")\n"
    "ORDER BY d.defaclobjtype, n.nspname NULLS FIRST, r.rolname, d.oid";

/* They are nobody's then, or hold nowhere; but a row that is there is not left out in silence. */
static bool check_row(const struct catalog_row *row, struct error *err)
{
    bool no_role = row_text_or_null(row, ROLE) == NULL;

    if (!no_role && (row_oid(row, SCHEMA_OID) == 0 || row_text_or_null(row, SCHEMA) != NULL))
        return true;
    error_set(err, ERROR_UNSUPPORTED,
              "DEFAULT PRIVILEGES FOR %s have the %s with OID %s, which is not there",
              row_text(row, OF), no_role ? "role" : "schema",
              row_text(row, no_role ? ROLE_OID : SCHEMA_OID));
    return error_hint(err,
                      "Take the row out, as a superuser: SET allow_system_table_mods = on; "
                      "DELETE FROM pg_catalog.pg_default_acl WHERE oid = %s;",
                      row_text(row, OID));
}

static const char *statement_begin(struct catalog *catalog, const struct catalog_object *object,
                                   struct error *err)
{
    struct sql sql = {.err = err};

    sql_add(&sql, "ALTER DEFAULT PRIVILEGES FOR ROLE ");
    sql_name(&sql, object->owner);
    if (object->schema != NULL) {
        sql_add(&sql, " IN SCHEMA ");
        sql_name(&sql, object->schema);
    }
    sql_add(&sql, " ");
    return sql_copy(&sql, catalog_arena(catalog));
}

static bool take_default_privilege(struct catalog *catalog, void *context,
                                   const struct catalog_row *row, struct error *err)
{
    struct privileges privileges = {
        .acl = row_text(row, ACL),
        .usual = row_text(row, ACL_USUAL),
        .on = row_text(row, OF),
        .type = row_char(row, TYPE),
    };
    struct catalog_object *object;
    struct sql sql = {.err = err}, name = {.err = err};
    bool done;

    (void)context;
    if (row_oid(row, SCHEMA_OID) == 0 && !catalog_wants_all(catalog))
        return true;
    if (!check_row(row, err))
        return false;
    sql_printf(&name, "DEFAULT PRIVILEGES FOR %s", row_text(row, OF));
    object = name.failed ? NULL
                         : catalog_add(catalog, &kind_default_privilege, CLASS_DEFAULT_PRIVILEGE,
                                       row_oid(row, OID), row_text_or_null(row, SCHEMA),
                                       sql_text(&name), row_text(row, ROLE), err);
    sql_end(&name);
    privileges.begin = object == NULL ? NULL : statement_begin(catalog, object, err);
    if (privileges.begin == NULL)
        return false;
    done = privileges_write(&sql, catalog, &privileges, NULL, object->owner,
                            catalog_server_major(catalog));
    object->hidden = sql.text.len == 0; /* of a role that is gone only */
    return sql_put(&sql, catalog, &object->definition) && done;
}

static const struct catalog_query default_privileges = {
    .columns = columns, .count = COLUMNS, .from = from, .take = take_default_privilege};

const struct catalog_step catalog_step_default_privilege = {
    .what = "default privileges",
    .order = READ_OF_TABLES + 9,
    .query = &default_privileges,
};
