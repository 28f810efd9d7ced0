/*
 * Large objects: who owns them, and who may what. There may be a million, so no object of the graph
 * is made of one (large_objects.h); nothing needs one, and nothing has one as a member.
 *
 * All of it is read as it was in the snapshot, and so are their bytes: one that is made, changed or
 * unlinked meanwhile changes nothing, and need not be looked for. Only the names of roles are as of
 * now, which are looked over for all objects.
 */
#include "catalog/large_objects.h"

#include "catalog/catalog_internal.h"
#include "catalog/columns.h"

#include <stdlib.h>

/* ---- Comments and labels ---- */

enum { COMMENTED, COMMENT, COMMENT_COLUMNS };

static const char *const comment_columns[] = {
    [COMMENTED] = "d.objoid",
    [COMMENT] = "d.description",
};

static const char comment_from[] =
    "FROM pg_catalog.pg_description d\n"
    "WHERE d.classoid = 'pg_catalog.pg_largeobject'::pg_catalog.regclass AND d.objsubid = 0\n"
    "ORDER BY d.objoid";

static bool take_comment(struct catalog *catalog, void *context, const struct catalog_row *row,
                         struct error *err)
{
    (void)context;
    return large_objects_comment(catalog->large_objects, row_oid(row, COMMENTED),
                                 row_text(row, COMMENT), err);
}

static const struct catalog_query comments = {
    .columns = comment_columns,
    .count = COMMENT_COLUMNS,
    .from = comment_from,
    .take = take_comment,
};

enum { LABELLED, PROVIDER, LABEL, LABEL_COLUMNS };

static const char *const label_columns[] = {
    [LABELLED] = "l.objoid",
    [PROVIDER] = "l.provider",
    [LABEL] = "l.label",
};

static const char label_from[] =
    "FROM pg_catalog.pg_seclabel l\n"
    "WHERE l.classoid = 'pg_catalog.pg_largeobject'::pg_catalog.regclass AND l.objsubid = 0\n"
    "ORDER BY l.objoid, l.provider";

static bool take_label(struct catalog *catalog, void *context, const struct catalog_row *row,
                       struct error *err)
{
    (void)context;
    return large_objects_label(catalog->large_objects, row_oid(row, LABELLED),
                               row_text(row, PROVIDER), row_text(row, LABEL), err);
}

static const struct catalog_query labels = {
    .columns = label_columns,
    .count = LABEL_COLUMNS,
    .from = label_from,
    .take = take_label,
};

/* ---- Who may read them ---- */

enum { DIRECTLY, FREELY, PAGE_SIZE, RIGHT_COLUMNS };

static const char *const right_columns[] = {
    [DIRECTLY] = "pg_catalog.has_table_privilege('pg_catalog.pg_largeobject', 'SELECT')",
    [FREELY] = "pg_catalog.current_setting('lo_compat_privileges')::pg_catalog.bool",
    [PAGE_SIZE] = "pg_catalog.current_setting('block_size')::pg_catalog.int4 / 4",
};

struct rights {
    bool directly, freely; /* the pages themselves; by functions that ask nothing */
    uint32_t page_size;
};

static bool take_rights(struct catalog *catalog, void *context, const struct catalog_row *row,
                        struct error *err)
{
    struct rights *rights = context;

    (void)catalog;
    (void)err;
    rights->directly = row_flag(row, DIRECTLY);
    rights->freely = row_flag(row, FREELY);
    rights->page_size = (uint32_t)row_number(row, PAGE_SIZE);
    return true;
}

static const struct catalog_query rights_query = {
    .columns = right_columns,
    .count = RIGHT_COLUMNS,
    .from = "",
    .take = take_rights,
};

enum { HIDDEN, HIDDEN_OID, ROLE, HIDDEN_COLUMNS };

static const char *const hidden_columns[] = {
    [HIDDEN] = "pg_catalog.sum(m.number)",
    [HIDDEN_OID] = "pg_catalog.min(m.first)",
    [ROLE] = "pg_catalog.quote_ident(CURRENT_USER)",
};

/* Privileges are looked at once for all that have the same. The owner may read it as long as nobody
 * took that away. */
