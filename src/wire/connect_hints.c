/*
 * What a server answers a newcomer with, and what would mend it. The line for pg_hba.conf is
 * written out, with the address that the server saw: behind a NAT it is not the one we see.
 */
#include "wire/connect_internal.h"

#include "base/clock.h"
#include "base/error_names.h"
#include "base/quote.h"

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
    if (!plain)
        return quote_identifier(name, out, out_size);
    snprintf(out, out_size, "%s", name);
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

/* Whether the settings keep us from TLS: lines for it, which may well be there, do not apply. */
static bool without_tls(const struct attempt *attempt)
{
    enum tls_mode mode;
    struct error ignored;

    return !attempt->conn->uses_tls && settings_tls_mode(attempt->settings, &mode, &ignored) &&
           mode == TLS_DISABLE;
}

#define TLS_FIRST                                                                                  \
    "The server may have a line for TLS: set " SETTING_SSLMODE "=require. If it has "              \
    "none, "

static void hint_hba_line(const struct attempt *attempt, struct error *err)
{
    const struct wire_conn *conn = attempt->conn;
    bool forbids_tls = without_tls(attempt);
    char database[QUOTE_NAME_SIZE], user[QUOTE_NAME_SIZE], address[SOCKET_TEXT_SIZE + 8];
    const char *where = attempt->options->kind == WIRE_SESSION_REPLICATION
                            ? "replication"
                            : hba_name(attempt->database, database, sizeof(database));
    const char *who = hba_name(attempt->user, user, sizeof(user));
    /* Of the lines that apply the first counts. */
    const char *place =
        strstr(err->message, "rejects") == NULL ? "" : ", above the line that rejects this";

    if (conn->address.storage.ss_family == AF_UNIX) {
        error_hint(err,
                   "Add to pg_hba.conf%s:  local %s %s scram-sha-256  and reload: SELECT "
                   "pg_reload_conf();",
                   place, where, who);
        return;
    }
    our_address(conn, err->message, address, sizeof(address));
    error_hint(err,
               ERROR_OURS("%s") "dd to pg_hba.conf%s:  %s %s %s %s scram-sha-256  and reload: "
                                "SELECT pg_reload_conf();",
               forbids_tls ? TLS_FIRST "a" : "A", place, conn->uses_tls ? "hostssl" : "host", where,
               who, address);
}

static void hint_password(const char *user, struct error *err)
{
    char name[QUOTE_NAME_SIZE];

    quote_identifier(user, name, sizeof(name));
    error_hint(err,
               "Check the user name and the password (" SETTING_PASSWORD
               ", " SETTING_PASSWORD_COMMAND ", the " SETTING_PASSFILE
               "). A superuser can set it: ALTER ROLE %s PASSWORD '…'; and, if it has expired "
               "(SELECT rolvaliduntil FROM pg_roles), ALTER ROLE %s VALID UNTIL 'infinity';",
               name, name);
}

/* Of what is wrong with a token, a server says nothing but that it is. */
static void hint_token(const struct attempt *attempt, struct error *err)
{
    const char *region =
        connect_first_set(wire_settings_get(attempt->settings, "region"), NULL, "?");
    char name[QUOTE_NAME_SIZE], now[CLOCK_TEXT_SIZE];

    clock_format_utc(time(NULL), now);
    error_hint(err,
               "The token was made for %s:%s in %s. Is that the endpoint as AWS names it, and its "
               "region? The role needs GRANT rds_iam TO %s; the AWS credentials a policy that "
               "allows rds-db:connect on arn:aws:rds-db:%s:ACCOUNT:dbuser:RESOURCE-ID/%s; the "
               "instance IAM database authentication; and this machine the right time (now %s).",
               attempt->host, attempt->port, region,
               quote_identifier(attempt->user, name, sizeof(name)), region, attempt->user, now);
}

static bool is_state(const struct error *err, const char *sqlstate)
{
    return strcmp(err->sqlstate, sqlstate) == 0;
}

static bool says(const struct error *err, const char *words)
{
    return strstr(err->message, words) != NULL;
}

/* A role that is not there, or may not log in; in a language that we do not know, either. */
static void hint_role(enum wire_session_kind kind, const char *user, struct error *err)
{
    const char *rights = kind == WIRE_SESSION_SQL ? "LOGIN" : "LOGIN REPLICATION";
    char name[QUOTE_NAME_SIZE];

    quote_identifier(user, name, sizeof(name));
    if (says(err, "is not permitted to log in"))
        error_hint(err, "ALTER ROLE %s LOGIN;", name);
    else if (says(err, "does not exist"))
        error_hint(err,
                   "Check the user name. A superuser can make the role: CREATE ROLE %s %s "
                   "PASSWORD '…';",
                   name, rights);
    else
        error_hint(err,
                   "Check the user name. A superuser can make the role (CREATE ROLE %s %s "
                   "PASSWORD '…';) or let it log in (ALTER ROLE %s LOGIN;).",
                   name, rights, name);
}

