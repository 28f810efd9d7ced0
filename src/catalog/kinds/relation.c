/* Tables, foreign tables, views, materialized views and sequences as such: what pg_class says of
 * them, and the locks that keep the tables as they are (LOCK takes no foreign ones). Columns,
 * constraints and so on are read by other files. */
#include "catalog/relation.h"

#include "catalog/columns.h"
#include "catalog/table_locks.h"
#include "wire/stored_options.h"

enum {
    OID,
    SCHEMA,
    NAME,
    OWNER,
    RELKIND,
    PERSISTENCE,
    NOT_HERE,
    REPLICA_IDENTITY,
    IS_PARTITION,
    ROW_SECURITY,
    FORCE_ROW_SECURITY,
    POPULATED,
    TABLESPACE,
    ACCESS_METHOD,
    OPTIONS,
    CHECK_OPTION,
    OF_TYPE,
    ROW_TYPE,
    ARRAY_TYPE,
    ACL,
    ACL_USUAL,
    COLUMNS
};

/* Options of the table and, as toast.…, of its toast table. A view's check_option is written behind
 * its query instead. */
#define STORAGE_OPTIONS                                                                            \
    "(SELECT pg_catalog.string_agg(p || " OPTION_QUOTED ", ', ')\n"                                \
    "   FROM (SELECT '' AS p, x AS o FROM pg_catalog.unnest(c.reloptions) x\n"                     \
    "         UNION ALL\n"                                                                         \
    "         SELECT 'toast.', x FROM pg_catalog.unnest(tc.reloptions) x) r\n"                     \
    "  WHERE o NOT LIKE 'check_option=%' AND " SQL_USER_STORAGE_OPTION ")"

static const struct version_difference differences[] = {
    /* An access method of a partitioned table is for its partitions to come */
    {"partitioned_has_am", 0, "false"},
    {"partitioned_has_am", 17, "c.relkind = 'p'"},
    {0},
};

static const char *const columns[] = {
    [OID] = "c.oid",
    [SCHEMA] = "n.nspname",
    [NAME] = "c.relname",
    [OWNER] = COLUMN_ROLE("c.relowner"),
    [RELKIND] = "c.relkind",
    [PERSISTENCE] = "c.relpersistence",
    [NOT_HERE] = "c.relpersistence = 'u' AND pg_catalog.pg_is_in_recovery()",
    [REPLICA_IDENTITY] = "c.relreplident",
    [IS_PARTITION] = "c.relispartition",
    [ROW_SECURITY] = "c.relrowsecurity",
    [FORCE_ROW_SECURITY] = "c.relforcerowsecurity",
    [POPULATED] = "c.relispopulated",
    [TABLESPACE] = "coalesce(s.spcname, '')",
    [ACCESS_METHOD] = "CASE WHEN c.relkind IN ('r', 'm') OR {partitioned_has_am}\n"
                      "            THEN am.amname END",
    [OPTIONS] = STORAGE_OPTIONS,
    [CHECK_OPTION] = "(SELECT pg_catalog.upper(pg_catalog.substr(o, 14))\n"
                     "   FROM pg_catalog.unnest(c.reloptions) o WHERE o LIKE 'check_option=%')",
    [OF_TYPE] = "CASE WHEN c.reloftype <> 0\n"
                "            THEN pg_catalog.format_type(c.reloftype, NULL) END",
    [ROW_TYPE] = "c.reltype",
    [ARRAY_TYPE] = "t.typarray",
    [ACL] = "c.relacl",
    [ACL_USUAL] = "pg_catalog.acldefault(CASE WHEN c.relkind = 'S' THEN 's' ELSE 'r' END\n"
                  "                               ::\"char\", c.relowner)",
};

static const char from[] = "FROM pg_catalog.pg_class c\n"
                           "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace\n"
                           "LEFT JOIN pg_catalog.pg_class tc ON tc.oid = c.reltoastrelid\n"
                           "LEFT JOIN pg_catalog.pg_tablespace s ON s.oid = c.reltablespace\n"
                           "LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam\n"
                           "LEFT JOIN pg_catalog.pg_type t ON t.oid = c.reltype\n"
                           "WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')\n"
                           "  AND " OF_WANTED_RELATION "\n"
                           "ORDER BY n.nspname, c.relname";

