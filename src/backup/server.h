/* Questions to a server that are not about one backup. */
#ifndef PGCASK_BACKUP_SERVER_H
#define PGCASK_BACKUP_SERVER_H

#include "base/cancel.h"
#include "base/log.h"
#include "wire/wire.h"

/* What ping prints. */
struct server_facts {
    char server_version[64];
    int server_version_num;
    char system_identifier[32]; /* "" if not allowed */
    char wal_position[32];
    uint32_t timeline;
    bool in_recovery;
    bool tls;
    bool replication; /* a replication session could be made */
    bool sql;         /* an SQL session could be made */
    char user[256];
    char peer[512];
    struct error replication_error, sql_error; /* why not */
};
/* any_database: of no database in particular, so that another will do where the settings' is not
 * there. */
bool server_ping(const struct wire_settings *settings, bool want_replication, bool any_database,
                 struct cancel *cancel, const struct log *log, struct server_facts *facts,
                 struct error *err);

#endif
