/*
 * The few files of a PostgreSQL data directory that a restore has to understand: global/pg_control
 * (whose cluster is it?), PG_VERSION and postmaster.pid (does it run?).
 */
#ifndef PGCASK_RESTORE_CLUSTER_FILES_H
#define PGCASK_RESTORE_CLUSTER_FILES_H

#include "base/error.h"
#include "base/slice.h"

#define CONTROL_FILE "global/pg_control"
#define CONTROL_FILE_MAX (1024 * 1024) /* real ones have 8,192 bytes */

struct control_facts {
    uint64_t system_identifier;
    uint32_t version; /* of the file's layout: 1300, 1700, 1800 … */
    uint32_t state;   /* PostgreSQL's DBState, see control_state_is_clean */
};

/* All integers lie in native order, in the same places since PostgreSQL 9.3. */
bool control_facts_parse(struct slice content, struct control_facts *facts, struct error *err);

/* Whether its own checksum, without which no server starts on it, is right. */
bool control_checksum_is_right(struct slice content);

/* Shut down in order, as primary or in recovery. Only a hint: a copied or crashed cluster says
 * "in production" as well. */
bool control_state_is_clean(uint32_t state);

/* Refuses a folder that holds no cluster; reads its global/pg_control. */
bool cluster_read_control(const char *data_directory, struct control_facts *facts,
                          struct error *err);

/* Fails with ERROR_REFUSED if there is a postmaster.pid: a server runs there, or nobody can tell
 * (a process id says nothing about servers in other containers or hosts that share the folder).
 * The advice begins the hint where one runs. */
bool cluster_check_stopped(const char *data_directory, const char *advice, struct error *err);

/* Writes global/pg_control: under another name first, so that half of one never has its name. From
 * here on a server would start. */
bool cluster_write_control(const char *data_directory, struct slice content, bool no_sync,
                           struct error *err);

#endif
