/*
 * A read-only SQL session for reading catalogs. Everything it reads belongs to one snapshot; a
 * statement that fails does not end the transaction, so that the next one still can succeed.
 */
#ifndef PGCASK_MANIFEST_SESSION_H
#define PGCASK_MANIFEST_SESSION_H

#include "wire/wire.h"

#include <jansson.h>

/* What differs between server versions, for every query of the manifest. */
struct catalog_version {
    int since;                   /* server_version_num */
    const char *locale_provider; /* expression over pg_database d; SQL null where unknown */
    const char *locale;          /* the same: the provider's own locale */
};

struct session {
    struct wire_conn *conn; /* NULL: not open */
    char *database;         /* its name as raw bytes */
    const struct catalog_version *catalog;
    bool raw;            /* client_encoding is SQL_ASCII: nothing is converted */
    bool never_converts; /* the database's encoding has no conversion to UTF8 */
    bool ascii_only;     /* raw, and the bytes are not likely to be UTF-8 */
    unsigned lock_timeout_ms;
    struct buffer clean; /* a row after escaping */
};

/* The database's name is sent as it is; NULL: the settings' dbname. snapshot: exported there by
 * another session, or NULL. On failure the session is closed. */
bool session_open(struct session *session, const struct wire_settings *settings,
                  const char *database, const char *snapshot, struct cancel *cancel,
                  const struct log *log, struct error *err);
void session_close(struct session *session);

/* A small result, collected. After an error of the server the session is usable again; after any
 * other it is closed. */
bool session_query(struct session *session, const char *sql, struct wire_result **result,
                   struct error *err);

/* From here on text comes as the bytes it is stored as (raw), or else as UTF-8 wherever the server
 * can convert it, as after session_open. False: the session is closed. */
bool session_set_raw(struct session *session, bool raw, struct error *err);

/* Sends a query whose rows have two columns: an OID and a JSON object. */
bool session_send(struct session *session, const char *sql, struct error *err);

enum session_row { SESSION_ROW, SESSION_END, SESSION_FAILED };

/* The next row: *object is the caller's to json_decref. An object that held bytes that are no UTF-8
 * has a member "escaped": true. SESSION_FAILED: as for session_query. */
enum session_row session_next(struct session *session, uint32_t *oid, json_t **object,
                              struct error *err);

/* True if the error says that a text cannot be converted. */
bool session_is_encoding_error(const struct error *err);

#endif
