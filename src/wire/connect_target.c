/*
 * target_session_attrs. Servers from 14 on report what it asks about; older ones are asked by a
 * query. A physical replication session runs no SQL, but knows SHOW.
 */
#include "wire/connect_internal.h"
#include "base/error_names.h"

/* What is known of a session, as "on", "off" or "" for unknown. */
struct session_facts {
    char read_only[4]; /* transactions are read-only, for whichever reason */
    char in_recovery[4];
};

static bool asks_for_writing(const char *target)
{
    return strcmp(target, "read-write") == 0 || strcmp(target, "read-only") == 0;
}

static void set_fact(char fact[4], bool value)
{
    memcpy(fact, value ? "on" : "off", value ? 3 : 4);
}

static bool is_on(const char *text)
{
    return strcmp(text, "on") == 0 || strcmp(text, "t") == 0;
}

/* The only value of a query's only row. */
static bool ask(struct wire_conn *conn, const char *sql, bool *value, struct error *err)
{
    struct wire_result *result = NULL;
    const char *text = NULL;

    if (!wire_query(conn, sql, &result, err))
        return false;
    if (result != NULL && wire_result_rows(result) == 1 && wire_result_columns(result) == 1)
        text = wire_result_value(result, 0, 0);
    if (text != NULL)
        *value = is_on(text);
    else
        error_set(err, ERROR_PROTOCOL, "the server's answer to \"%s\" makes no sense", sql);
    wire_result_free(result);
    return text != NULL;
}

static void facts_from_parameters(const struct wire_conn *conn, struct session_facts *facts)
{
    const char *standby = wire_parameter(conn, "in_hot_standby");
    const char *read_only = wire_parameter(conn, "default_transaction_read_only");

    if (standby == NULL)
        return;
    set_fact(facts->in_recovery, is_on(standby));
    if (read_only != NULL)
        set_fact(facts->read_only, is_on(standby) || is_on(read_only));
}

static bool ask_read_only(struct wire_conn *conn, struct session_facts *facts, struct error *err)
{
    bool value;

    if (!ask(conn, "SHOW transaction_read_only", &value, err))
        return false;
    set_fact(facts->read_only, value);
    return true;
}

static bool ask_in_recovery(struct wire_conn *conn, struct session_facts *facts, struct error *err)
{
    bool value;

    if (!ask(conn, "SELECT pg_catalog.pg_is_in_recovery()", &value, err))
        return false;
    set_fact(facts->in_recovery, value);
    return true;
}

/* In recovery every transaction is read-only. Otherwise only one is whose default it is. */
static bool guess_in_recovery(struct wire_conn *conn, struct session_facts *facts,
                              struct error *err)
{
    bool read_only, by_default;

    if (!ask(conn, "SHOW transaction_read_only", &read_only, err) ||
        !ask(conn, "SHOW default_transaction_read_only", &by_default, err))
        return false;
    if (read_only && by_default) {
        error_set(err, ERROR_CONNECT,
                  "a replication session of this version does not tell whether "
                  "the server is a standby");
        return error_hint(err, "ALTER ROLE … SET default_transaction_read_only = off; for the role "
                               "that makes backups.");
    }
    set_fact(facts->in_recovery, read_only);
    return true;
}

static bool find_facts(struct attempt *attempt, const char *target, struct session_facts *facts,
                       struct error *err)
{
    struct wire_conn *conn = attempt->conn;

    facts_from_parameters(conn, facts);
    if (asks_for_writing(target))
        return facts->read_only[0] != '\0' || ask_read_only(conn, facts, err);
    if (facts->in_recovery[0] != '\0')
        return true;
    return attempt->options->kind == WIRE_SESSION_REPLICATION ? guess_in_recovery(conn, facts, err)
                                                              : ask_in_recovery(conn, facts, err);
}

static bool refuse(const char *target, const char *what, struct error *err)
{
    error_set(err, ERROR_CONNECT, "%s, and " SETTING_TARGET_SESSION_ATTRS " is %s", what, target);
    error_reason(err, "session_not_wanted");
    return error_hint(err,
                      "Name another host as well (host=a,b), or leave " SETTING_TARGET_SESSION_ATTRS
                      " out.");
}

static bool judge(const char *target, const struct session_facts *facts, struct error *err)
{
    bool standby_wanted = strcmp(target, "standby") == 0 || strcmp(target, "prefer-standby") == 0;

    if (asks_for_writing(target)) {
        bool wanted = strcmp(target, "read-only") == 0;

        if (is_on(facts->read_only) == wanted)
            return true;
        return refuse(target, wanted ? "the session is not read-only" : "the session is read-only",
                      err);
    }
    if (is_on(facts->in_recovery) == standby_wanted)
        return true;
    return refuse(target, standby_wanted ? "the server is no standby" : "the server is a standby",
                  err);
}

static void part(struct wire_conn *conn)
{
    struct error ignored;

    if (!conn->broken && message_append_terminate(&conn->output, &ignored))
        conn_flush(conn, &ignored);
}

bool connect_check_target(struct attempt *attempt, struct error *err)
{
    const char *target = wire_settings_get(attempt->settings, "target_session_attrs");
    struct session_facts facts = {.read_only = ""};

    if (target == NULL || strcmp(target, "any") == 0 || attempt->any_will_do)
        return true;
    if (find_facts(attempt, target, &facts, err) && judge(target, &facts, err))
        return true;
    attempt->unfit = true;
    part(attempt->conn);
    return false;
}
