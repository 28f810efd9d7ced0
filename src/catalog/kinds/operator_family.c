/*
 * Operator families, and what was added to one beside its classes.
 *
 * A family's own members are a piece of it: operators over a range, say, whose type is made with a
 * class of that family. Taken off they are an entry of their own; so are from the beginning those
 * that were added to a family of the system or of an extension, which pg_dump forgets. When what
 * they need is dropped, they go with that, so that nothing has to drop them.
 */
#include "catalog/columns.h"
#include "catalog/operator_members.h"

static void write_family(struct catalog *catalog, const struct catalog_object *object,
                         struct archive_entry *entry, struct sql *sql);

static const struct catalog_kind kind_operator_family = {
    .desc = "OPERATOR FAMILY",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_OPERATOR_FAMILY,
    .may_postpone = true,
    .write = write_family,
};

static const struct catalog_kind kind_members = {
    .desc = "OPERATOR FAMILY",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_OPERATOR_FAMILY,
    .no_owner = true,
    .no_drop = true,
    .may_postpone = true,
    .piece_rank = 4,
};

enum { OID, SCHEMA, NAME, OWNER, METHOD, COLUMNS };

static const char *const columns[] = {
    [OID] = "f.oid",
    [SCHEMA] = "n.nspname",
    [NAME] = "f.opfname",
    [OWNER] = COLUMN_ROLE("f.opfowner"),
    [METHOD] = "(SELECT a.amname FROM pg_catalog.pg_am a WHERE a.oid = f.opfmethod)",
};

static const char from[] = "FROM pg_catalog.pg_opfamily f\n"
                           "JOIN pg_catalog.pg_namespace n ON n.oid = f.opfnamespace\n"
                           "WHERE " IN_USERS_SCHEMA "\n"
                           "ORDER BY n.nspname, f.opfname, f.opfmethod";

static void write_family(struct catalog *catalog, const struct catalog_object *object,
                         struct archive_entry *entry, struct sql *sql)
{
    (void)entry;
    sql_stored(sql, catalog, object->definition);
    if (object->pieces != NULL)
        sql_stored(sql, catalog, object->pieces->definition);
}

static bool take_family(struct catalog *catalog, void *context, const struct catalog_row *row,
                        struct error *err)
{
    struct catalog_object *object;
    struct sql sql = {.err = err};

    (void)context;
    if (catalog_find(catalog, CLASS_OPERATOR_FAMILY, row_oid(row, OID)) != NULL)
        return true; /* an extension's */
    object = catalog_add(catalog, &kind_operator_family, CLASS_OPERATOR_FAMILY, row_oid(row, OID),
                         row_text(row, SCHEMA), row_text(row, NAME), row_text(row, OWNER), err);
    if (object == NULL || !operator_set_identity(catalog, object, row_text(row, METHOD), err))
        return false;
    sql_printf(&sql, "CREATE OPERATOR FAMILY %s;\n", object->identity);
    return sql_put(&sql, catalog, &object->definition);
}

static const struct catalog_query families = {
    .columns = columns,
    .count = COLUMNS,
    .from = from,
    .take = take_family,
};

/* ---- Members ---- */

static bool take_members(struct catalog *catalog, const struct operator_members *members,
                         struct error *err)
{
    struct catalog_object *family = catalog_find(catalog, CLASS_OPERATOR_FAMILY, members->holder);
    bool own = family != NULL && family->kind == &kind_operator_family;
    struct catalog_object *object;
    struct sql sql = {.err = err};

    if (!own && !catalog_wants_all(catalog))
        return true;
    object = catalog_add(catalog, &kind_members, 0, 0, members->schema, members->name, NULL, err);
    if (object == NULL || !operator_set_identity(catalog, object, members->method, err) ||
        !operator_members_alias(catalog, members, object, err) ||
        (family != NULL && !catalog_depend(catalog, object, family, err)))
        return false;
    object->empty_drop = true;
    sql_printf(&sql, "ALTER OPERATOR FAMILY %s ADD\n    ", object->identity);
    sql_clause(&sql, "", members->list, ";\n");
    if (!sql_put(&sql, catalog, &object->definition))
        return false;
    if (own)
        catalog_make_piece(object, family);
    return true;
}

static bool read_members(struct catalog *catalog, struct error *err)
{
    return operator_members_ask(catalog, true, take_members, err);
}

static const struct catalog_reference references[] = {
    {"opfmethod", "pg_am", "access method"},
    {0},
};

static const struct catalog_home home = {
    .catalog = "pg_opfamily",
    .word = "OPERATOR FAMILY",
    .label = OPERATOR_LABEL("opfname", "opfmethod"),
    .schema = "opfnamespace",
    .owner = "opfowner",
    .references = references,
};

const struct catalog_step catalog_step_operator_family = {
    .what = "operator families",
    .order = READ_BEFORE_RELATIONS,
    .query = &families,
    .read = read_members,
    .home = &home,
};
