/* Sequences: how they count, whose they are, and where they stand. The sequence of an identity
 * column is made by the statement that makes the column one. */
#include "catalog/relation.h"

#include "catalog/columns.h"

#include <inttypes.h>

static void write_sequence(struct catalog *catalog, const struct catalog_object *object,
                           struct archive_entry *entry, struct sql *sql);

const struct catalog_kind kind_sequence = {
    .desc = "SEQUENCE",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_RELATION,
    .detail = DETAIL_RELATION,
    .write = write_sequence,
};

static const struct catalog_kind kind_owned_by = {
    .desc = "SEQUENCE OWNED BY",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_OWNED_BY,
    .no_drop = true,
};

static const struct catalog_kind kind_sequence_set = {
    .desc = "SEQUENCE SET",
    .content = CONTENT_DATA,
    .section = SECTION_DATA,
    .priority = PRIORITY_SEQUENCE_SET,
    .no_drop = true,
};

enum {
    OID,
    TYPE,
    START,
    INCREMENT,
    MINIMUM, /* null: the type's for that direction */
    MAXIMUM,
    CACHE,
    CYCLE,
    OWNER_TABLE,
    OWNER_COLUMN,
    DEPENDENCY, /* 'a': owned; 'i': of an identity column */
    COLUMNS
};

static const char *const columns[] = {
    [OID] = "s.seqrelid",
    [TYPE] = "pg_catalog.format_type(s.seqtypid, NULL)",
    [START] = "s.seqstart",
    [INCREMENT] = "s.seqincrement",
    [MINIMUM] = "CASE WHEN s.seqmin IS DISTINCT FROM\n"
                "                 CASE WHEN s.seqincrement > 0 THEN 1 ELSE l.lowest END\n"
                "            THEN s.seqmin END",
    [MAXIMUM] = "CASE WHEN s.seqmax IS DISTINCT FROM\n"
                "                 CASE WHEN s.seqincrement > 0 THEN l.highest ELSE -1 END\n"
                "            THEN s.seqmax END",
    [CACHE] = "s.seqcache",
    [CYCLE] = "s.seqcycle",
    [OWNER_TABLE] = "d.refobjid",
    [OWNER_COLUMN] = "d.refobjsubid",
    [DEPENDENCY] = "d.deptype",
};

static const char from[] =
    "FROM pg_catalog.pg_sequence s\n"
    "JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid\n"
    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace\n"
    "JOIN (VALUES (21, -32768, 32767), (23, -2147483648, 2147483647),\n"
    "             (20, -9223372036854775808, 9223372036854775807))\n"
    "     AS l (type, lowest, highest) ON l.type = s.seqtypid\n"
    "LEFT JOIN pg_catalog.pg_depend d\n"
    "  ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = s.seqrelid\n"
    " AND d.objsubid = 0 AND d.deptype IN ('a', 'i')\n"
    " AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass\n"
    " AND d.refobjsubid > 0\n"
    "WHERE " OF_WANTED_RELATION "\n"
    "ORDER BY s.seqrelid";

#define POSITIONS_MAX ((size_t)32 * 1024) /* bytes of one statement that asks for positions */

/* ---- How they count ---- */

static void add_bound(struct sql *sql, const char *word, const char *value)
{
    if (value == NULL)
        sql_printf(sql, "\n    NO %s", word);
    else
        sql_printf(sql, "\n    %s %s", word, value);
}

static void add_counting(const struct catalog_row *row, struct sql *sql)
{
    sql_printf(sql, "\n    START WITH %s", row_text(row, START));
    sql_printf(sql, "\n    INCREMENT BY %s", row_text(row, INCREMENT));
    add_bound(sql, "MINVALUE", row_text_or_null(row, MINIMUM));
    add_bound(sql, "MAXVALUE", row_text_or_null(row, MAXIMUM));
    sql_printf(sql, "\n    CACHE %s", row_text(row, CACHE));
    if (row_flag(row, CYCLE))
        sql_add(sql, "\n    CYCLE");
}

static void add_plain(const struct relation *relation, const struct catalog_row *row,
                      struct sql *sql)
{
    const char *type = row_text(row, TYPE);

    sql_printf(sql, "CREATE %sSEQUENCE %s", relation->persistence == 'u' ? "UNLOGGED " : "",
               relation->object->identity);
    if (strcmp(type, "bigint") != 0)
        sql_printf(sql, "\n    AS %s", type);
    add_counting(row, sql);
    sql_add(sql, ";\n");
}

/* Up to 14 a sequence is always logged, that of an unlogged table as well, and cannot be told. */
static void add_identity(struct catalog *catalog, const struct relation *relation,
                         const struct relation *table, const struct column *column,
                         const struct catalog_row *row, struct sql *sql)
{
    const char *identity = relation->object->identity;

    sql_printf(sql, "ALTER TABLE %s ALTER COLUMN ", table->object->identity);
    sql_name(sql, column->name);
    sql_printf(sql, " ADD GENERATED %s AS IDENTITY (\n    SEQUENCE NAME %s",
               column->identity == 'a' ? "ALWAYS" : "BY DEFAULT", identity);
    add_counting(row, sql);
    sql_add(sql, "\n);\n");
    if (relation->persistence != table->persistence && catalog_server_major(catalog) >= 15)
        sql_printf(sql, "ALTER SEQUENCE %s SET %s;\n", identity,
                   relation->persistence == 'u' ? "UNLOGGED" : "LOGGED");
}

