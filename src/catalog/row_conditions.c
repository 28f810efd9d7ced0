/*
 * Whether a condition makes sense only the server knows. It is asked for a plan, for many tables in
 * one statement, once they are locked and before any row is copied; only where one of them fails it
 * is asked again, table by table, which.
 */
#include "catalog/row_conditions.h"

#include "catalog/catalog_internal.h"
#include "catalog/filter.h"
#include "catalog/relation.h"

#define QUESTION_MAX ((size_t)32 * 1024)

/* The identity of a table whose rows the condition chooses; NULL: it is about none. */
static const char *table_of(const struct catalog *catalog, const struct row_condition *condition)
{
    const struct relation *relation = relation_find(catalog, condition->table);
    const struct catalog_object *configuration =
        catalog_find(catalog, CLASS_CONFIGURATION, condition->table);

    if (configuration != NULL)
        return configuration->identity;
    return relation == NULL || relation->relkind != 'r' ||
                   !catalog_wants_rows(catalog, condition->table, relation->persistence == 'u')
               ? NULL
               : relation->object->identity;
}

static void add_question(const struct catalog *catalog, const struct row_condition *condition,
                         const char *table, struct sql *sql)
{
    sql_printf(sql, "%sSELECT 1 FROM ONLY %s WHERE (",
               sql->text.len == 0 ? "EXPLAIN " : "\nUNION ALL ", table);
    sql_add(sql, catalog->selection.texts[condition->number]);
    sql_add(sql, "\n)");
}

static bool set_wrong(const struct catalog *catalog, const struct row_condition *condition,
                      const char *table, struct error *err)
{
    const char *text = catalog_filter_condition(catalog->options.filter, condition->number);

    err->code = ERROR_USAGE;
    error_detail(err, "The condition is: %s", text);
    return error_prefix(err, OPTION_WHERE " of table %s", table);
}

/* From `first` on, those that one statement asked about. */
static bool find_wrong(struct catalog *catalog, size_t first, size_t end, struct error *err)
{
    const struct row_condition *conditions = catalog->selection.conditions;
    struct error ignored;

    if (err->code != ERROR_SERVER ||
        !catalog_run(catalog, "ROLLBACK TO SAVEPOINT conditions", &ignored))
        return false;
    for (size_t i = first; i < end; i++) {
        const char *table = table_of(catalog, &conditions[i]);
        struct error one;
        struct sql sql = {.err = &one};
        bool fails;

        if (table == NULL)
            continue;
        add_question(catalog, &conditions[i], table, &sql);
        fails = !sql.failed && !catalog_run(catalog, sql_text(&sql), &one);
        sql_end(&sql);
        if (!fails)
            continue;
        *err = one;
        return set_wrong(catalog, &conditions[i], table, err);
    }
    return false;
}

static bool ask(struct catalog *catalog, struct sql *sql, size_t first, size_t end,
                struct error *err)
{
    bool done = !sql->failed && (sql->text.len == 0 || catalog_run(catalog, sql_text(sql), err) ||
                                 find_wrong(catalog, first, end, err));

    buffer_clear(&sql->text);
    return done;
}

/* Why it chooses no rows of any table that its pattern matches. */
static const char *why_not(const struct catalog *catalog, size_t number)
{
    const struct selection *selection = &catalog->selection;
    const char *why = NULL;

    for (size_t i = 0; i < selection->condition_count; i++) {
        uint32_t table = selection->conditions[i].table;
        const struct catalog_object *object = catalog_find(catalog, CLASS_RELATION, table);
        const struct relation *relation = relation_find(catalog, table);

        if (selection->conditions[i].number != number)
            continue;
        if (object != NULL && object->class_oid == CLASS_EXTENSION)
            return "Of the tables of an extension only those have rows in a backup that it calls "
                   "its configuration (pg_extension_config_dump), if no option leaves them out.";
        if (relation != NULL && relation->relkind == 'f')
            return "The rows of a foreign table are all backed up, or none.";
        if (relation == NULL || relation->relkind != 'p')
            why = "Other options leave the table out, or its rows.";
    }
    return why != NULL ? why : "It is a partitioned table without partitions, which has no rows.";
}

/* A condition is of use if there is a table whose rows it chooses. */
static bool check_use(const struct catalog *catalog, const bool *used, struct error *err)
{
    const struct catalog_filter *filter = catalog->options.filter;

    for (size_t i = 0; i < catalog_filter_count(filter, FILTER_WHERE); i++) {
        if (used[i])
            continue;
        error_set(err, ERROR_USAGE, OPTION_WHERE ": no rows of %s are backed up",
                  catalog_filter_text(filter, FILTER_WHERE, i));
        return error_hint(err, "%s", why_not(catalog, i));
    }
    return true;
}

static bool ask_all(struct catalog *catalog, bool *used, struct error *err)
{
    const struct selection *selection = &catalog->selection;
    struct sql sql = {.err = err};
    size_t first = 0;
    bool done = true;

    for (size_t i = 0; done && i < selection->condition_count; i++) {
        const char *table = table_of(catalog, &selection->conditions[i]);

        if (table == NULL)
            continue;
        used[selection->conditions[i].number] = true;
        add_question(catalog, &selection->conditions[i], table, &sql);
        if (sql.text.len < QUESTION_MAX)
            continue;
        done = ask(catalog, &sql, first, i + 1, err);
        first = i + 1;
    }
    done = done && ask(catalog, &sql, first, selection->condition_count, err);
    return sql_end(&sql) && done;
}

bool row_conditions_check(struct catalog *catalog, struct error *err)
{
    size_t count = catalog_filter_count(catalog->options.filter, FILTER_WHERE);
    bool *used, done;

    if (count == 0)
        return true;
    used = arena_take(&catalog->arena, count * sizeof(*used), err);
    if (used == NULL)
        return false;
    done = catalog_run(catalog, "SAVEPOINT conditions", err) && ask_all(catalog, used, err) &&
           catalog_run(catalog, "RELEASE SAVEPOINT conditions", err);
    return done && check_use(catalog, used, err);
}
