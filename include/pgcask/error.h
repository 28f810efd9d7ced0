/*
 * Errors are values. A function that can fail takes a struct pgcask_error, which may be NULL, and
 * fills it on failure only; on success it is left as it was.
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
    enum pgcask_error_code code;
    char sqlstate[6]; /* five characters; "" unless code is PGCASK_ERROR_SERVER */
    char message[1024];
    char detail[1024];
    char hint[2048];
};

/* A stable lower-case word: "usage", "connection_lost", … "unknown" for any other number. */
const char *pgcask_error_code_name(enum pgcask_error_code code);

/* For callbacks: replaces whatever *error held (NULL is allowed) and returns false, so that
 * `return pgcask_error_set(…);` ends the callback. Texts that do not fit are cut. */
bool pgcask_error_set(struct pgcask_error *error, enum pgcask_error_code code, const char *format,
                      ...) PGCASK_PRINTF(3, 4);

PGCASK_C_END

#endif