static bool add_owned_by(struct catalog *catalog, const struct relation *sequence,
                         const struct relation *table, const struct column *column,
                         struct error *err)
{
    const struct catalog_object *owned = sequence->object;
    struct catalog_object *object =
        catalog_add(catalog, &kind_owned_by, 0, 0, owned->schema, owned->name, owned->owner, err);
    struct sql sql = {.err = err};

    if (object == NULL || !catalog_depend(catalog, object, owned, err) ||
        !catalog_depend(catalog, object, table->object, err))
        return false;
    sql_printf(&sql, "ALTER SEQUENCE %s OWNED BY %s.", owned->identity, table->object->identity);
    sql_name(&sql, column->name);
    sql_add(&sql, ";\n");
    return sql_put(&sql, catalog, &object->definition);
}

static bool take_sequence(struct catalog *catalog, void *context, const struct catalog_row *row,
                          struct error *err)
{
    struct relation *sequence = relation_find(catalog, row_oid(row, OID));
    struct relation *table = relation_find(catalog, row_oid(row, OWNER_TABLE));
    char dependency = row_char(row, DEPENDENCY);
    const struct column *column =
        table == NULL ? NULL : relation_column(table, (int16_t)row_number(row, OWNER_COLUMN));
    struct sql sql = {.err = err};

    (void)context;
    if (sequence == NULL)
        return true;
    if (dependency == 'i' && column != NULL) {
        sequence->object->empty_drop = true; /* it goes with its column, and so does its owner */
        add_identity(catalog, sequence, table, column, row, &sql);
    } else {
        add_plain(sequence, row, &sql);
    }
    return sql_put(&sql, catalog, &sequence->object->definition) &&
           (dependency != 'a' || column == NULL ||
            add_owned_by(catalog, sequence, table, column, err));
}

static const struct catalog_query sequences = {
    .columns = columns, .count = COLUMNS, .from = from, .take = take_sequence};

static void write_sequence(struct catalog *catalog, const struct catalog_object *object,
                           struct archive_entry *entry, struct sql *sql)
{
    (void)entry;
    sql_stored(sql, catalog, object->definition);
}

/* ---- Where they stand ---- */

static bool take_position(struct catalog *catalog, void *context, const struct catalog_row *row,
                          struct error *err)
{
    enum { RELATION, LAST_VALUE, IS_CALLED };
    struct relation *sequence = relation_find(catalog, row_oid(row, RELATION));
    const struct catalog_object *set = sequence == NULL ? NULL : sequence->object;
    struct catalog_object *object;
    struct sql sql = {.err = err};

    (void)context;
    if (sequence == NULL)
        return error_set(err, ERROR_PROTOCOL, "the server tells of a sequence nobody asked for");
    object =
        catalog_add(catalog, &kind_sequence_set, 0, 0, set->schema, set->name, set->owner, err);
    if (object == NULL || !catalog_depend(catalog, object, set, err))
        return false;
    object->oid = set->oid;
    sequence->data = object;
    sql_add(&sql, "SELECT pg_catalog.setval(");
    sql_literal(&sql, set->identity);
    sql_printf(&sql, ", %s, %s);\n", row_text(row, LAST_VALUE),
               row_flag(row, IS_CALLED) ? "true" : "false");
    return sql_put(&sql, catalog, &object->definition);
}

static bool ask_positions(struct catalog *catalog, struct sql *sql, struct error *err)
{
    bool done =
        !sql->failed && (sql->text.len == 0 ||
                         catalog_ask_text(catalog, sql_text(sql), 3, take_position, NULL, err) ||
                         error_prefix(err, "cannot read where the sequences stand"));

    buffer_clear(&sql->text);
    return done;
}

/* pg_dump leaves them out there, too. */
static bool leave_out(struct catalog *catalog, size_t count, const struct catalog_object *first,
                      struct error *err)
{
    return count == 0 ||
           catalog_leave_out(catalog, err,
                             "the position%s of %zu unlogged sequence%s left out, since a standby "
                             "has none of them: %s%s",
                             count == 1 ? "" : "s", count, count == 1 ? " is" : "s are",
                             first->identity, count == 1 ? "" : ", …");
}

/* Each sequence is a relation of its own with one row: many are asked for in one statement. */
static bool read_positions(struct catalog *catalog, struct error *err)
{
    size_t count = catalog_object_count(catalog), left_out = 0;
    const struct catalog_object *first = NULL;
    struct sql sql = {.err = err};
    bool done = true;

    for (size_t i = 0; done && i < count; i++) {
        const struct catalog_object *object = catalog_object_at(catalog, i);
        const struct relation *relation = relation_of(object);

        if (relation == NULL || relation->relkind != 'S' ||
            !catalog_wants_rows(catalog, object->oid, relation->persistence == 'u'))
            continue;
        if (relation->not_here) {
            first = left_out++ == 0 ? object : first;
            continue;
        }
        sql_printf(&sql, "%sSELECT %" PRIu32 ", last_value, is_called FROM %s",
                   sql.text.len == 0 ? "" : "\nUNION ALL ", object->oid, object->identity);
        done = sql.text.len < POSITIONS_MAX || ask_positions(catalog, &sql, err);
    }
    done = done && ask_positions(catalog, &sql, err) && leave_out(catalog, left_out, first, err);
    return sql_end(&sql) && done;
}

const struct catalog_step catalog_step_sequence = {
    .what = "sequences",
    .order = READ_OF_TABLES + 2, /* after the columns that own them */
    .query = &sequences,
    .read = read_positions,
};
