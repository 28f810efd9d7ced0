/* Tables, views, materialized views and sequences as such: what pg_class says of them, and the
 * locks that keep the tables as they are. Columns, constraints and so on are read by other files.
 */
#include "catalog/relation.h"

#include "catalog/table_locks.h"
#include "wire/stored_options.h"

static const struct catalog_kind kind_table = {
    .desc = "TABLE",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_RELATION,
    .write = table_write,
};

static const struct catalog_kind kind_view = {
    .desc = "VIEW",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_RELATION,
    .write = view_write,
};

static const struct catalog_kind kind_materialized_view = {
    .desc = "MATERIALIZED VIEW",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_RELATION,
    .may_postpone = true,
    .write = view_write,
};

static const struct catalog_kind kind_sequence = {
    .desc = "SEQUENCE",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_RELATION,
    .write = sequence_write,
};

static const struct catalog_kind *kind_of(char relkind)
{
    switch (relkind) {
    case 'v':
        return &kind_view;
    case 'm':
        return &kind_materialized_view;
    case 'S':
        return &kind_sequence;
    default:
        return &kind_table;
    }
}

struct relation *relation_of(const struct catalog_object *object)
{
    const struct catalog_kind *kind = object->kind;

    return kind == &kind_table || kind == &kind_view || kind == &kind_materialized_view ||
                   kind == &kind_sequence
               ? object->detail
               : NULL;
}

struct relation *relation_find(const struct catalog *catalog, uint32_t oid)
{
    const struct catalog_object *object = catalog_find(catalog, CLASS_RELATION, oid);

    return object == NULL || object->oid != oid ? NULL : relation_of(object);
}

struct column *relation_column(const struct relation *relation, int16_t number)
{
    for (size_t i = 0; i < relation->column_count; i++) {
        if (relation->columns[i].number == number)
            return &relation->columns[i];
    }
    return NULL;
}

/* ---- Reading ---- */

enum {
    OID,
    SCHEMA,
    NAME,
    OWNER,
    RELKIND,
    PERSISTENCE,
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
    struct relation *relation = arena_take(catalog_arena(catalog), sizeof(*relation), err);
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
    relation->populated = row_flag(row, POPULATED);
    relation->reloptions = arena_copy(catalog_arena(catalog), row_text_or_null(row, OPTIONS), err);
    relation->check_option =
        arena_copy(catalog_arena(catalog), row_text_or_null(row, CHECK_OPTION), err);
    relation->of_type = arena_copy(catalog_arena(catalog), row_text_or_null(row, OF_TYPE), err);
    object->detail = relation;
    object->relkind = relation->relkind == 'S' ? '\0' : relation->relkind;
    object->access_method =
        arena_copy(catalog_arena(catalog), row_text_or_null(row, ACCESS_METHOD), err);
    object->tablespace =
        has_storage ? arena_copy(catalog_arena(catalog), row_text(row, TABLESPACE), err) : NULL;
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

static bool is_table(const struct catalog_object *object)
{
    const struct relation *relation = relation_of(object);

    return relation != NULL && strchr("rp", relation->relkind) != NULL;
}

static bool read_relations(struct catalog *catalog, struct error *err)
{
    /* Options of the table and, as toast.…, of its toast table. A view's check_option is written
     * behind its query instead. */
    static const char query[] =
        "SELECT c.oid, n.nspname, c.relname, pg_catalog.pg_get_userbyid(c.relowner), "
        "       c.relkind, c.relpersistence, c.relreplident, c.relispartition, "
        "       c.relrowsecurity, c.relforcerowsecurity, c.relispopulated, "
        "       coalesce(s.spcname, ''), "
        "       CASE WHEN c.relkind IN ('r', 'm') OR {partitioned_has_am} THEN am.amname END, "
        "       (SELECT pg_catalog.string_agg("
        "                 p || pg_catalog.quote_ident(pg_catalog.split_part(o, '=', 1)) || '=' || "
        "                 pg_catalog.quote_literal("
        "                   pg_catalog.substr(o, pg_catalog.strpos(o, '=') + 1)), ', ') "
        "          FROM (SELECT '' AS p, x AS o FROM pg_catalog.unnest(c.reloptions) x "
        "                UNION ALL "
        "                SELECT 'toast.', x FROM pg_catalog.unnest(tc.reloptions) x) r "
        "         WHERE o NOT LIKE 'check_option=%' AND " SQL_USER_STORAGE_OPTION "), "
        "       (SELECT pg_catalog.upper(pg_catalog.substr(o, 14)) "
        "          FROM pg_catalog.unnest(c.reloptions) o WHERE o LIKE 'check_option=%'), "
        "       CASE WHEN c.reloftype <> 0 "
        "            THEN pg_catalog.format_type(c.reloftype, NULL) END, "
        "       c.reltype, t.typarray, c.relacl, "
        "       pg_catalog.acldefault(CASE WHEN c.relkind = 'S' THEN 's' ELSE 'r' END::\"char\", "
        "                             c.relowner) "
        "  FROM pg_catalog.pg_class c "
        "  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        "  LEFT JOIN pg_catalog.pg_class tc ON tc.oid = c.reltoastrelid "
        "  LEFT JOIN pg_catalog.pg_tablespace s ON s.oid = c.reltablespace "
        "  LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam "
        "  LEFT JOIN pg_catalog.pg_type t ON t.oid = c.reltype "
        " WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S') "
        "   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' "
        " ORDER BY n.nspname, c.relname";

    return catalog_query(catalog, query, COLUMNS, take_relation, NULL, err) &&
           table_locks_take(catalog, is_table, err);
}

const struct catalog_step catalog_step_relation = {
    .what = "relations",
    .order = READ_RELATIONS,
    .read = read_relations,
};
