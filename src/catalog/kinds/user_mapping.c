/* User mappings: as whom a role comes to a foreign server. Their options hold passwords, so they go
 * into the archive and nowhere else.
 *
 * Who may not read the catalog itself asks its view, as pg_dump always does. That shows options to
 * superusers, to whom the mapping is for, and those of PUBLIC to the server's owner; what it hides
 * looks like what has none. So whether it hides is asked as well, by the condition that it goes by.
 */
#include "catalog/kind.h"

#include "catalog/columns.h"

static const struct catalog_kind kind_user_mapping = {
    .desc = "USER MAPPING",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_FOREIGN,
};

enum { OID, USER, SERVER, SERVER_OID, OWNER, OPTIONS, HIDDEN, COLUMNS };

/* The role's own name is of now, all else of the snapshot, where that may be another one. */
#define HIDDEN_BY_VIEW                                                                             \
    "m.umoptions IS NULL AND r.rolsuper IS NOT TRUE AND NOT\n"                                     \
    "       CASE WHEN m.umuser = 0 THEN pg_catalog.pg_has_role(s.srvowner, 'USAGE')\n"             \
    "            ELSE m.usename = CURRENT_USER AND\n"                                              \
    "                 (pg_catalog.pg_has_role(s.srvowner, 'USAGE') OR\n"                           \
    "                  pg_catalog.has_server_privilege(s.oid, 'USAGE')) END"

#define SHOWN_COLUMNS                                                                              \
    [OID] = "m.umid", [USER] = "m.usename", [SERVER] = "m.srvname", [SERVER_OID] = "m.srvid",      \
    [OWNER] = COLUMN_ROLE("s.srvowner"), [OPTIONS] = COLUMN_FOREIGN_OPTIONS("m.umoptions")

static const char *const columns[] = {SHOWN_COLUMNS, [HIDDEN] = "false"};
static const char *const view_columns[] = {SHOWN_COLUMNS, [HIDDEN] = HIDDEN_BY_VIEW};

#define ORDERED "ORDER BY m.srvname, m.usename, m.umid"

static const char from[] =
    "FROM (SELECT u.oid AS umid, u.umserver AS srvid, f.srvname, u.umoptions,\n"
    "             CASE WHEN u.umuser = 0 THEN 'public' ELSE a.rolname END AS usename\n"
    "        FROM pg_catalog.pg_user_mapping u\n"
    "        LEFT JOIN pg_catalog.pg_foreign_server f ON f.oid = u.umserver\n"
    "        LEFT JOIN pg_catalog.pg_roles a ON a.oid = u.umuser) m\n"
    "LEFT JOIN pg_catalog.pg_foreign_server s ON s.oid = m.srvid\n" ORDERED;

static const char view_from[] =
    "FROM pg_catalog.pg_user_mappings m\n"
    "JOIN pg_catalog.pg_foreign_server s ON s.oid = m.srvid\n"
    "LEFT JOIN pg_catalog.pg_roles r ON r.rolname = CURRENT_USER\n" ORDERED;

/* What was hidden, for one warning about all. */
struct reading {
    size_t hidden;
    const struct catalog_object *first;
};

/* "FOR u SERVER s", and how an archive lists it. */
static struct catalog_object *add(struct catalog *catalog, const struct catalog_row *row,
                                  struct error *err)
{
    struct sql tag = {.err = err}, identity = {.err = err};
    struct catalog_object *object = NULL;
    bool done;

    sql_clause(&tag, "USER MAPPING ", row_text(row, USER), " SERVER ");
    sql_add(&tag, row_text(row, SERVER));
    sql_add(&identity, "FOR ");
    sql_name(&identity, row_text(row, USER));
    sql_add(&identity, " SERVER ");
    sql_name(&identity, row_text(row, SERVER));
    if (!tag.failed && !identity.failed)
        object = catalog_add(catalog, &kind_user_mapping, CLASS_USER_MAPPING, row_oid(row, OID),
                             NULL, sql_text(&tag), row_text(row, OWNER), err);
    done = object != NULL && catalog_set_identity(catalog, object, sql_text(&identity), err);
    sql_end(&tag);
    sql_end(&identity);
    return done ? object : NULL;
}

