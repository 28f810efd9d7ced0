/* What is in the way, of all that the server has said of itself and of its databases. */
#include "restore/restore_plan_internal.h"

#include "base/error_names.h"
#include "base/quote.h"
#include "base/text.h"
#include "restore/target_databases.h"

#include <inttypes.h>
#include <stdio.h>

static const char *role_of(const struct restore_plan *plan, char out[QUOTE_NAME_SIZE])
{
    return quote_identifier(plan->server.role == NULL ? "" : plan->server.role, out,
                            QUOTE_NAME_SIZE);
}

/* ---- The server ---- */

static void judge_connections(struct restore_plan *plan)
{
    const struct server_facts_of_target *server = &plan->server;
    uint64_t reserved = server->superuser ? 0 : server->connections_reserved;
    uint64_t taken = server->connections_used + reserved;
    uint64_t left = server->connections_most > taken ? server->connections_most - taken : 0;
    uint64_t wanted = plan->request->jobs == 0 ? 1 : plan->request->jobs;

    left++; /* this one is among those that are used */
    if (left >= wanted)
        return;
    preflight_add(plan->report, true, "Give fewer " OPTION_JOBS ", or raise max_connections.",
                  "the restore needs %" PRIu64 " connections, and the server has %" PRIu64
                  " free of %" PRIu64,
                  wanted, left, server->connections_most);
}

void restore_plan_judge_server(struct restore_plan *plan)
{
    if (plan->server.in_recovery)
        preflight_add(plan->report, true,
                      "Name its primary, or add " SETTING_TARGET_SESSION_ATTRS
                      "=read-write and all hosts to the connection string.",
                      "the server is a standby, into which nothing can be restored");
    judge_connections(plan);
    if (plan->request->disable_triggers && !plan->server.superuser)
        preflight_add(
            plan->report, restore_request_ends_on_failure(plan->request),
            "Restore as a superuser, or without it. Rows of tables that have such keys are put "
            "in with their triggers on.",
            "only a superuser can disable the triggers of foreign keys");
}

/* ---- What will fail ---- */

static void judge_superuser(struct restore_plan *plan, const struct planned_database *database)
{
    const struct name_set *set = &database->needs.superuser;
    char role[QUOTE_NAME_SIZE];

    for (size_t i = 0; i < set->count && !plan->server.superuser; i++) {
        const struct name_set_item *item = &set->items[i];

        preflight_add(plan->report, restore_request_ends_on_failure(plan->request),
                      "Restore as a superuser. Where there is none to be had (a managed service), "
                      "these objects fail, and all others are restored.",
                      "%s can be made by superusers only, and %s is none: %zu, the first is %s",
                      item->name, role_of(plan, role), item->times, item->first);
    }
}

static void judge_subscriptions(struct restore_plan *plan, const struct planned_database *database)
{
    const struct name_set *set = &database->needs.subscriptions;
    char remedy[QUOTE_NAME_SIZE + 64], role[QUOTE_NAME_SIZE];

    if (set->count == 0 || plan->server.superuser || plan->server.may_subscribe)
        return;
    if (plan->server.version >= 160000)
        snprintf(remedy, sizeof(remedy), "GRANT pg_create_subscription TO %s;  or: %s",
                 role_of(plan, role), ERROR_OPTION("no-subscriptions"));
    else
        snprintf(remedy, sizeof(remedy), "Restore as a superuser, or: %s",
                 ERROR_OPTION("no-subscriptions"));
    preflight_add(plan->report, restore_request_ends_on_failure(plan->request), remedy,
                  "the role %s may not create subscriptions: %zu, the first is %s",
                  role_of(plan, role), set->count, set->items[0].first);
}

static void judge_collations(struct restore_plan *plan, const struct planned_database *database)
{
    const struct name_set *icu = &database->needs.icu, *builtin = &database->needs.builtin;
    bool fatal = restore_request_ends_on_failure(plan->request);

    if (icu->count > 0 && !plan->server.has_icu)
        preflight_add(plan->report, fatal, "Restore to a server that was built with ICU.",
                      "the server has no collations of ICU: %zu, the first is %s", icu->count,
                      icu->items[0].first);
    if (builtin->count > 0 && plan->server.version < 170000)
        preflight_add(plan->report, fatal, "Restore to PostgreSQL 17 or later.",
                      "the server does not know the collation provider builtin: %zu, the first is "
                      "%s",
                      builtin->count, builtin->items[0].first);
}

