/* pgcask ping. */
#include "cli/command.h"
#include "cli/server_uri.h"

#include "backup/server.h"

#include <inttypes.h>
#include <stdlib.h>

static json_t *session_result(bool possible, const struct error *why_not)
{
    json_t *object = json_object();

    result_set_flag(object, "possible", possible);
    if (!possible && why_not->code != ERROR_NONE)
        result_set(object, "error", result_error(why_not));
    return object;
}

static void fill_result(json_t *result, const struct server_facts *facts)
{
    result_set_text(result, "peer", facts->peer);
    result_set_text(result, "user", facts->user);
    result_set_text(result, "server_version", facts->server_version);
    result_set_number(result, "server_version_num", (uint64_t)facts->server_version_num);
    result_set_flag(result, "tls", facts->tls);
    result_set_flag(result, "in_recovery", facts->in_recovery);
    if (facts->system_identifier[0] != '\0')
        result_set_text(result, "system_identifier", facts->system_identifier);
    if (facts->wal_position[0] != '\0')
        result_set_text(result, "wal_position", facts->wal_position);
    if (facts->timeline != 0)
        result_set_number(result, "timeline", facts->timeline);
    result_set(result, "sql", session_result(facts->sql, &facts->sql_error));
    result_set(result, "replication",
               session_result(facts->replication, &facts->replication_error));
}

static void say_session(const struct command *command, const char *what, bool possible,
                        const struct error *why_not)
{
    if (possible)
        command_say(command, "%-19s yes", what);
    else if (why_not->code == ERROR_NONE)
        command_say(command, "%-19s not tried", what);
    else
        command_say(command, "%-19s no: " ERROR_OURS("%s"), what, why_not->message);
}

static void say_facts(const struct command *command, const struct server_facts *facts)
{
    command_say(command, "%-19s PostgreSQL %s at %s", "server", facts->server_version, facts->peer);
    command_say(command, "%-19s %s", "user", facts->user);
    command_say(command, "%-19s %s", "encryption", facts->tls ? "TLS" : "none");
    command_say(command, "%-19s %s", "role", facts->in_recovery ? "standby" : "primary");
    if (facts->system_identifier[0] != '\0')
        command_say(command, "%-19s %s", "system identifier", facts->system_identifier);
    if (facts->wal_position[0] != '\0')
        command_say(command, "%-19s %s on timeline %" PRIu32, "WAL position", facts->wal_position,
                    facts->timeline);
    say_session(command, "SQL session", facts->sql, &facts->sql_error);
    say_session(command, "replication session", facts->replication, &facts->replication_error);
}

/* The session that the URI's kind of backup needs must be possible. */
static bool check_sessions(const struct server_facts *facts, bool physical, struct error *err)
{
    if (physical ? facts->replication : facts->sql)
        return true;
    *err = physical ? facts->replication_error : facts->sql_error;
    if (err->code == ERROR_NONE)
        return error_set(err, ERROR_REFUSED, "no %s session could be made",
                         physical ? "replication" : "SQL");
    return false;
}

bool command_ping(struct command *command, struct error *err)
{
    struct server_facts *facts = calloc(1, sizeof(*facts)); /* large for a stack */
    const char *shown = options_argument(command->options, 0);
    struct server_uri server = {0};
    bool done, any;

    if (facts == NULL)
        return error_set_memory(err);
    result_set_text(command->result, "source", shown);
    done = server_uri_of_command(&server, command, err);
    /* A backup of all databases takes whichever lets it in, too. */
    any = done && (server.physical ||
                   wire_settings_database_from(server.settings) == WIRE_DATABASE_LIKE_USER);
    done = done && server_ping(server.settings, server.physical, any, command->cancel,
                               &command->console->log, facts, err);
    if (done) {
        fill_result(command->result, facts);
        say_facts(command, facts);
        done = check_sessions(facts, server.physical, err);
    }
    server_uri_reset(&server);
    free(facts);
    return done;
}
