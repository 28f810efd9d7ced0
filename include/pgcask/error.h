/*
 * Errors are values. A function that can fail takes a struct pgcask_error, which may be NULL, and
 * fills it on failure only; on success it is left as it was.
 *
 *     struct pgcask_error error;
 *     PGCASK_INIT(error);
 *     if (!pgcask_settings_parse(settings, text, &error))
 *         complain(error.message, error.hint);
 *
 * The message is a phrase without capital or full stop that names the thing it happened to; detail
 * and hint are sentences or commands, "" where there is nothing to say. Options in hints are those
 * of the command pgcask. No text ever holds a password. The structure owns its texts: it can be
 * copied and kept.
 */
#ifndef PGCASK_ERROR_H
#define PGCASK_ERROR_H

#include "common.h"

PGCASK_C_BEGIN

enum pgcask_error_code {
    PGCASK_ERROR_NONE = 0,
    PGCASK_ERROR_USAGE,           /* a setting, option or call that makes no sense */
    PGCASK_ERROR_MEMORY,          /* an allocation failed */
    PGCASK_ERROR_IO,              /* a local file, folder or pipe, or a callback of yours */
    PGCASK_ERROR_CONNECT,         /* no connection could be made */
    PGCASK_ERROR_AUTHENTICATION,  /* the server does not believe us, or we do not believe it */
    PGCASK_ERROR_TLS,             /* certificates, handshake */
    PGCASK_ERROR_CONNECTION_LOST, /* an established connection ended */
    PGCASK_ERROR_TIMEOUT,         /* a wait reached its limit */
    PGCASK_ERROR_CANCELLED,       /* pgcask_cancel_request was called */
    PGCASK_ERROR_PROTOCOL,        /* the server broke a rule of its protocol */
    PGCASK_ERROR_SERVER,          /* the server reported an error; sqlstate is set */
    PGCASK_ERROR_CORRUPT,         /* a backup that is not what it says it is */
    PGCASK_ERROR_UNSUPPORTED,     /* a version or feature that pgcask does not know */
    PGCASK_ERROR_REFUSED          /* we will not: the target is not empty, the cluster runs, … */
};

struct pgcask_error {
    size_t struct_size; /* see PGCASK_INIT; where it was not set, no more is filled in than there is
                           in the first version, which is this one */
    enum pgcask_error_code code;
    int errno_value;  /* errno of the system call that failed; 0 if it was none */
    char sqlstate[6]; /* five characters; "" unless a server reported the error */
    char reason[32];  /* more exactly than code what it is: a stable lower-case word, see below */
    char message[1024];
    char detail[1024];
    char hint[2048];
};

/*
 * Words of `reason` that a program may act on. New ones come where there was only the code's name,
 * which is the reason of any other error.
 *
 *   of a target     "target_exists" "target_not_empty" "partial_exists" (another run writes it)
 *                   "disk_full" "quota_exceeded" "permission_denied" "not_found" "exists"
 *                   "read_only" "file_too_large" "too_many_open_files" "pipe_closed" "terminal"
 *   of a cluster    "server_running" "no_cluster" "other_cluster" "restore_interrupted"
 *   connecting      "host_unknown" "host_unreachable" "connection_refused" "connect_timeout"
 *                   "session_not_wanted" (target_session_attrs) "server_starting"
 *                   "too_many_connections" "wrong_password" "login_refused" "database_not_found"
 *   at work         "lock_timeout" "server_silent" "retained_wal_limit" "session_timeout"
 *                   "query_cancelled" "server_shutdown" "server_disk_full" "server_out_of_memory"
 *                   "server_limit_reached" "object_not_found" "pattern_matches_nothing"
 *                   "database_gone" (dropped or renamed meanwhile)
 *   versions        "server_too_old" "server_too_new"
 */

/* A stable lower-case word: "usage", "connection_lost", … "unknown" for any other number. */
const char *pgcask_error_code_name(enum pgcask_error_code code);

/* For callbacks: replaces whatever *error held (NULL is allowed) and returns false, so that
 * `return pgcask_error_set(…);` ends the callback. Texts that do not fit are cut. */
bool pgcask_error_set(struct pgcask_error *error, enum pgcask_error_code code, const char *format,
                      ...) PGCASK_PRINTF(3, 4);

PGCASK_C_END

#endif
