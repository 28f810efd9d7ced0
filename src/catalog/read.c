/* Runs all steps, and sees to it that what they read is of one moment. */
#include "catalog/catalog_internal.h"

#include "catalog/changes.h"
#include "catalog/needs.h"
#include "catalog/large_objects.h"
#include "catalog/table_locks.h"
#include "catalog/watch_internal.h"

#include <stdlib.h>

/* What is no kind, but goes over many of them. */
static const struct catalog_step *const own_steps[] = {
    &catalog_step_comments,
    &catalog_step_dangling,
    &catalog_step_extension_dependents,
    &catalog_step_extension_rows,
    &catalog_step_inheritance,
    &catalog_step_member_privileges,
    &catalog_step_security_labels,
    &catalog_step_statistics_data,
    &catalog_step_tree_locks,
    &catalog_step_misplaced,
};

#define OWN_STEP_COUNT (sizeof(own_steps) / sizeof(own_steps[0]))

static int compare_steps(const void *a, const void *b)
{
    const struct catalog_step *first = *(const struct catalog_step *const *)a;
    const struct catalog_step *second = *(const struct catalog_step *const *)b;

    if (first->order != second->order)
        return first->order < second->order ? -1 : 1;
    return strcmp(first->what, second->what);
}

/* The server prints definitions as of now, not as of the snapshot. */
static bool is_lookup_failure(const struct error *err)
{
    return strcmp(err->sqlstate, "XX000") == 0 &&
           (strstr(err->message, "cache lookup failed") != NULL ||
            strstr(err->message, "could not open relation") != NULL);
}

bool step_read(struct catalog *catalog, const struct catalog_step *step, struct error *err)
{
    return (step->query == NULL || catalog_ask(catalog, step->query, NULL, err)) &&
           (step->read == NULL || step->read(catalog, err));
}

static bool step_failed(const struct catalog_step *step, struct error *err)
{
    if (err->code == ERROR_USAGE) /* what was asked for makes no sense; the catalogs do */
        return false;
    if (is_lookup_failure(err))
        error_hint(err, "Something was dropped or changed while the backup began: run it again.");
    return error_prefix(err, "cannot read the catalogs (%s)", step->what);
}

static const struct catalog_step **steps_in_order(size_t *count, struct error *err)
{
    const struct catalog_step **steps;

    *count = catalog_kind_step_count + OWN_STEP_COUNT;
    steps = calloc(*count, sizeof(*steps));
    if (steps == NULL) {
        error_set_memory(err);
        return NULL;
    }
    memcpy(steps, catalog_kind_steps, catalog_kind_step_count * sizeof(*steps));
    memcpy(steps + catalog_kind_step_count, own_steps, sizeof(own_steps));
    qsort(steps, *count, sizeof(*steps), compare_steps);
    return steps;
}

static bool is_wanted(const struct catalog *catalog, const struct catalog_step *step)
{
    return !step->whole_only || catalog_wants_all(catalog);
}

static bool run_steps(struct catalog *catalog, struct error *err)
{
    size_t count;
    const struct catalog_step **steps = steps_in_order(&count, err);
    bool done = steps != NULL;

    for (size_t i = 0; done && i < count; i++) {
        if (is_wanted(catalog, steps[i]))
            done = step_read(catalog, steps[i], err) || step_failed(steps[i], err);
    }
    done = done && depends_read(catalog, err) && needs_tell(catalog, err) &&
           depends_sort(catalog, err);
    for (size_t i = 0; done && i < count; i++) {
        if (steps[i]->link != NULL)
            done = steps[i]->link(catalog, err) && depends_sort(catalog, err);
    }
    free(steps);
    return done;
}

enum { DATABASE, ENCODING, FACTS };

static bool take_facts(struct catalog *catalog, void *context, const struct catalog_row *row,
                       struct error *err)
{
    (void)context;
    catalog->database = strdup(row_text(row, DATABASE));
    catalog->encoding = strdup(row_text(row, ENCODING));
    return (catalog->database != NULL && catalog->encoding != NULL) || error_set_memory(err);
}