/* What was dumped of a newer server may have words in it that an older one does not know. */
static void judge_versions(struct restore_plan *plan, const struct planned_database *database)
{
    int target = plan->server.version / 10000;

    if (database->archive_version <= target)
        return;
    preflight_add(plan->report, false,
                  "What the older server does not know will fail, and be named.",
                  "the archive is of PostgreSQL %d, and the server is PostgreSQL %d",
                  database->archive_version, target);
}

/* ---- Databases ---- */

static const char *provider_remedy(void)
{
    return "Make the database yourself with a locale that this server has, and restore into it "
           "without " OPTION_CREATE_DB ".";
}

static void judge_recipe(struct restore_plan *plan, const struct planned_database *database)
{
    const struct database_recipe *recipe = &database->recipe;
    const char *since, *unknown;

    if (!database->has_recipe) {
        preflight_add(plan->report, true, provider_remedy(),
                      "the archive does not say how the database \"%s\" is made%s%s",
                      database->name, database->recipe_error.code == ERROR_NONE ? "" : ": ",
                      database->recipe_error.code == ERROR_NONE ? ""
                                                                : database->recipe_error.message);
        return;
    }
    unknown = database_recipe_unknown(recipe, plan->server.version, &since);
    if (unknown != NULL)
        preflight_add(plan->report, true, provider_remedy(),
                      "%s is known from PostgreSQL %s on, and the server is PostgreSQL %d", unknown,
                      since, plan->server.version / 10000);
    else if (recipe->locale_provider != NULL && strcmp(recipe->locale_provider, "icu") == 0 &&
             !plan->server.has_icu)
        preflight_add(plan->report, true, provider_remedy(),
                      "the database has the locale provider icu, and the server was built without");
}

static void judge_createdb(struct restore_plan *plan)
{
    char role[QUOTE_NAME_SIZE], remedy[QUOTE_NAME_SIZE + 128];

    if (plan->server.createdb)
        return;
    snprintf(remedy, sizeof(remedy),
             "ALTER ROLE %s CREATEDB;  or have the database made by somebody else.",
             role_of(plan, role));
    preflight_add(plan->report, true, remedy, "the role %s may not create databases",
                  role_of(plan, role));
}

/* What a script connects to it may not have made, and nobody else does then. */
static void judge_absent(struct restore_plan *plan, const struct planned_database *database)
{
    char name[QUOTE_NAME_SIZE], remedy[QUOTE_NAME_SIZE + 160];
    bool may_be_made = !database->of_script || database->named;

    quote_identifier(database->name, name, sizeof(name));
    snprintf(remedy, sizeof(remedy), "%sCREATE DATABASE %s;",
             may_be_made ? "Have it made: " OPTION_CREATE_DB ".  Or: "
                         : "The script does not make it, so do it before: ",
             name);
    preflight_add(plan->report, true, remedy, "the database \"%s\" does not exist", database->name);
}

static void judge_missing(struct restore_plan *plan, struct planned_database *database)
{
    bool made = database->of_script
                    ? database->made
                    : plan->request->create_db || plan->request->existing == RESTORE_RECREATE;

    database->action = RESTORE_CREATE;
    if (!made) {
        judge_absent(plan, database);
        return;
    }
    judge_createdb(plan);
    if (!database->of_script)
        judge_recipe(plan, database);
}

#define NAMES_TOLD 8

/* "DROP SUBSCRIPTION "a";  DROP SUBSCRIPTION "b";", and the same names for the message. */
static bool append_each(const struct name_set *set, const char *before, const char *after,
                        const char *between, bool as_literals, struct buffer *out)
{
    char quoted[QUOTE_NAME_SIZE];
    struct error ignored;
    size_t told = set->count < NAMES_TOLD ? set->count : NAMES_TOLD;
    bool done = true;

    for (size_t i = 0; done && i < told; i++)
        done = buffer_printf(out, &ignored, "%s%s%s%s", i == 0 ? "" : between, before,
                             as_literals
                                 ? set->items[i].name
                                 : quote_identifier(set->items[i].name, quoted, sizeof(quoted)),
                             after);
    return done &&
           (told == set->count || buffer_printf(out, &ignored, " and %zu more", set->count - told));
}

