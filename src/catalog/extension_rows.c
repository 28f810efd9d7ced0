/*
 * Rows in tables of extensions that the extension does not call its configuration
 * (pg_extension_config_dump): CREATE EXTENSION makes the table without them, so no archive brings
 * them back. pg_dump says nothing of it; here they are named.
 */
#include "catalog/catalog_internal.h"

#include <inttypes.h>

#define NAMED_MAX 10 /* tables of an extension, in the warning */

enum { EXTENSION, OID, TABLE, COLUMNS };

static const char *const columns[] = {
    [EXTENSION] = "e.oid",
    [OID] = "c.oid",
    [TABLE] = "c.oid::pg_catalog.regclass",
};

/* What cannot be read at once is not waited for: nothing of it would be backed up. Who waits for
 * such a lock bars the way as well. */
static const char from[] =
    "FROM pg_catalog.pg_extension e\n"
    "JOIN pg_catalog.pg_depend d\n"
    "  ON d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass\n"
    " AND d.refobjid = e.oid AND d.deptype = 'e'\n"
    " AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass\n"
    "JOIN pg_catalog.pg_class c ON c.oid = d.objid AND c.relkind = 'r'\n"
    "WHERE c.relpersistence = 'p' AND NOT c.oid = ANY (coalesce(e.extconfig, '{}'))\n"
    "  AND pg_catalog.has_schema_privilege(c.relnamespace, 'USAGE')\n"
    "  AND pg_catalog.has_table_privilege(c.oid, 'SELECT')\n"
    "  AND NOT pg_catalog.row_security_active(c.oid)\n"
    "  AND NOT EXISTS (SELECT FROM pg_catalog.pg_locks l\n"
    "                   WHERE l.relation = c.oid AND l.mode = 'AccessExclusiveLock'\n"
    "                     AND l.database = (SELECT o.oid FROM pg_catalog.pg_database o\n"
    "                           WHERE o.datname = pg_catalog.current_database()))\n"
    "ORDER BY e.extname, c.oid::pg_catalog.regclass::pg_catalog.text";

struct counting {
    struct sql question;                    /* which of them have rows */
    const struct catalog_object *extension; /* whose tables are in the list */
    struct sql list;
    size_t count;
};

static bool tell(struct catalog *catalog, struct counting *counting, struct error *err)
{
    bool done = true;

    if (counting->count > NAMED_MAX)
        sql_printf(&counting->list, " and %zu more", counting->count - NAMED_MAX);
    if (counting->count > 0)
        done = !counting->list.failed &&
               catalog_leave_out(catalog, err,
                                 "rows of %s, which extension %s does not call its configuration "
                                 "(pg_extension_config_dump), are left out",
                                 sql_text(&counting->list), counting->extension->name);
    buffer_clear(&counting->list.text);
    counting->count = 0;
    return done;
}

static bool take_table(struct catalog *catalog, void *context, const struct catalog_row *row,
                       struct error *err)
{
    enum { EXTENSION_OF, NAME };
    struct counting *counting = context;
    const struct catalog_object *extension =
        catalog_find(catalog, CLASS_EXTENSION, row_oid(row, EXTENSION_OF));

    if (extension == NULL)
        return true;
    if (extension != counting->extension && !tell(catalog, counting, err))
        return false;
    counting->extension = extension;
    if (counting->count++ < NAMED_MAX) {
        sql_add(&counting->list, counting->count == 1 ? "" : ", ");
        sql_add(&counting->list, row_text(row, NAME));
    }
    return !counting->list.failed;
}

static const char begin[] = "SAVEPOINT extension_rows; SET LOCAL lock_timeout = '100ms'";
static const char end[] = "ROLLBACK TO SAVEPOINT extension_rows; RELEASE SAVEPOINT extension_rows";

/* Going back gives up the locks on these tables, which nobody has to wait for until the end. One
 * that was not got says nothing of the backup. */
static bool ask(struct catalog *catalog, struct counting *counting, struct error *err)
{
    const char *question = sql_text(&counting->question);
    struct error failure;

    if (counting->question.failed)
        return false;
    if (counting->question.text.len == 0)
        return true;
    if (!catalog_run(catalog, begin, err))
        return false;
    if (catalog_ask_text(catalog, question, 2, take_table, counting, &failure))
        return catalog_run(catalog, end, err);
    if (strcmp(failure.sqlstate, "55P03") != 0) {
        *err = failure;
        return false;
    }
    log_message(catalog_options(catalog)->log, LOG_WARNING,
                "whether tables of extensions have rows that are not backed up is not known: "
                "another session locks one of them");
    return catalog_run(catalog, end, err);
}

static bool take_member(struct catalog *catalog, void *context, const struct catalog_row *row,
                        struct error *err)
{
    struct counting *counting = context;
    struct sql *question = &counting->question;
    const char *table = row_text(row, TABLE);

    (void)err;
    if (!catalog_wants_extension(catalog, row_oid(row, EXTENSION)))
        return true;
    sql_printf(question, "%sSELECT %" PRIu32 "::pg_catalog.oid, ",
               question->text.len == 0 ? "" : "\nUNION ALL ", row_oid(row, EXTENSION));
    sql_literal(question, table);
    sql_printf(question, " WHERE EXISTS (SELECT FROM ONLY %s)", table);
    return !question->failed;
}

static const struct catalog_query members = {
    .columns = columns, .count = COLUMNS, .from = from, .take = take_member};

static bool read_rows(struct catalog *catalog, struct error *err)
{
    struct counting counting = {.question = {.err = err}, .list = {.err = err}};
    bool done = catalog_options(catalog)->schema_only ||
                (catalog_ask(catalog, &members, &counting, err) && ask(catalog, &counting, err) &&
                 tell(catalog, &counting, err));

    sql_end(&counting.question);
    return sql_end(&counting.list) && done;
}

const struct catalog_step catalog_step_extension_rows = {
    .what = "rows of extensions",
    .order = READ_DATA + 1,
    .read = read_rows,
};