static const char hidden_from[] =
    "FROM (SELECT pg_catalog.count(*) AS number, pg_catalog.min(o.oid) AS first,\n"
    "             coalesce(o.lomacl, pg_catalog.acldefault('L', o.lomowner)) AS acl\n"
    "        FROM pg_catalog.pg_largeobject_metadata o GROUP BY o.lomowner, o.lomacl) m\n"
    "WHERE NOT EXISTS\n"
    "      (SELECT FROM pg_catalog.aclexplode(m.acl) a\n"
    "        WHERE a.privilege_type = 'SELECT'\n"
    "          AND (a.grantee = 0 OR pg_catalog.pg_has_role(a.grantee, 'USAGE')))";

static bool take_hidden(struct catalog *catalog, void *context, const struct catalog_row *row,
                        struct error *err)
{
    int64_t count = row_number(row, HIDDEN);
    const char *role = row_text(row, ROLE);

    (void)context;
    if (count == 0)
        return true;
    error_set(err, ERROR_SERVER, "permission denied for large object %s",
              row_text(row, HIDDEN_OID));
    error_reason(err, "permission_denied");
    if (count > 1)
        error_detail(err, "There are %lld such.", (long long)count);
    if (catalog_server_major(catalog) >= 14)
        return error_hint(err,
                          "GRANT SELECT ON LARGE OBJECT %s TO %s;  or for all of them: "
                          "GRANT pg_read_all_data TO %s;",
                          row_text(row, HIDDEN_OID), role, role);
    return error_hint(err,
                      "GRANT SELECT ON LARGE OBJECT %s TO %s;  or for all of them, as a "
                      "superuser: GRANT SELECT ON pg_catalog.pg_largeobject TO %s;",
                      row_text(row, HIDDEN_OID), role, role);
}

static const struct catalog_query hidden_query = {
    .columns = hidden_columns,
    .count = HIDDEN_COLUMNS,
    .from = hidden_from,
    .take = take_hidden,
};

/* What would keep one from being read is told now, and not hours later. */
static bool check_rights(struct catalog *catalog, struct error *err)
{
    struct rights rights = {0};

    if (!catalog_ask(catalog, &rights_query, &rights, err))
        return false;
    large_objects_read_by(catalog->large_objects, rights.directly, rights.page_size);
    return rights.directly || rights.freely || catalog_ask(catalog, &hidden_query, NULL, err);
}

/* ---- All of them ---- */

enum { OID, OWNER, ACL, USUAL, COLUMNS };

static const char *const columns[] = {
    [OID] = "m.oid",
    [OWNER] = COLUMN_ROLE("m.lomowner"),
    [ACL] = "m.lomacl",
    [USUAL] = "CASE WHEN m.lomacl IS NOT NULL\n"
              "            THEN " COLUMN_ACL_USUAL("L", "m.lomowner") " END",
};

static const char from[] = "FROM pg_catalog.pg_largeobject_metadata m\n"
                           "ORDER BY m.oid";

static bool check_owner(const char *oid, const char *owner, struct error *err)
{
    if (strncmp(owner, "unknown (OID=", 13) != 0)
        return true;
    error_set(err, ERROR_UNSUPPORTED, "large object %s has an owner that is no role: %s", oid,
              owner);
    return error_hint(err, "Give it to a role: ALTER LARGE OBJECT %s OWNER TO …;", oid);
}

static bool take_object(struct catalog *catalog, void *context, const struct catalog_row *row,
                        struct error *err)
{
    (void)context;
    if (catalog->large_objects == NULL)
        catalog->large_objects = large_objects_new(catalog, err);
    return catalog->large_objects != NULL &&
           check_owner(row_text(row, OID), row_text(row, OWNER), err) &&
           large_objects_add(catalog->large_objects, row_oid(row, OID), row_text(row, OWNER),
                             row_text_or_null(row, ACL), row_text_or_null(row, USUAL), err);
}

static const struct catalog_query large_objects = {
    .columns = columns,
    .count = COLUMNS,
    .from = from,
    .take = take_object,
};

static bool read_objects(struct catalog *catalog, struct error *err)
{
    if (!catalog_wants_large_objects(catalog))
        return true;
    return catalog_ask(catalog, &large_objects, NULL, err) &&
           (catalog->large_objects == NULL ||
            (check_rights(catalog, err) && catalog_ask(catalog, &comments, NULL, err) &&
             catalog_ask(catalog, &labels, NULL, err)));
}

static bool link_objects(struct catalog *catalog, struct error *err)
{
    return catalog->large_objects == NULL || large_objects_settle(catalog->large_objects, err);
}

const struct catalog_step catalog_step_large_object = {
    .what = "large objects",
    .order = READ_DATA,
    .read = read_objects,
    .link = link_objects,
};
