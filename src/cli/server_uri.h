/* What names a server: postgres+bin:// for a physical backup, postgres:// or key=value for SQL;
 * postgres+aws:// for SQL with tokens of AWS IAM in place of a password. */
#ifndef PGCASK_CLI_SERVER_URI_H
#define PGCASK_CLI_SERVER_URI_H

#include "aws/login.h"
#include "cli/command.h"
#include "process/password.h"
#include "wire/wire.h"

struct server_uri {
    bool physical;                  /* the scheme had "+bin" */
    bool names_database;            /* itself, not the environment */
    struct wire_settings *settings; /* complete */
    /* What the settings ask; NULL after server_uri_parse, and where they do not need it. */
    struct password_source *password;
    struct aws_login *login;
};

/* `uri` as typed, with its password; `shown` fit for messages. password_command may be NULL. */
bool server_uri_parse(struct server_uri *server, const char *uri, const char *shown,
                      const char *password_command, struct error *err);

/* The server that a command's first argument and its options name, with whom its sessions tell of
 * themselves and whom they ask for a password. */
bool server_uri_of_command(struct server_uri *server, const struct command *command,
                           struct error *err);
/* Another one, with the same options. */
bool server_uri_open(struct server_uri *server, const struct command *command, const char *uri,
                     const char *shown, struct error *err);
void server_uri_reset(struct server_uri *server);

#endif