/* Mappings are no members of extensions, not even those that the script of one makes beside a
 * server of its own. That is made again with the server, and has to give way. */
static bool server_is_a_members(const struct catalog *catalog, const struct catalog_row *row)
{
    const struct catalog_object *server =
        catalog_find(catalog, CLASS_FOREIGN_SERVER, row_oid(row, SERVER_OID));

    return server != NULL && server->class_oid == CLASS_EXTENSION;
}

static bool take_mapping(struct catalog *catalog, void *context, const struct catalog_row *row,
                         struct error *err)
{
    struct reading *reading = context;
    struct catalog_object *object;
    struct sql sql = {.err = err};

    if (row_text_or_null(row, SERVER) == NULL) {
        error_set(err, ERROR_UNSUPPORTED,
                  "USER MAPPING with OID %s has the server with OID %s, which is not there",
                  row_text(row, OID), row_text(row, SERVER_OID));
        return error_hint(err, "The server's catalogs are damaged there; postgres+bin:// backs "
                               "the cluster up physically, as it is.");
    }
    object = add(catalog, row, err);
    if (object == NULL)
        return false;
    if (row_flag(row, HIDDEN) && reading->hidden++ == 0)
        reading->first = object;
    if (server_is_a_members(catalog, row))
        sql_printf(&sql, "DROP USER MAPPING IF EXISTS %s;\n", object->identity);
    sql_printf(&sql, "CREATE USER MAPPING %s", object->identity);
    sql_clause(&sql, " OPTIONS (\n    ", row_text_or_null(row, OPTIONS), "\n)");
    sql_add(&sql, ";\n");
    return sql_put(&sql, catalog, &object->definition);
}

static const struct catalog_query mappings = {
    .columns = columns, .count = COLUMNS, .from = from, .take = take_mapping};

static const struct catalog_query shown_mappings = {
    .columns = view_columns, .count = COLUMNS, .from = view_from, .take = take_mapping};

/* ---- Which of the two ---- */

enum { READABLE, ROLE, READABLE_COLUMNS };

static const char *const readable_columns[] = {
    [READABLE] = "pg_catalog.has_table_privilege('pg_catalog.pg_user_mapping', 'SELECT')",
    [ROLE] = "pg_catalog.quote_ident(CURRENT_USER)",
};

struct access {
    bool whole;
    const char *role;
};

static bool take_access(struct catalog *catalog, void *context, const struct catalog_row *row,
                        struct error *err)
{
    struct access *access = context;

    access->whole = row_flag(row, READABLE);
    access->role = arena_copy(catalog_arena(catalog), row_text(row, ROLE), err);
    return access->role != NULL;
}

static const struct catalog_query readable_query = {
    .columns = readable_columns, .count = READABLE_COLUMNS, .from = "", .take = take_access};

static bool read_mappings(struct catalog *catalog, struct error *err)
{
    struct reading reading = {0};
    struct access access = {0};

    if (catalog_options(catalog)->data_only)
        return true; /* nobody asked for what may not be read */
    if (!catalog_ask(catalog, &readable_query, &access, err) ||
        !catalog_ask(catalog, access.whole ? &mappings : &shown_mappings, &reading, err))
        return false;
    return reading.hidden == 0 ||
           catalog_leave_out(
               catalog, err,
               "options of %zu user mapping%s may not be read by this role, and are "
               "left out, passwords too: GRANT SELECT ON pg_catalog.pg_user_mapping "
               "TO %s; or set them after a restore: ALTER USER MAPPING %s OPTIONS (…)",
               reading.hidden, reading.hidden == 1 ? "" : "s", access.role,
               reading.first->identity);
}

const struct catalog_step catalog_step_user_mapping = {
    .what = "user mappings",
    .whole_only = true,
    .order = READ_BEFORE_RELATIONS,
    .read = read_mappings,
};