static const char *const facts_columns[] = {
    [DATABASE] = "pg_catalog.current_database()",
    [ENCODING] = "pg_catalog.current_setting('client_encoding')",
};

static const struct catalog_query facts_query = {
    .columns = facts_columns,
    .count = FACTS,
    .from = "",
    .take = take_facts,
};

static bool read_everything(struct catalog *catalog, struct error *err)
{
    return table_locks_limit(catalog, err) && watch_begin(catalog, err) &&
           catalog_ask(catalog, &facts_query, NULL, err) && selection_read(catalog, err) &&
           run_steps(catalog, err) && order_objects(catalog, err);
}

static bool set_changed(struct error *err, const char *what)
{
    error_set(err, ERROR_SERVER, "%s was dropped or changed while the catalogs were read", what);
    return error_hint(err, CATALOG_CHANGED_HINT);
}

/* Whether what failed did so because somebody changed something: then the error says what. A
 * standby that had to replay over what was read is such a case, too. */
static bool failed_by_change(struct catalog *catalog, struct error *err)
{
    char what[CHANGED_TEXT_SIZE];
    struct error ignored;

    if (wire_is_broken(catalog->conn) || err->code == ERROR_TIMEOUT || err->code == ERROR_MEMORY ||
        !wire_query(catalog->conn, "ROLLBACK TO SAVEPOINT reading", NULL, &ignored))
        return false;
    if (strcmp(err->sqlstate, "53200") == 0) {
        if (strstr(err->hint, "max_locks_per_transaction") !=
            NULL) /* else memory of another kind */
            table_locks_hint_room(catalog, err);
        return false;
    }
    if (strcmp(err->sqlstate, "55P03") == 0)
        return table_locks_explain(catalog, err);
    if (!changes_find(catalog, what, &ignored) || what[0] == '\0')
        return strcmp(err->sqlstate, "40001") == 0 || is_lookup_failure(err);
    set_changed(err, what);
    return true;
}

/* What was read belongs together: nothing of it has changed since the snapshot. */
static bool check_changes(struct catalog *catalog, bool *changed, struct error *err)
{
    char what[CHANGED_TEXT_SIZE];

    if (!changes_find(catalog, what, err))
        return error_prefix(err, "cannot see what changed in the catalogs");
    *changed = what[0] != '\0';
    return !*changed || set_changed(err, what);
}

bool catalog_read(struct catalog **result, struct wire_conn *conn,
                  const struct catalog_options *options, bool *changed, struct error *err)
{
    struct catalog *catalog = catalog_new(conn, options, err);

    *result = NULL;
    *changed = false;
    if (catalog == NULL)
        return false;
    wire_set_answer_limit(conn, WIRE_ANSWER_MOST);
    catalog->texts = text_store_new(err);
    if (catalog->texts != NULL && wire_query(conn, "SAVEPOINT reading", NULL, err)) {
        if (!read_everything(catalog, err))
            *changed = failed_by_change(catalog, err);
        else if (wire_query(conn, "RELEASE SAVEPOINT reading; SET LOCAL lock_timeout = 0", NULL,
                            err) &&
                 check_changes(catalog, changed, err)) {
            watch_end(catalog);
            *result = catalog;
            return true;
        }
    }
    watch_end(catalog);
    catalog_free(catalog);
    return false;
}

static bool set_changed_late(struct error *err, const char *what)
{
    error_set(err, ERROR_SERVER, "%s was renamed, changed or dropped while the backup ran", what);
    return error_hint(err, "What follows would not fit what was read before: run it again, when "
                           "nobody renames roles, schemas, labels of enums or what rows name.");
}

bool catalog_check_roles(struct catalog *catalog, struct error *err)
{
    char what[CHANGED_TEXT_SIZE];

    if (!changes_find_roles(catalog, what, err))
        return error_prefix(err, "cannot see what changed in the catalogs");
    return what[0] == '\0' || set_changed_late(err, what);
}

bool catalog_check_copied(struct catalog *catalog, struct error *err)
{
    char what[CHANGED_TEXT_SIZE];

    if (!changes_find_late(catalog, what, err))
        return error_prefix(err, "cannot see what changed in the catalogs");
    return what[0] == '\0' || set_changed_late(err, what);
}