/* SQLSTATE 28000 in all its meanings: the server has one for each way to show who one is. */
static void hint_identity(enum wire_session_kind kind, const char *user, struct error *err)
{
    if (says(err, "valid client certificate"))
        error_hint(
            err,
            "Set " SETTING_SSLCERT " and " SETTING_SSLKEY ", and " SETTING_SSLMODE
            "=require: a certificate that an authority in the server's ssl_ca_file has signed.");
    else if (says(err, "\"trust\" authentication failed") ||
             says(err, "ertificate authentication failed"))
        error_hint(
            err,
            "The common name in the certificate (" SETTING_SSLCERT
            ") has to be \"%s\", unless the line of pg_hba.conf has a map for it in pg_ident.conf.",
            user);
    else if (says(err, "Peer authentication failed") || says(err, "Ident authentication failed"))
        error_hint(
            err,
            "The line of pg_hba.conf wants this to run as the system user \"%s\". Do so, map "
            "the name in pg_ident.conf, or put a line with scram-sha-256 above it.",
            user);
    else
        hint_role(kind, user, err);
}

static void hint_no_database(const struct attempt *attempt, struct error *err)
{
    if (attempt->options->database == NULL &&
        wire_settings_database_from(attempt->settings) == WIRE_DATABASE_LIKE_USER)
        error_hint(err, "No database was named, so that one of the role's name was tried: name "
                        "one, as in postgres://USER@HOST/DATABASE. SELECT datname FROM "
                        "pg_database; in the database postgres lists what there is.");
    else
        error_hint(err, "Check the database name; SELECT datname FROM pg_database; in the database "
                        "postgres lists what there is.");
}

/* SQLSTATE 42501: a setting, the right to enter the database, or that to replicate. The detail on
 * CONNECT names it in every language. */
static void hint_right(const struct attempt *attempt, struct error *err)
{
    char user[QUOTE_NAME_SIZE], database[QUOTE_NAME_SIZE];

    quote_identifier(attempt->user, user, sizeof(user));
    if (says(err, "set parameter"))
        error_hint(err,
                   "Leave it out of " SETTING_OPTIONS
                   " (PGOPTIONS), or GRANT SET ON PARAMETER … TO %s; (PostgreSQL 15 and later).",
                   user);
    else if (attempt->options->kind != WIRE_SESSION_SQL && strstr(err->detail, "CONNECT") == NULL)
        error_hint(err, "ALTER ROLE %s REPLICATION;", user);
    else
        error_hint(err, "GRANT CONNECT ON DATABASE %s TO %s;",
                   quote_identifier(attempt->database, database, sizeof(database)), user);
}

/* What a role or a database is not allowed, and settings that the server does not take. */
static void hint_limit(const struct attempt *attempt, struct error *err)
{
    char user[QUOTE_NAME_SIZE], database[QUOTE_NAME_SIZE];

    quote_identifier(attempt->user, user, sizeof(user));
    quote_identifier(attempt->database, database, sizeof(database));
    if (is_state(err, "53300") && says(err, "for role"))
        error_hint(err, "End sessions of the role, or ALTER ROLE %s CONNECTION LIMIT -1;", user);
    else if (is_state(err, "53300") && says(err, "for database"))
        error_hint(err, "End sessions of the database, or ALTER DATABASE %s CONNECTION LIMIT -1;",
                   database);
    else if (is_state(err, "55000") && err->hint[0] == '\0')
        error_hint(err, "ALTER DATABASE %s ALLOW_CONNECTIONS true;", database);
    else if (is_state(err, "22023") || is_state(err, "42704") || is_state(err, "55P02") ||
             is_state(err, "42601"))
        error_hint(err, "Check " SETTING_OPTIONS " and " SETTING_CLIENT_ENCODING
                        " (PGOPTIONS), and what ALTER ROLE … SET and ALTER DATABASE … SET give to "
                        "this session.");
    else if (is_state(err, "0A000") && says(err, "conversion between"))
        error_hint(err, "Leave " SETTING_CLIENT_ENCODING
                        " away: what is read then stays in the database's own encoding.");
}

void connect_hint(const struct attempt *attempt, struct error *err)
{
    enum wire_session_kind kind = attempt->options->kind;

    if (is_state(err, "28000") && says(err, "pg_hba.conf"))
        hint_hba_line(attempt, err);
    else if (attempt->settings->wants_tokens &&
             (is_state(err, "28P01") || (is_state(err, "28000") && says(err, "PAM"))))
        hint_token(attempt, err);
    else if (is_state(err, "28P01"))
        hint_password(attempt->user, err);
    else if (is_state(err, "28000"))
        hint_identity(kind, attempt->user, err);
    else if (is_state(err, "3D000"))
        hint_no_database(attempt, err);
    else if (is_state(err, "42501"))
        hint_right(attempt, err);
    else if (is_state(err, "53300") && kind != WIRE_SESSION_SQL && !says(err, "for role") &&
             !says(err, "for database"))
        error_hint(err, "Raise max_wal_senders (a restart) or max_connections, or end replication "
                        "sessions that nobody needs: SELECT * FROM pg_stat_replication;");
    else
        hint_limit(attempt, err);
}
