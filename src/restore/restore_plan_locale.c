/*
 * Whether the server's machine has a locale nobody can ask; but lc_monetary, which anybody may set
 * and which means nothing to a session that ends at once, takes only one that is there.
 */
#include "base/error_names.h"
#include "restore/restore_plan_internal.h"

static bool try_locale(struct restore_plan *plan, const struct planned_database *database,
                       struct wire_conn *conn, const char *locale, struct error *err)
{
    struct buffer sql = {0};
    bool done = buffer_append_string(&sql, "SET lc_monetary = ", err) &&
                wire_quote_literal(&sql, locale, err) &&
                wire_query(conn, buffer_text(&sql), NULL, err);

    buffer_free(&sql);
    if (done || strcmp(err->sqlstate, "22023") != 0)
        return done;
    preflight_add(
        plan->report, true,
        database->of_script
            ? "Install the locale on the server's machine and restart the server, or make the "
              "database yourself with another one, and restore into it."
            : "Install the locale on the server's machine and restart the server, or make the "
              "database yourself with another one, and restore into it without " OPTION_CREATE_DB
              ".",
        "the server does not have the locale \"%s\" of the database \"%s\"", locale,
        database->name);
    return true;
}

bool restore_plan_try_locales(struct restore_plan *plan, const struct planned_database *database,
                              struct wire_conn *conn, struct error *err)
{
    const struct database_recipe *recipe = &database->recipe;
    const char *const locales[] = {recipe->locale, recipe->lc_collate, recipe->lc_ctype};
    const char *since;

    if (database->action == RESTORE_USE ||
        database_recipe_unknown(recipe, plan->server.version, &since) != NULL)
        return true;
    for (size_t i = 0; i < sizeof(locales) / sizeof(locales[0]); i++) {
        bool again = i == 2 && locales[1] != NULL && locales[2] != NULL &&
                     strcmp(locales[1], locales[2]) == 0;

        if (locales[i] != NULL && !again && !try_locale(plan, database, conn, locales[i], err))
            return false;
    }
    return true;
}
