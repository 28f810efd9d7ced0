/*
 * What ping prints is asked over whichever sessions there are: a server that lets us in for one of
 * both alone is there, too.
 */
#include "backup/server.h"
#include "backup/sessions_internal.h"

#include <stdio.h>

static void copy_text(char *out, size_t out_size, const char *text)
{
    snprintf(out, out_size, "%s", text == NULL ? "" : text);
}

static void ask_identity(struct sessions *sessions, struct server_facts *facts)
{
    struct system_identity identity;
    struct error ignored;

    if (sessions->replication != NULL) {
        if (!replication_identify_system(sessions->replication, &identity, &ignored))
            return;
        copy_text(facts->system_identifier, sizeof(facts->system_identifier),
                  identity.system_identifier);
        facts->timeline = identity.timeline;
        lsn_format(identity.position, facts->wal_position);
        return;
    }
    sessions_ask(sessions, "SELECT system_identifier FROM pg_catalog.pg_control_system()",
                 facts->system_identifier, sizeof(facts->system_identifier));
    sessions_ask(sessions,
                 "SELECT CASE WHEN pg_catalog.pg_is_in_recovery()"
                 " THEN pg_catalog.pg_last_wal_replay_lsn()"
                 " ELSE pg_catalog.pg_current_wal_lsn() END",
                 facts->wal_position, sizeof(facts->wal_position));
}

bool server_ping(const struct wire_settings *settings, bool want_replication, bool any_database,
                 struct cancel *cancel, const struct log *log, struct server_facts *facts,
                 struct error *err)
{
    struct sessions sessions;
    struct wire_conn *any;
    char text[16];

    *facts = (struct server_facts){0};
    if (!sessions_open(&sessions, settings, want_replication, any_database, cancel, log, err))
        return false;
    any = sessions_any(&sessions);
    copy_text(facts->server_version, sizeof(facts->server_version),
              wire_parameter(any, "server_version"));
    facts->server_version_num = wire_server_version(any);
    facts->tls = wire_uses_tls(any);
    copy_text(facts->peer, sizeof(facts->peer), wire_peer(any));
    copy_text(facts->user, sizeof(facts->user), wire_settings_get(settings, "user"));
    facts->replication = sessions.replication != NULL;
    facts->sql = sessions.sql != NULL;
    facts->replication_error = sessions.replication_error;
    facts->sql_error = sessions.sql_error;
    ask_identity(&sessions, facts);
    if (sessions_ask(&sessions, "SELECT pg_catalog.pg_is_in_recovery()", text, sizeof(text)))
        facts->in_recovery = text[0] == 't';
    else if (sessions_show(&sessions, "in_hot_standby", text, sizeof(text)))
        facts->in_recovery = strcmp(text, "on") == 0;
    sessions_close(&sessions);
    return true;
}