static void judge_kept_by(struct restore_plan *plan, const struct name_set *set, const char *before,
                          const char *after, bool as_literals, const char *remedy,
                          const char *message, const char *database)
{
    struct buffer names = {0}, commands = {0}, all = {0};
    struct error ignored;

    if (set->count > 0 && append_each(set, "", "", ", ", as_literals, &names) &&
        append_each(set, before, after, "  ", as_literals, &commands) &&
        buffer_printf(&all, &ignored, "%s%s", remedy, buffer_text(&commands)))
        preflight_add(plan->report, true, buffer_text(&all), "%s the database \"%s\"%s: %s",
                      as_literals ? "logical replication slots of" : "subscriptions of", database,
                      message, buffer_text(&names));
    buffer_free(&names);
    buffer_free(&commands);
    buffer_free(&all);
}

/* A slot's name has no character that would have to be quoted. */
static void judge_kept(struct restore_plan *plan, const struct planned_database *database)
{
    judge_kept_by(plan, &database->subscriptions, "DROP SUBSCRIPTION ", ";", false,
                  "Where a publisher is gone, ALTER SUBSCRIPTION … DISABLE and … SET (slot_name = "
                  "NONE) come first. In that database: ",
                  " keep it from being dropped", database->name);
    judge_kept_by(plan, &database->slots, "SELECT pg_drop_replication_slot('", "');", true,
                  "Whoever streams from them would have to begin anew. If nobody does: ",
                  ", which is to be dropped, would go with it", database->name);
}

/* It is dropped while a session of another database looks on. */
static void judge_replaced(struct restore_plan *plan, struct planned_database *database)
{
    char name[QUOTE_NAME_SIZE], remedy[QUOTE_NAME_SIZE + 256];

    database->action = RESTORE_REPLACE;
    if (target_database_is_fixed(database->name) || database->is_template) {
        preflight_add(
            plan->report, true, "Into it as it is: " OPTION_INTO_EXISTING " or " OPTION_CLEAN ".",
            "the database \"%s\" is never dropped: %s", database->name,
            target_database_is_fixed(database->name) ? "every server has it" : "it is a template");
        return;
    }
    if (database->is_current)
        preflight_add(plan->report, true,
                      "Let the role connect to the database postgres or template1 as well.",
                      "the database \"%s\" is the only one that lets the role in, and cannot be "
                      "dropped from within",
                      database->name);
    judge_createdb(plan);
    if (!database->of_script || database->has_recipe)
        judge_recipe(plan, database);
    if (!database->may_drop && !plan->server.superuser)
        preflight_add(plan->report, true, "Restore as its owner, or as a superuser.",
                      "the role %s may not drop the database \"%s\"", role_of(plan, name),
                      database->name);
    judge_kept(plan, database);
    if (database->sessions == 0)
        return;
    snprintf(remedy, sizeof(remedy),
             "End them: SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
             "current_database() AND pid <> pg_backend_pid();  in the database %s",
             quote_identifier(database->name, name, sizeof(name)));
    preflight_add(plan->report, true, remedy,
                  "%zu session%s in the database \"%s\", which cannot be dropped then (%s%s)",
                  database->sessions, database->sessions == 1 ? " is" : "s are", database->name,
                  database->sessions == 1 ? "" : "one of them: ",
                  database->first_session == NULL ? "" : database->first_session);
}

static void judge_there(struct restore_plan *plan, struct planned_database *database)
{
    char name[QUOTE_NAME_SIZE], remedy[QUOTE_NAME_SIZE + 128];

    quote_identifier(database->name, name, sizeof(name));
    if (plan->request->existing == RESTORE_RECREATE && !database->kept &&
        (!database->of_script || database->remade)) { /* an invalid one is good for this only */
        judge_replaced(plan, database);
    } else if (database->dropped) { /* whatever state it is in */
        database->action = RESTORE_REPLACE;
        judge_createdb(plan);
        if (database->has_recipe)
            judge_recipe(plan, database);
        judge_kept(plan, database);
    } else if (database->invalid) {
        snprintf(remedy, sizeof(remedy), "Have it made anew: %s.  Or: DROP DATABASE %s;",
                 OPTION_RECREATE, name);
        preflight_add(plan->report, true, remedy,
                      "the database \"%s\" is invalid: a DROP DATABASE was interrupted",
                      database->name);
    } else if (database->closed) {
        snprintf(remedy, sizeof(remedy), "ALTER DATABASE %s ALLOW_CONNECTIONS true;", name);
        preflight_add(plan->report, true, remedy, "the database \"%s\" does not allow connections",
                      database->name);
    }
}

void restore_plan_judge_database(struct restore_plan *plan, struct planned_database *database)
{
    if (!database->exists)
        judge_missing(plan, database);
    else
        judge_there(plan, database);
    judge_versions(plan, database);
    judge_superuser(plan, database);
    judge_subscriptions(plan, database);
    judge_collations(plan, database);
}
