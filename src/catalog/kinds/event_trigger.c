/* Event triggers. They would fire at what else is restored, so pg_restore makes them after all
 * that. */
#include "catalog/kind.h"

#include "catalog/columns.h"

static const struct catalog_kind kind_event_trigger = {
    .desc = "EVENT TRIGGER",
    .section = SECTION_POST_DATA,
    .priority = PRIORITY_EVENT_TRIGGER,
};

enum { OID, NAME, OWNER, EVENT, TAGS, SCHEMA, FUNCTION, ENABLED, COLUMNS };

static const char tags[] =
    "(SELECT pg_catalog.string_agg(pg_catalog.quote_literal(u.tag), ', ' ORDER BY u.number)\n"
    "          FROM pg_catalog.unnest(e.evttags) WITH ORDINALITY u (tag, number))";

static const char *const columns[] = {
    [OID] = "e.oid",
    [NAME] = "e.evtname",
    [OWNER] = COLUMN_ROLE("e.evtowner"),
    [EVENT] = "e.evtevent",
    [TAGS] = tags,
    [SCHEMA] = "n.nspname",
    [FUNCTION] = "p.proname",
    [ENABLED] = "e.evtenabled",
};

static const char from[] = "FROM pg_catalog.pg_event_trigger e\n"
                           "LEFT JOIN pg_catalog.pg_proc p ON p.oid = e.evtfoid\n"
                           "LEFT JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace\n"
                           "ORDER BY e.evtname, e.oid";

static void add_enabled(struct sql *sql, const struct catalog_object *object, char enabled)
{
    const char *how = enabled == 'D'   ? "DISABLE"
                      : enabled == 'A' ? "ENABLE ALWAYS"
                      : enabled == 'R' ? "ENABLE REPLICA"
                                       : NULL;

    if (how != NULL)
        sql_printf(sql, "ALTER EVENT TRIGGER %s %s;\n", object->identity, how);
}

static bool take_event_trigger(struct catalog *catalog, void *context,
                               const struct catalog_row *row, struct error *err)
{
    struct catalog_object *object;
    struct sql sql = {.err = err};
    const char *schema;

    (void)context;
    if (catalog_find(catalog, CLASS_EVENT_TRIGGER, row_oid(row, OID)) != NULL)
        return true; /* an extension's */
    object = catalog_add(catalog, &kind_event_trigger, CLASS_EVENT_TRIGGER, row_oid(row, OID), NULL,
                         row_text(row, NAME), row_text(row, OWNER), err);
    if (object == NULL)
        return false;
    sql_printf(&sql, "CREATE EVENT TRIGGER %s ON ", object->identity);
    sql_name(&sql, row_text(row, EVENT));
    sql_clause(&sql, "\n         WHEN TAG IN (", row_text_or_null(row, TAGS), ")");
    sql_add(&sql, "\n   EXECUTE FUNCTION ");
    schema = row_text(row, SCHEMA);
    sql_qualified(&sql, schema, row_text(row, FUNCTION));
    sql_add(&sql, "();\n");
    add_enabled(&sql, object, row_char(row, ENABLED));
    return sql_put(&sql, catalog, &object->definition);
}

static const struct catalog_query event_triggers = {
    .columns = columns, .count = COLUMNS, .from = from, .take = take_event_trigger};

static const struct catalog_home home = {
    .catalog = "pg_event_trigger",
    .word = "EVENT TRIGGER",
    .name = "evtname",
    .owner = "evtowner",
};

const struct catalog_step catalog_step_event_trigger = {
    .what = "event triggers",
    .whole_only = true,
    .order = READ_OF_TABLES + 9,
    .query = &event_triggers,
    .home = &home,
};
