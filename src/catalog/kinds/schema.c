/* Schemas. */
#include "catalog/kind.h"

static const struct catalog_kind kind_schema = {
    .desc = "SCHEMA",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_SCHEMA,
};

enum { OID, NAME, OWNER, ACL, ACL_USUAL, PUBLIC_USUAL, COLUMNS };

/* Every database has a schema "public" from the start. Only if its owner is not the usual one is
 * there an entry that says so, to have pg_restore change the owner. */
static bool write_public(struct catalog *catalog, struct catalog_object *object, const char *owner,
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
    struct buffer sql = {0};
    bool done;

    (void)context;
    if (catalog_find(catalog, CLASS_SCHEMA, row_oid(row, OID)) != NULL)
        return true;
    object = catalog_add(catalog, &kind_schema, CLASS_SCHEMA, row_oid(row, OID), NULL,
                         row_text(row, NAME), row_text(row, OWNER), err);
    if (object == NULL || !add_privileges(catalog, object, row, err))
        return false;
    if (strcmp(object->name, "public") == 0)
        return write_public(catalog, object, row_text(row, OWNER), err);
    done = buffer_printf(&sql, err, "CREATE SCHEMA %s;\n", object->identity) &&
           catalog_put_text(catalog, buffer_text(&sql), &object->definition, err);
    buffer_free(&sql);
    return done;
}

static bool read_schemas(struct catalog *catalog, struct error *err)
{
    static const char query[] =
        "SELECT n.oid, n.nspname, pg_catalog.pg_get_userbyid(n.nspowner), n.nspacl, "
        "       pg_catalog.acldefault('n', n.nspowner), "
        "       pg_catalog.acldefault('n', n.nspowner) || "
        "         pg_catalog.makeaclitem(0, n.nspowner, {public_privilege}, false) "
        "  FROM pg_catalog.pg_namespace n "
        " WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' "
        " ORDER BY n.nspname";

    return catalog_query(catalog, query, COLUMNS, take_schema, NULL, err);
}

const struct catalog_step catalog_step_schema = {
    .what = "schemas",
    .order = READ_SCHEMAS,
    .read = read_schemas,
};
