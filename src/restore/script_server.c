/* The roles, tablespaces and databases that a script's server has: asked once, and only if the
 * script has to do with any. */
#include "restore/script_restore_internal.h"

#include <stdlib.h>

static bool ask_names(struct script_restore *restore, struct wire_result **result,
                      struct error *err)
{
    static const char sql[] =
        "SELECT 'r' AS kind, r.rolname::pg_catalog.text AS name FROM pg_catalog.pg_roles r\n"
        "UNION ALL\n"
        "SELECT 't', t.spcname::pg_catalog.text FROM pg_catalog.pg_tablespace t\n"
        "UNION ALL\n"
        "SELECT 'd', d.datname::pg_catalog.text FROM pg_catalog.pg_database d\n"
        "UNION ALL\n"
        "SELECT 'u', session_user::pg_catalog.text\n"
        "UNION ALL\n"
        "SELECT 'a', current_user::pg_catalog.text\n"
        "UNION ALL\n"
        "SELECT 'b', r.rolname::pg_catalog.text FROM pg_catalog.pg_roles r WHERE r.oid = 10\n"
        "UNION ALL\n"
        "SELECT 's', r.rolsuper::pg_catalog.text FROM pg_catalog.pg_roles r\n"
        " WHERE r.rolname = current_user";
    struct wire_conn *conn;

    if (!script_open_base(restore, err) || !target_settle(restore->base.target, err))
        return false;
    conn = target_session_conn(restore->base.target);
    return wire_query(conn, sql, result, err) ||
           error_prefix(err, "cannot ask for the server's roles and databases");
}

static bool take_own(char **own, const char *name, struct error *err)
{
    free(*own);
    *own = strdup(name);
    return *own != NULL || error_set_memory(err);
}

static char **own_of(struct script_restore *restore, char kind)
{
    return kind == 'u'   ? &restore->user
           : kind == 'a' ? &restore->acting
           : kind == 'b' ? &restore->bootstrap
                         : NULL;
}

static bool take_names(struct script_restore *restore, const struct wire_result *result,
                       struct error *err)
{
    for (size_t row = 0; row < wire_result_rows(result); row++) {
        const char *kind = wire_result_value(result, row, 0);
        const char *name = wire_result_value(result, row, 1);
        struct script_name *item;
        char **own;

        if (kind == NULL || name == NULL)
            return error_set(err, ERROR_PROTOCOL, "the server has a role without a name");
        own = own_of(restore, kind[0]);
        if (own != NULL && !take_own(own, name, err))
            return false;
        if (kind[0] == 's')
            restore->superuser = name[0] == 't';
        if (own != NULL || kind[0] == 's')
            continue;
        item = script_names_take(&restore->names, kind[0], name, err);
        if (item == NULL)
            return false;
        item->there = true;
    }
    return true;
}

bool script_know_names(struct script_restore *restore, struct error *err)
{
    struct wire_result *result = NULL;
    bool known = restore->names_known ||
                 (ask_names(restore, &result, err) && take_names(restore, result, err));

    wire_result_free(result);
    restore->names_known = known;
    return known;
}

struct script_name *script_find(struct script_restore *restore, char kind, const char *name,
                                struct error *err)
{
    return script_know_names(restore, err) ? script_names_take(&restore->names, kind, name, err)
                                           : NULL;
}
