/* Schemas. Every database has one named public from the start, and what is said of that depends on
 * what initdb makes of it. */
#include "catalog/kind.h"

#include "catalog/columns.h"

static const struct catalog_kind kind_schema = {
    .desc = "SCHEMA",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_SCHEMA,
};

enum { OID, NAME, OWNER, ACL, ACL_USUAL, PUBLIC_USUAL, COLUMNS };

static const struct version_difference differences[] = {
    /* What PUBLIC has in a new database's public; up to 14 anything but what it has
     * here, so that an archive says that */
    {"public_privilege", 0,
     "CASE WHEN (SELECT pg_catalog.array_agg(x.privilege_type) "
     "             FROM pg_catalog.aclexplode(n.nspacl) x WHERE x.grantee = 0) = ARRAY['CREATE'] "
     "     THEN 'USAGE' ELSE 'CREATE' END"},
    {"public_privilege", 15, "'USAGE'"},
    {0},
};

#define USUAL COLUMN_ACL_USUAL("n", "n.nspowner")

static const char public_usual[] =
    USUAL " ||\n"
          "         pg_catalog.makeaclitem(0, n.nspowner, {public_privilege}, false)";

static const char *const columns[] = {
    [OID] = "n.oid",    [NAME] = "n.nspname", [OWNER] = COLUMN_ROLE("n.nspowner"),
    [ACL] = "n.nspacl", [ACL_USUAL] = USUAL,  [PUBLIC_USUAL] = public_usual,
};

static const char from[] = "FROM pg_catalog.pg_namespace n\n"
                           "WHERE " IN_USERS_SCHEMA "\n"
                           "ORDER BY n.nspname";

/* Only if the owner of public is not the usual one is there an entry that says so, to have
 * pg_restore change the owner. */
static bool put_public(struct catalog *catalog, struct catalog_object *object, const char *owner,
                       struct error *err)
{
    if (strcmp(owner, "pg_database_owner") == 0) {
        object->hidden = true;
        return true;
    }
    return catalog_put_text(catalog, "-- public is there already: initdb creates it\n",
                            &object->definition, err) &&
           catalog_put_text(catalog, "-- public stays\n", &object->drop, err);
}

/*
 * What public grants is held against what initdb grants there since PostgreSQL 15, whatever the
 * version: so does every archive say it. That is so as well where public was made anew, which
 * grants PUBLIC nothing: the database that the archive is restored into has a public of initdb's.
 * Up to 14 initdb grants CREATE, too, so that an archive of these says in any case what PUBLIC has.
 */
static bool add_privileges(struct catalog *catalog, struct catalog_object *object,
                           const struct catalog_row *row, struct error *err)
{
    bool is_public = strcmp(object->name, "public") == 0;
    bool never_changed = row_text_or_null(row, ACL) == NULL;
    struct privileges privileges = {
        .acl = row_text_or_null(row, is_public && never_changed ? ACL_USUAL : ACL),
        .usual = row_text_or_null(row, is_public ? PUBLIC_USUAL : ACL_USUAL),
        .on = "SCHEMA",
        .type = 'n',
    };

    return privileges_add(catalog, object, &privileges, err);
}

static bool take_schema(struct catalog *catalog, void *context, const struct catalog_row *row,
                        struct error *err)
{
    struct catalog_object *object;
    struct sql sql = {.err = err};

    (void)context;
    if (catalog_find(catalog, CLASS_SCHEMA, row_oid(row, OID)) != NULL)
        return true; /* an extension's */
    object = catalog_add(catalog, &kind_schema, CLASS_SCHEMA, row_oid(row, OID), NULL,
                         row_text(row, NAME), row_text(row, OWNER), err);
    if (object == NULL || !add_privileges(catalog, object, row, err))
        return false;
    if (strcmp(object->name, "public") == 0 && !catalog_names_schemas(catalog))
        return put_public(catalog, object, row_text(row, OWNER), err);
    sql_printf(&sql, "CREATE SCHEMA %s;\n", object->identity);
    return sql_put(&sql, catalog, &object->definition);
}

static const struct catalog_query schemas = {
    .columns = columns,
    .count = COLUMNS,
    .from = from,
    .take = take_schema,
    .differences = differences,
};

const struct catalog_step catalog_step_schema = {
    .what = "schemas",
    .order = READ_SCHEMAS,
    .query = &schemas,
};
