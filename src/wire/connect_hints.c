/*
 * What a server answers a newcomer with, and what would mend it. The line for pg_hba.conf is
 * written out, with the address that the server saw: behind a NAT it is not the one we see.
 */
#include "wire/conn_internal.h"

#include <arpa/inet.h>
#include <stdio.h>

/* Names of pg_hba.conf that are not plain words must be quoted. */
static const char *hba_name(const char *name, char *out, size_t out_size)
{
    static const char *const keywords[] = {"all", "sameuser", "samerole", "samegroup",
                                           "replication"};
    bool plain = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == strlen(name);

    for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
        plain = plain && strcmp(name, keywords[i]) != 0;
    snprintf(out, out_size, plain ? "%s" : "\"%s\"", name);
    return out;
}

/* The address in: no pg_hba.conf entry for host "10.0.0.7", … */
static bool address_in_message(const char *message, char *out, size_t out_size)
{
    uint8_t bytes[16];

    for (const char *at = strchr(message, '"'); at != NULL; at = strchr(at + 1, '"')) {
        size_t len = strcspn(at + 1, "\"");

        if (len == 0 || len >= out_size)
            continue;
        memcpy(out, at + 1, len);
        out[len] = '\0';
        if (inet_pton(AF_INET, out, bytes) == 1 || inet_pton(AF_INET6, out, bytes) == 1)
            return true;
    }
    return false;
}

static void our_address(const struct wire_conn *conn, const char *message, char *out,
                        size_t out_size)
{
    struct socket_address local = {.len = sizeof(local.storage)};
    char text[SOCKET_TEXT_SIZE] = "";

    if (!address_in_message(message, text, sizeof(text)) &&
        getsockname(conn->transport.fd, (struct sockaddr *)&local.storage, &local.len) == 0)
        socket_address_text(&local, text);
    snprintf(out, out_size, "%s/%d", text, strchr(text, ':') != NULL ? 128 : 32);
}

static void hint_hba_line(const struct wire_conn *conn, enum wire_session_kind kind,
                          const char *database, const char *user, struct error *err)
{
    char quoted_database[130], quoted_user[130], address[SOCKET_TEXT_SIZE + 8];
    const char *where = kind == WIRE_SESSION_REPLICATION
                            ? "replication"
                            : hba_name(database, quoted_database, sizeof(quoted_database));
    const char *who = hba_name(user, quoted_user, sizeof(quoted_user));

    if (conn->address.storage.ss_family == AF_UNIX) {
        error_hint(err,
                   "Add to pg_hba.conf:  local %s %s scram-sha-256  and reload: SELECT "
                   "pg_reload_conf();",
                   where, who);
        return;
    }
    our_address(conn, err->message, address, sizeof(address));
    error_hint(err,
               "Add to pg_hba.conf:  %s %s %s %s scram-sha-256  and reload: SELECT "
               "pg_reload_conf();%s",
               conn->uses_tls ? "hostssl" : "host", where, who, address,
               conn->uses_tls ? "" : "  If a hostssl line is there already, set sslmode=require.");
}

static void hint_password(const char *user, struct error *err)
{
    error_hint(err,
               "Check the user name and the password (the URI, PGPASSWORD, password_command, the "
               "passfile). A superuser can set it: ALTER ROLE \"%s\" PASSWORD '…';",
               user);
}

static bool is_state(const struct error *err, const char *sqlstate)
{
    return strcmp(err->sqlstate, sqlstate) == 0;
}

/* SQLSTATE 28000 in all its meanings: the server has one for each way to show who one is. */
static void hint_identity(enum wire_session_kind kind, const char *user, struct error *err)
{
    const char *role = kind == WIRE_SESSION_SQL ? "LOGIN" : "LOGIN REPLICATION";

    if (strstr(err->message, "valid client certificate") != NULL)
        error_hint(err, "Set sslcert and sslkey, and sslmode=require: a certificate that an "
                        "authority in the server's ssl_ca_file has signed.");
    else if (strstr(err->message, "\"trust\" authentication failed") != NULL ||
             strstr(err->message, "ertificate authentication failed") != NULL)
        error_hint(err,
                   "The common name in the certificate (sslcert) has to be \"%s\", unless the line "
                   "of pg_hba.conf has a map for it in pg_ident.conf.",
                   user);
    else if (strstr(err->message, "Peer authentication failed") != NULL ||
             strstr(err->message, "Ident authentication failed") != NULL)
        error_hint(
            err,
            "The line of pg_hba.conf wants this to run as the system user \"%s\". Do so, map "
            "the name in pg_ident.conf, or put a line with scram-sha-256 above it.",
            user);
    else
        error_hint(err,
                   "Check the user name. A superuser can make the role (CREATE ROLE \"%s\" %s "
                   "PASSWORD '…';) or let it log in (ALTER ROLE \"%s\" LOGIN;).",
                   user, role, user);
}

/* What a role or a database is not allowed, and settings that the server does not take. */
static void hint_limit(const char *database, const char *user, struct error *err)
{
    if (is_state(err, "53300") && strstr(err->message, "for role") != NULL)
        error_hint(err, "End sessions of the role, or ALTER ROLE \"%s\" CONNECTION LIMIT -1;",
                   user);
    else if (is_state(err, "53300") && strstr(err->message, "for database") != NULL)
        error_hint(err,
                   "End sessions of the database, or ALTER DATABASE \"%s\" CONNECTION LIMIT -1;",
                   database);
    else if (is_state(err, "55000"))
        error_hint(err, "ALTER DATABASE \"%s\" ALLOW_CONNECTIONS true;", database);
    else if (is_state(err, "22023") || is_state(err, "42704") || is_state(err, "55P02") ||
             is_state(err, "42601"))
        error_hint(err, "Check options and client_encoding (PGOPTIONS, PGCLIENTENCODING), and what "
                        "ALTER ROLE … SET and ALTER DATABASE … SET give to this session.");
}

void connect_hint(const struct wire_conn *conn, enum wire_session_kind kind, const char *database,
                  const char *user, struct error *err)
{
    if (is_state(err, "28000") && strstr(err->message, "pg_hba.conf") != NULL)
        hint_hba_line(conn, kind, database, user, err);
    else if (is_state(err, "28P01"))
        hint_password(user, err);
    else if (is_state(err, "28000"))
        hint_identity(kind, user, err);
    else if (is_state(err, "3D000"))
        error_hint(err, "Check the database name; SELECT datname FROM pg_database; in the database "
                        "postgres lists what there is.");
    else if (is_state(err, "42501") && strstr(err->message, "set parameter") != NULL)
        error_hint(err,
                   "Leave it out of options (PGOPTIONS), or GRANT SET ON PARAMETER … TO \"%s\"; "
                   "(PostgreSQL 15 and later).",
                   user);
    else if (is_state(err, "42501") && kind != WIRE_SESSION_SQL)
        error_hint(err, "ALTER ROLE \"%s\" REPLICATION;", user);
    else if (is_state(err, "42501"))
        error_hint(err, "GRANT CONNECT ON DATABASE \"%s\" TO \"%s\";", database, user);
    else if (is_state(err, "53300") && kind != WIRE_SESSION_SQL)
        error_hint(err, "Raise max_wal_senders (a restart) or max_connections, or end replication "
                        "sessions that nobody needs: SELECT * FROM pg_stat_replication;");
    else
        hint_limit(database, user, err);
}
