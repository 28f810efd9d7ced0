/* What becomes of the roles and tablespaces of a backup or a script: made, altered, or left as they
 * are. The server's are asked for as bytes, all at once, because their names may be in any
 * encoding. */
#include "restore/restore_plan_internal.h"

#include "base/error_names.h"
#include "base/quote.h"
#include "base/utf8.h"

#include <stdio.h>

enum fate { FATE_MADE, FATE_ALTERED, FATE_LEFT, FATES };

static const struct {
    const char *key, *one, *more;
} fates[FATES] = {
    [FATE_MADE] = {"made", "is made", "are made"},
    [FATE_ALTERED] = {"altered", "is altered", "are altered"},
    [FATE_LEFT] = {"left", "is left as it is", "are left as they are"},
};

/* ---- Asking ---- */

static struct name_set *set_of(struct restore_plan *plan, char about, const char *name)
{
    if (about == 'u')
        return &plan->own_roles;
    if (about == 'c')
        return name_set_has(&plan->globals->roles, name) ? &plan->closed_roles : NULL;
    if (about == 'r')
        return name_set_has(&plan->globals->roles, name) ? &plan->roles_there : NULL;
    return name_set_has(&plan->globals->tablespaces, name) ? &plan->tablespaces_there : NULL;
}

bool restore_plan_ask_globals(struct restore_plan *plan, struct wire_conn *conn, struct error *err)
{
    /* Up to 15 CREATEROLE is the right to all roles but a few, from 16 on ADMIN OPTION is. */
    static const char sql[] =
        "WITH own AS (SELECT o.rolsuper, o.rolcreaterole,\n"
        "         pg_catalog.current_setting('server_version_num')::int >= 160000 AS is_16\n"
        "    FROM pg_catalog.pg_roles o WHERE o.rolname = current_user)\n"
        "SELECT 'r', r.rolname::pg_catalog.text FROM pg_catalog.pg_roles r\n"
        "UNION ALL SELECT 't', t.spcname::pg_catalog.text FROM pg_catalog.pg_tablespace t\n"
        "UNION ALL SELECT 'u', session_user::pg_catalog.text\n"
        "UNION ALL SELECT 'u', current_user::pg_catalog.text\n"
        "UNION ALL SELECT 'm', 'roles' FROM own WHERE rolsuper OR rolcreaterole\n"
        "UNION ALL SELECT 'c', r.rolname::pg_catalog.text FROM pg_catalog.pg_roles r, own\n"
        " WHERE NOT own.rolsuper AND NOT (own.rolcreaterole AND NOT r.rolsuper AND CASE\n"
        "   WHEN is_16 THEN pg_catalog.pg_has_role(r.oid, 'MEMBER WITH ADMIN OPTION')\n"
        "   ELSE NOT r.rolreplication END)";
    struct wire_result *rows = NULL;
    bool done = plan->globals == NULL || wire_query(conn, sql, &rows, err);

    for (size_t row = 0; done && rows != NULL && row < wire_result_rows(rows); row++) {
        const char *about = wire_result_value(rows, row, 0);
        const char *name = wire_result_value(rows, row, 1);
        bool may = about != NULL && about[0] == 'm';
        struct name_set *set =
            about == NULL || name == NULL || may ? NULL : set_of(plan, about[0], name);

        plan->may_make_roles |= may;
        done = set == NULL || name_set_add(set, name, NULL, err);
    }
    wire_result_free(rows);
    return done;
}

/* ---- What becomes of each ---- */

static enum fate fate_of(const struct restore_plan *plan, bool role, const char *name)
{
    const struct name_set *there = role ? &plan->roles_there : &plan->tablespaces_there;
    bool left = role ? name_set_has(&plan->own_roles, name) : plan->request->no_owner;

    if (plan->globals->why_left != NULL)
        return FATE_LEFT;
    if (!name_set_has(there, name))
        return FATE_MADE;
    return left ? FATE_LEFT : FATE_ALTERED;
}

static const struct name_set *names_of(const struct restore_plan *plan, bool role)
{
    static const struct name_set none = {0};

    return role                            ? &plan->globals->roles
           : plan->request->no_tablespaces ? &none
                                           : &plan->globals->tablespaces;
}

static json_t *names_to_json(const struct restore_plan *plan, bool role)
{
    const struct name_set *names = names_of(plan, role);
    json_t *object = json_object();

    for (size_t i = 0; i < FATES; i++)
        json_object_set_new(object, fates[i].key, json_array());
    for (size_t i = 0; i < names->count; i++) {
        const char *name = names->items[i].name;

        json_array_append_new(json_object_get(object, fates[fate_of(plan, role, name)].key),
                              utf8_to_json(name));
    }
    return object;
}

json_t *restore_plan_globals_to_json(const struct restore_plan *plan)
{
    json_t *object = plan->globals == NULL ? NULL : json_object();

    if (object != NULL) {
        json_object_set_new(object, "roles", names_to_json(plan, true));
        json_object_set_new(object, "tablespaces", names_to_json(plan, false));
    }
    return object;
}

/* ---- For people ---- */

#define NAMES_TOLD 8