static const struct catalog_kind *kind_of(char relkind)
{
    switch (relkind) {
    case 'v':
        return &kind_view;
    case 'm':
        return &kind_materialized_view;
    case 'S':
        return &kind_sequence;
    case 'f':
        return &kind_foreign_table;
    default:
        return &kind_table;
    }
}

/* A row type and its array stand for the relation wherever something depends on them. */
static bool alias_types(struct catalog *catalog, struct catalog_object *object,
                        const struct catalog_row *row, struct error *err)
{
    return catalog_alias(catalog, CLASS_TYPE, row_oid(row, ROW_TYPE), object, err) &&
           catalog_alias(catalog, CLASS_TYPE, row_oid(row, ARRAY_TYPE), object, err);
}

static bool fill_relation(struct catalog *catalog, struct catalog_object *object,
                          const struct catalog_row *row, struct error *err)
{
    struct arena *arena = catalog_arena(catalog);
    struct relation *relation = arena_take(arena, sizeof(*relation), err);
    bool has_storage = strchr("rpm", row_char(row, RELKIND)) != NULL;

    if (relation == NULL)
        return false;
    error_clear(err); /* copies of NULL are NULL without being failures */
    relation->object = object;
    relation->relkind = row_char(row, RELKIND);
    relation->persistence = row_char(row, PERSISTENCE);
    relation->replica_identity = row_char(row, REPLICA_IDENTITY);
    relation->is_partition = row_flag(row, IS_PARTITION);
    relation->row_security = row_flag(row, ROW_SECURITY);
    relation->force_row_security = row_flag(row, FORCE_ROW_SECURITY);
    relation->not_here = row_flag(row, NOT_HERE);
    relation->populated = row_flag(row, POPULATED);
    relation->reloptions = arena_copy(arena, row_text_or_null(row, OPTIONS), err);
    relation->check_option = arena_copy(arena, row_text_or_null(row, CHECK_OPTION), err);
    relation->of_type = arena_copy(arena, row_text_or_null(row, OF_TYPE), err);
    object->detail = relation;
    object->relkind = relation->relkind == 'S' ? '\0' : relation->relkind;
    object->access_method = arena_copy(arena, row_text_or_null(row, ACCESS_METHOD), err);
    object->tablespace = has_storage ? arena_copy(arena, row_text(row, TABLESPACE), err) : NULL;
    return err->code == ERROR_NONE;
}

static bool add_privileges(struct catalog *catalog, struct catalog_object *object,
                           const struct catalog_row *row, struct error *err)
{
    bool sequence = row_char(row, RELKIND) == 'S';
    struct privileges privileges = {
        .acl = row_text_or_null(row, ACL),
        .usual = row_text_or_null(row, ACL_USUAL),
        .on = sequence ? "SEQUENCE" : "TABLE",
        .type = sequence ? 's' : 'r',
    };

    return privileges_add(catalog, object, &privileges, err);
}

static bool take_relation(struct catalog *catalog, void *context, const struct catalog_row *row,
                          struct error *err)
{
    struct catalog_object *object;

    (void)context;
    if (catalog_find(catalog, CLASS_RELATION, row_oid(row, OID)) != NULL)
        return true; /* an extension's */
    object =
        catalog_add(catalog, kind_of(row_char(row, RELKIND)), CLASS_RELATION, row_oid(row, OID),
                    row_text(row, SCHEMA), row_text(row, NAME), row_text(row, OWNER), err);
    return object != NULL && alias_types(catalog, object, row, err) &&
           fill_relation(catalog, object, row, err) && add_privileges(catalog, object, row, err);
}

static const struct catalog_query relations = {
    .columns = columns,
    .count = COLUMNS,
    .from = from,
    .take = take_relation,
    .differences = differences,
};

static bool is_table(const struct catalog_object *object)
{
    const struct relation *relation = relation_of(object);

    return relation != NULL && strchr("rp", relation->relkind) != NULL;
}

static bool lock_tables(struct catalog *catalog, struct error *err)
{
    return table_locks_take(catalog, is_table, err);
}

const struct catalog_step catalog_step_relation = {
    .what = "relations",
    .order = READ_RELATIONS,
    .query = &relations,
    .read = lock_tables,
};
