/* What names a server: postgres+bin:// for a physical backup, postgres:// or key=value for SQL. */
#ifndef PGCASK_CLI_SERVER_URI_H
#define PGCASK_CLI_SERVER_URI_H

#include "base/error.h"
#include "wire/wire.h"

struct server_uri {
    bool physical;                  /* the scheme had "+bin" */
    struct wire_settings *settings; /* complete */
};

/* `uri` as typed, with its password; `shown` fit for messages. */
bool server_uri_parse(struct server_uri *server, const char *uri, const char *shown,
                      struct error *err);
void server_uri_reset(struct server_uri *server);

#endif