static bool append_name(struct buffer *out, const char *name, struct error *err)
{
    char quoted[QUOTE_NAME_SIZE];
    bool escaped;

    quote_identifier(name, quoted, sizeof(quoted));
    if (quote_has_control(quoted))
        return buffer_append_byte(out, '?', err);
    return utf8_append_escaped(out, slice_string(quoted), UTF8_IN_TEXT, false, &escaped, err);
}

static bool append_fate(struct buffer *out, const struct restore_plan *plan, bool role,
                        enum fate fate, bool *any, struct error *err)
{
    const struct name_set *names = names_of(plan, role);
    struct buffer list = {0};
    size_t count = 0;
    bool done = true;

    for (size_t i = 0; done && i < names->count; i++) {
        if (fate_of(plan, role, names->items[i].name) != fate || count++ >= NAMES_TOLD)
            continue;
        done = buffer_append_string(&list, count == 1 ? "" : ", ", err) &&
               append_name(&list, names->items[i].name, err);
    }
    if (done && count > NAMES_TOLD)
        done = buffer_append_string(&list, ", …", err);
    if (done && count > 0)
        done = buffer_printf(out, err, "%s%zu %s (%s)",
                             *any   ? ", "
                             : role ? "roles: "
                                    : "tablespaces: ",
                             count, count == 1 ? fates[fate].one : fates[fate].more,
                             buffer_text(&list));
    *any |= count > 0;
    buffer_free(&list);
    return done;
}

static bool append_all(struct buffer *out, const struct restore_plan *plan, bool role,
                       struct error *err)
{
    bool any = false, done = true;

    for (int fate = 0; done && fate < FATES; fate++)
        done = append_fate(out, plan, role, (enum fate)fate, &any, err);
    if (done && any && plan->globals->why_left != NULL)
        done = buffer_printf(out, err, ": %s", plan->globals->why_left);
    return done && (!any || buffer_append_byte(out, '\n', err));
}

bool restore_plan_append_globals(struct buffer *out, const struct restore_plan *plan,
                                 struct error *err)
{
    return plan->globals == NULL ||
           (append_all(out, plan, true, err) && append_all(out, plan, false, err));
}

/* ---- What the role has no right to ---- */

/* Lists of the same shape: which of these names, and what is said of them. */
enum right { RIGHT_TO_RULE, RIGHT_TO_ALTER, RIGHT_TO_MAKE, RIGHT_TO_SPACE, RIGHTS };

static bool lacks_right(const struct restore_plan *plan, enum right right, const char *name)
{
    switch (right) {
    case RIGHT_TO_RULE:
        return !name_set_has(&plan->own_roles, name) && name_set_has(&plan->globals->ruled, name);
    case RIGHT_TO_ALTER:
        return !name_set_has(&plan->own_roles, name) && name_set_has(&plan->closed_roles, name);
    case RIGHT_TO_MAKE:
        return !plan->may_make_roles && !name_set_has(&plan->roles_there, name);
    case RIGHT_TO_SPACE:
        return !name_set_has(&plan->tablespaces_there, name);
    case RIGHTS:
        break;
    }
    return false;
}

static bool gather(const struct restore_plan *plan, enum right right, struct buffer *list,
                   size_t *count, struct error *err)
{
    const struct name_set *names = names_of(plan, right != RIGHT_TO_SPACE);
    bool done = true;

    for (size_t i = 0; done && i < names->count; i++) {
        if (!lacks_right(plan, right, names->items[i].name) || ++*count > NAMES_TOLD)
            continue;
        done = buffer_append_string(list, *count == 1 ? "" : ", ", err) &&
               append_name(list, names->items[i].name, err);
    }
    return done && (*count <= NAMES_TOLD || buffer_append_string(list, ", …", err));
}

static void judge_right(struct restore_plan *plan, enum right right)
{
    static const char to_rule[] = "change SUPERUSER, REPLICATION and BYPASSRLS of roles, and what "
                                  "is said beside these (LOGIN, passwords) fails with them";
    static const char *const words[RIGHTS] = {
        [RIGHT_TO_RULE] = to_rule,
        [RIGHT_TO_ALTER] = "alter roles that are there",
        [RIGHT_TO_MAKE] = "make roles",
        [RIGHT_TO_SPACE] = "make tablespaces",
    };
    char role[QUOTE_NAME_SIZE];
    struct buffer list = {0};
    struct error ignored;
    size_t count = 0;

    if (gather(plan, right, &list, &count, &ignored) && count > 0)
        preflight_add(
            plan->report, restore_request_ends_on_failure(plan->request),
            "Restore as a superuser; or have roles and tablespaces made by somebody who may, and "
            "restore without them: " OPTION_NO_GLOBALS ".",
            "the role %s may not %s: %zu (%s)",
            quote_identifier(plan->server.role == NULL ? "" : plan->server.role, role,
                             sizeof(role)),
            words[right], count, buffer_text(&list));
    buffer_free(&list);
}

void restore_plan_judge_globals(struct restore_plan *plan)
{
    if (plan->globals == NULL || plan->globals->why_left != NULL || plan->server.superuser ||
        plan->request->no_globals)
        return;
    for (int right = 0; right < RIGHTS; right++)
        judge_right(plan, (enum right)right);
}
