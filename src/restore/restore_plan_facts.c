/* What the server has said of itself and of the databases of a plan, row by row. */
#include "restore/restore_plan_internal.h"

#include "base/quote.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ABOUT, NAME, ONE, TWO, THREE, FOUR };

static const char *text_of(const struct wire_result *rows, size_t row, size_t column)
{
    const char *value = wire_result_value(rows, row, column);

    return value == NULL ? "" : value;
}

static uint64_t number_of(const struct wire_result *rows, size_t row, size_t column)
{
    return strtoull(text_of(rows, row, column), NULL, 10);
}

static bool flag_of(const struct wire_result *rows, size_t row, size_t column)
{
    return text_of(rows, row, column)[0] == 't';
}

static struct planned_database *find_database(const struct restore_plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (strcmp(plan->databases[i]->name, name) == 0)
            return plan->databases[i];
    }
    return NULL;
}

static bool take_database_row(struct restore_plan *plan, const struct wire_result *rows, size_t row)
{
    struct planned_database *database = find_database(plan, text_of(rows, row, NAME));

    if (database == NULL)
        return true;
    database->exists = true;
    database->closed = flag_of(rows, row, ONE);
    database->invalid = flag_of(rows, row, TWO);
    database->is_template = flag_of(rows, row, THREE);
    database->may_drop = flag_of(rows, row, FOUR);
    return true;
}

static bool take_current_row(struct restore_plan *plan, const struct wire_result *rows, size_t row)
{
    struct planned_database *database = find_database(plan, text_of(rows, row, NAME));

    if (database != NULL)
        database->is_current = true;
    return true;
}

static bool take_session_row(struct restore_plan *plan, const struct wire_result *rows, size_t row)
{
    struct planned_database *database = find_database(plan, text_of(rows, row, NAME));

    if (database == NULL)
        return true;
    database->sessions = (size_t)number_of(rows, row, ONE);
    free(database->first_session);
    database->first_session = strdup(text_of(rows, row, TWO));
    return database->first_session != NULL;
}

/* What DROP DATABASE fails on, and what it takes along without a word. */
static bool take_kept_row(struct restore_plan *plan, const struct wire_result *rows, size_t row)
{
    struct planned_database *database = find_database(plan, text_of(rows, row, NAME));
    bool is_slot = strcmp(text_of(rows, row, ABOUT), "slot") == 0;
    struct error ignored;

    return database == NULL || name_set_add(is_slot ? &database->slots : &database->subscriptions,
                                            text_of(rows, row, ONE), NULL, &ignored);
}

/* What was killed may have had the new one complete by then. */
static bool append_both_ways(struct buffer *remedy, const char *kept, const char *of,
                             const char *comment)
{
    char name[QUOTE_NAME_SIZE];
    struct error ignored;

    quote_identifier(of, name, sizeof(name));
    return buffer_printf(remedy, &ignored,
                         "To have it back: DROP DATABASE %s; ALTER DATABASE %s RENAME TO %s; "
                         "COMMENT ON DATABASE %s IS %s;  If the new one is complete: DROP DATABASE "
                         "%s;",
                         name, kept, name, name, comment, kept);
}

/* One of these may be of a restore that runs right now. */
static bool take_left_over(struct restore_plan *plan, const struct wire_result *rows, size_t row)
{
    const char *what = text_of(rows, row, THREE), *name = text_of(rows, row, NAME);
    bool used = number_of(rows, row, TWO) > 0;
    bool filled = strcmp(what, "filled") == 0, replaced = strcmp(what, "replaced") == 0;
    struct buffer remedy = {0};
    struct error ignored;

    if ((used &&
         !buffer_append_string(
             &remedy, "If it is of no restore that runs, and nobody uses it: ", &ignored)) ||
        !(filled || replaced ? buffer_printf(&remedy, &ignored, "DROP DATABASE %s;", name)
                             : append_both_ways(&remedy, name, text_of(rows, row, ONE), what)))
        buffer_clear(&remedy);
    preflight_add(plan->report, false, buffer_text(&remedy),
                  filled ? "a restore of the database \"%s\" that was ended has left what it was "
                           "filling, %s, since %s%s"
                  : replaced ? "the database \"%s\" is the one that a restore has replaced, called "
                               "%s since %s, and was not dropped%s"
                             : "a restore of the database \"%s\" that was ended has left the one "
                               "that it was to replace, %s, since %s%s",
                  text_of(rows, row, ONE), name, text_of(rows, row, FOUR),
                  used ? "; sessions are in it" : "");
    buffer_free(&remedy);
    return true;
}

bool restore_plan_take_fact(struct restore_plan *plan, const struct wire_result *rows, size_t row)
{
    struct server_facts_of_target *server = &plan->server;
    const char *about = text_of(rows, row, ABOUT);

    if (strcmp(about, "role") == 0) {
        free(server->role);
        server->role = strdup(text_of(rows, row, NAME));
        server->superuser = flag_of(rows, row, ONE);
        server->createdb = flag_of(rows, row, TWO);
        server->in_recovery = flag_of(rows, row, THREE);
        server->has_icu = flag_of(rows, row, FOUR);
        return server->role != NULL;
    }
    if (strcmp(about, "connections") == 0) {
        server->connections_most = number_of(rows, row, ONE);
        server->connections_reserved = number_of(rows, row, TWO);
        server->connections_used = number_of(rows, row, THREE);
    } else if (strcmp(about, "subscriber") == 0) {
        server->may_subscribe = flag_of(rows, row, ONE);
    } else if (strcmp(about, "current") == 0) {
        return take_current_row(plan, rows, row);
    } else if (strcmp(about, "database") == 0) {
        return take_database_row(plan, rows, row);
    } else if (strcmp(about, "session") == 0) {
        return take_session_row(plan, rows, row);
    } else if (strcmp(about, "subscription") == 0 || strcmp(about, "slot") == 0) {
        return take_kept_row(plan, rows, row);
    } else if (strcmp(about, "left over") == 0) {
        return take_left_over(plan, rows, row);
    }
    return true;
}
