/* Sequences: how they count, whose they are, and where they stand. The sequence of an identity
 * column is made by the statement that makes the column one. */
#include "catalog/relation.h"

#include <inttypes.h>

static const struct catalog_kind kind_owned_by = {
    .desc = "SEQUENCE OWNED BY",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_OWNED_BY,
    .no_drop = true,
};

static const struct catalog_kind kind_sequence_set = {
    .desc = "SEQUENCE SET",
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

#define POSITIONS_MAX ((size_t)32 * 1024) /* bytes of one statement that asks for positions */

static bool append_bound(struct buffer *text, const char *word, const char *value,
                         struct error *err)
{
    return value == NULL ? buffer_printf(text, err, "\n    NO %s", word)
                         : buffer_printf(text, err, "\n    %s %s", word, value);
}

static bool append_counting(const struct catalog_row *row, struct buffer *text, struct error *err)
{
    return buffer_printf(text, err, "\n    START WITH %s\n    INCREMENT BY %s",
                         row_text(row, START), row_text(row, INCREMENT)) &&
           append_bound(text, "MINVALUE", row_text_or_null(row, MINIMUM), err) &&
           append_bound(text, "MAXVALUE", row_text_or_null(row, MAXIMUM), err) &&
           buffer_printf(text, err, "\n    CACHE %s%s", row_text(row, CACHE),
                         row_flag(row, CYCLE) ? "\n    CYCLE" : "");
}

static bool append_plain(const struct relation *relation, const struct catalog_row *row,
                         struct buffer *text, struct error *err)
{
    const char *type = row_text(row, TYPE);

    return buffer_printf(text, err, "CREATE %sSEQUENCE %s",
                         relation->persistence == 'u' ? "UNLOGGED " : "",
                         relation->object->identity) &&
           (strcmp(type, "bigint") == 0 || buffer_printf(text, err, "\n    AS %s", type)) &&
           append_counting(row, text, err) && buffer_append_string(text, ";\n", err);
}

/* Up to 14 a sequence is always logged, that of an unlogged table as well, and cannot be told. */
static bool append_identity(struct catalog *catalog, const struct relation *relation,
                            const struct relation *table, const struct column *column,
                            const struct catalog_row *row, struct buffer *text, struct error *err)
{
    const char *identity = relation->object->identity;

    if (!buffer_printf(text, err, "ALTER TABLE %s ALTER COLUMN ", table->object->identity) ||
        !name_append(text, column->name, err) ||
        !buffer_printf(text, err, " ADD GENERATED %s AS IDENTITY (\n    SEQUENCE NAME %s",
                       column->identity == 'a' ? "ALWAYS" : "BY DEFAULT", identity) ||
        !append_counting(row, text, err) || !buffer_append_string(text, "\n);\n", err))
        return false;
    return relation->persistence == table->persistence || catalog_server_major(catalog) < 15 ||
           buffer_printf(text, err, "ALTER SEQUENCE %s SET %s;\n", identity,
                         relation->persistence == 'u' ? "UNLOGGED" : "LOGGED");
}

static bool add_owned_by(struct catalog *catalog, const struct relation *sequence,
                         const struct relation *table, const struct column *column,
                         struct error *err)
{
    const struct catalog_object *owned = sequence->object;
    struct catalog_object *object =
        catalog_add(catalog, &kind_owned_by, 0, 0, owned->schema, owned->name, owned->owner, err);
    struct buffer sql = {0};
    bool done;

    if (object == NULL)
        return false;
    done = buffer_printf(&sql, err, "ALTER SEQUENCE %s OWNED BY %s.", owned->identity,
                         table->object->identity) &&
           name_append(&sql, column->name, err) && buffer_append_string(&sql, ";\n", err) &&
           catalog_put_text(catalog, buffer_text(&sql), &object->definition, err) &&
           catalog_depend(catalog, object, owned, err) &&
           catalog_depend(catalog, object, table->object, err);
    buffer_free(&sql);
    return done;
}

static bool take_sequence(struct catalog *catalog, void *context, const struct catalog_row *row,
                          struct error *err)
{
    struct relation *sequence = relation_find(catalog, row_oid(row, OID));
    struct relation *table = relation_find(catalog, row_oid(row, OWNER_TABLE));
    char dependency = row_char(row, DEPENDENCY);
    const struct column *column =
        table == NULL ? NULL : relation_column(table, (int16_t)row_number(row, OWNER_COLUMN));
    struct buffer sql = {0};
    bool done = true;

    (void)context;
    if (sequence == NULL)
        return true;
    if (dependency == 'i' && column != NULL) {
        sequence->object->empty_drop = true; /* it goes with its column, and so does its owner */
        done = append_identity(catalog, sequence, table, column, row, &sql, err);
    } else {
        done = append_plain(sequence, row, &sql, err);
    }
    done = done && catalog_put_text(catalog, buffer_text(&sql), &sequence->object->definition, err);
    buffer_free(&sql);
    if (done && dependency == 'a' && column != NULL)
        done = add_owned_by(catalog, sequence, table, column, err);
    return done;
}

bool sequence_write(struct catalog *catalog, const struct catalog_object *object,
                    struct archive_entry *entry, struct buffer *text, struct error *err)
{
    const char *definition;

    (void)entry;
    return catalog_get_text(catalog, object->definition, &definition, err) &&
           buffer_append_string(text, definition == NULL ? "" : definition, err);
}

/* ---- Where they stand ---- */

static bool take_position(struct catalog *catalog, void *context, const struct catalog_row *row,
                          struct error *err)
{
    enum { RELATION, LAST_VALUE, IS_CALLED };
    struct relation *sequence = relation_find(catalog, row_oid(row, RELATION));
    const struct catalog_object *set = sequence == NULL ? NULL : sequence->object;
    struct catalog_object *object;
    struct buffer sql = {0};
    bool done;

    (void)context;
    if (sequence == NULL)
        return error_set(err, ERROR_PROTOCOL, "the server tells of a sequence nobody asked for");
    object =
        catalog_add(catalog, &kind_sequence_set, 0, 0, set->schema, set->name, set->owner, err);
    if (object == NULL || !catalog_depend(catalog, object, set, err))
        return false;
    object->oid = set->oid;
    sequence->data = object;
    done = buffer_append_string(&sql, "SELECT pg_catalog.setval(", err) &&
           literal_append(&sql, set->identity, err) &&
           buffer_printf(&sql, err, ", %s, %s);\n", row_text(row, LAST_VALUE),
                         row_flag(row, IS_CALLED) ? "true" : "false") &&
           catalog_put_text(catalog, buffer_text(&sql), &object->definition, err);
    buffer_free(&sql);
    return done;
}

static bool ask_positions(struct catalog *catalog, struct buffer *sql, struct error *err)
{
    bool done = sql->len == 0 ||
                catalog_query_as_is(catalog, buffer_text(sql), 3, take_position, NULL, err) ||
                error_prefix(err, "cannot read where the sequences stand");

    buffer_clear(sql);
    return done;
}

/* Each sequence is a relation of its own with one row: many are asked for in one statement. */
static bool read_positions(struct catalog *catalog, struct error *err)
{
    size_t count = catalog_object_count(catalog);
    struct buffer sql = {0};
    bool done = true;

    for (size_t i = 0; done && i < count; i++) {
        const struct catalog_object *object = catalog_object_at(catalog, i);
        const struct relation *relation = relation_of(object);

        if (relation == NULL || relation->relkind != 'S')
            continue;
        done = buffer_printf(&sql, err, "%sSELECT %" PRIu32 ", last_value, is_called FROM %s",
                             sql.len == 0 ? "" : " UNION ALL ", object->oid, object->identity) &&
               (sql.len < POSITIONS_MAX || ask_positions(catalog, &sql, err));
    }
    done = done && ask_positions(catalog, &sql, err);
    buffer_free(&sql);
    return done;
}

/* ---- How they count ---- */

static bool read_sequences(struct catalog *catalog, struct error *err)
{
    static const char query[] =
        "SELECT s.seqrelid, pg_catalog.format_type(s.seqtypid, NULL), s.seqstart, "
        "       s.seqincrement, "
        "       CASE WHEN s.seqmin IS DISTINCT FROM "
        "                 CASE WHEN s.seqincrement > 0 THEN 1 ELSE l.lowest END "
        "            THEN s.seqmin END, "
        "       CASE WHEN s.seqmax IS DISTINCT FROM "
        "                 CASE WHEN s.seqincrement > 0 THEN l.highest ELSE -1 END "
        "            THEN s.seqmax END, "
        "       s.seqcache, s.seqcycle, d.refobjid, d.refobjsubid, d.deptype "
        "  FROM pg_catalog.pg_sequence s "
        "  JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid "
        "  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        "  JOIN (VALUES (21, -32768, 32767), (23, -2147483648, 2147483647), "
        "               (20, -9223372036854775808, 9223372036854775807)) "
        "       AS l (type, lowest, highest) ON l.type = s.seqtypid "
        "  LEFT JOIN pg_catalog.pg_depend d "
        "    ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = s.seqrelid "
        "   AND d.objsubid = 0 AND d.deptype IN ('a', 'i') "
        "   AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass "
        "   AND d.refobjsubid > 0 "
        " WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' "
        " ORDER BY s.seqrelid";

    return catalog_query(catalog, query, COLUMNS, take_sequence, NULL, err) &&
           read_positions(catalog, err);
}

const struct catalog_step catalog_step_sequence = {
    .what = "sequences",
    .order = READ_OF_TABLES + 2, /* after the columns that own them */
    .read = read_sequences,
};
