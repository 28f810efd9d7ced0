/* Security labels on anything that is dumped. All that an object and its columns have, of all
 * providers, is one entry; restoring it takes the providers, making it does not. */
#include "catalog/catalog_internal.h"

enum { CLASS, OID, COLUMN, PROVIDER, LABEL, COLUMNS };

static const char *const columns[] = {
    [CLASS] = "l.classoid",    [OID] = "l.objoid",  [COLUMN] = "a.attname",
    [PROVIDER] = "l.provider", [LABEL] = "l.label",
};

/* What all databases share has its labels elsewhere; those of roles and tablespaces are none of
 * this database's. */
static const char from[] =
    "FROM (SELECT s.classoid, s.objoid, s.objsubid, s.provider, s.label\n"
    "        FROM pg_catalog.pg_seclabel s\n"
    "      UNION ALL\n"
    "      SELECT s.classoid, s.objoid, 0, s.provider, s.label\n"
    "        FROM pg_catalog.pg_shseclabel s\n"
    "       WHERE s.classoid IN ('pg_catalog.pg_database'::pg_catalog.regclass,\n"
    "                            'pg_catalog.pg_subscription'::pg_catalog.regclass)) l\n"
    "LEFT JOIN pg_catalog.pg_attribute a\n"
    "  ON l.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass\n"
    " AND a.attrelid = l.objoid AND a.attnum = l.objsubid AND l.objsubid > 0\n"
    "ORDER BY l.classoid, l.objoid, l.objsubid, l.provider";

/* The statements of one object: its rows stand together. */
struct labelling {
    uint32_t class_oid, oid;
    struct catalog_object *object;
    struct sql sql;
};

static bool put_entry(struct catalog *catalog, struct labelling *labelling, struct error *err)
{
    struct catalog_object *object = labelling->object;
    struct sql tag = {.err = err};
    bool done;

    if (labelling->sql.failed || labelling->sql.text.len == 0)
        return !labelling->sql.failed;
    sql_printf(&tag, "%s ", catalog_word(object));
    sql_add(&tag, object->plain_identity);
    done = !tag.failed && catalog_add_extra(catalog, object, "SECURITY LABEL", sql_text(&tag),
                                            sql_text(&labelling->sql), err) != NULL;
    sql_begin_again(&labelling->sql, ARCHIVE_TEXT_KEPT, err);
    return sql_end(&tag) && done;
}

/* Not what an extension made, as with comments; but the columns of a composite type are its own. */
static bool is_labelled(const struct catalog_object *object, const struct catalog_row *row)
{
    if (object == NULL)
        return false;
    if (object->class_oid == CLASS_EXTENSION)
        return !object->hidden && row_oid(row, CLASS) == CLASS_EXTENSION;
    return (object->class_oid == row_oid(row, CLASS) && object->oid == row_oid(row, OID)) ||
           row_text_or_null(row, COLUMN) != NULL;
}

static bool take_label(struct catalog *catalog, void *context, const struct catalog_row *row,
                       struct error *err)
{
    struct labelling *labelling = context;
    struct catalog_object *object = catalog_find(catalog, row_oid(row, CLASS), row_oid(row, OID));
    const char *column = row_text_or_null(row, COLUMN);
    struct sql *sql = &labelling->sql;

    if (labelling->class_oid != row_oid(row, CLASS) || labelling->oid != row_oid(row, OID)) {
        if (!put_entry(catalog, labelling, err))
            return false;
        labelling->class_oid = row_oid(row, CLASS);
        labelling->oid = row_oid(row, OID);
        labelling->object = object;
    }
    if (!is_labelled(object, row))
        return true;
    sql_add(sql, "SECURITY LABEL FOR ");
    sql_name(sql, row_text(row, PROVIDER));
    sql_printf(sql, " ON %s ", column != NULL ? "COLUMN" : catalog_word(object));
    sql_add(sql, object->identity);
    if (column != NULL) {
        sql_add(sql, ".");
        sql_name(sql, column);
    }
    sql_add(sql, " IS ");
    sql_literal(sql, row_text(row, LABEL));
    sql_add(sql, ";\n");
    return !sql->failed;
}

static const struct catalog_query labels = {
    .columns = columns, .count = COLUMNS, .from = from, .take = take_label};

static bool read_labels(struct catalog *catalog, struct error *err)
{
    struct labelling labelling = {.sql = {.err = err}};
    bool done =
        catalog_ask(catalog, &labels, &labelling, err) && put_entry(catalog, &labelling, err);

    return sql_end(&labelling.sql) && done;
}

const struct catalog_step catalog_step_security_labels = {
    .what = "security labels",
    .order = READ_COMMENTS,
    .read = read_labels,
};
