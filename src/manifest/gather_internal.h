/*
 * The manifest as it is gathered. manifest_stream.c drives it; cluster.c knows what
 * concerns the whole cluster, databases.c its databases, section.c the arrays that stream.
 */
#ifndef PGCASK_MANIFEST_GATHER_INTERNAL_H
#define PGCASK_MANIFEST_GATHER_INTERNAL_H

#include "base/failure.h"
#include "manifest/json_writer.h"
#include "manifest/manifest_stream.h"
#include "manifest/session.h"

/* Timestamps as RFC 3339 in UTC; null where there is none. That standard knows the years 1 to 9999
 * only, and "for ever" is null. The expression must be a timestamptz. */
#define SQL_TIME(expression)                                                                       \
    "CASE WHEN " expression " < 'infinity' THEN pg_catalog.to_char(pg_catalog.timezone('UTC', "    \
    "GREATEST(LEAST(" expression ", '9999-12-31 23:59:59+00'), '0001-01-01 00:00:00+00')), "       \
    "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') END"

/* True for the namespaces whose content counts as the user's. */
#define SQL_USER_NAMESPACE                                                                         \
    "n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') "                           \
    "AND NOT pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_temp_') "                      \
    "AND NOT pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_toast_temp_')"

struct unavailable {
    char *field, *reason, *hint; /* hint may be NULL */
};

/* A copy of the request's manifest_snapshot. */
struct asked_for {
    char *database, *snapshot; /* snapshot may be NULL */
    bool same;
};

struct database {
    bool detailed;                     /* connectable and to be looked into */
    const struct asked_for *asked_for; /* NULL: not by name */
    uint32_t oid;
    char *name; /* raw bytes, to connect with */
    char *head; /* its own fields as JSON; NULL where they could not be read */
};

/* One array of objects that come from one query, written as they arrive. */
struct section {
    const char *key;  /* its name in the object that holds it */
    bool of_database; /* of the current one, else of the cluster */
    const char *sql;  /* the query, ordered; NULL: relations_sql */
    bool sent, opened, done;
    bool raw;         /* text is read as it is stored: it could not be converted */
    bool one;         /* the query in flight gives one relation only, without definitions */
    bool plain;       /* relations are read without definitions from here on */
    uint64_t rows;    /* written so far … */
    uint64_t started; /* … and before the query in flight was sent */
    uint32_t last;    /* OID of the last one */
    unsigned mishaps; /* relations whose definitions could not be read */
    struct error mishap;
};

enum stage {
    STAGE_HEAD,
    STAGE_ROLES,
    STAGE_TABLESPACES,
    STAGE_LIST,
    STAGE_DATABASE,
    STAGE_EXTENSIONS,
    STAGE_SCHEMAS,
    STAGE_RELATIONS,
    STAGE_TAIL,
    STAGE_DONE
};

struct manifest {
    struct reader reader; /* first: the reader is the manifest */

    /* The request: its texts are copies. */
    char *connector, *dump_format, *database, *snapshot, *system_identifier, *wal_position;
    struct asked_for *asked_for; /* the same */
    size_t asked_for_count;
    json_t *options; /* the "options" object; NULL: none */
    json_t *members; /* those that only the job knows; NULL: none */
    const struct wire_settings *settings;
    struct wire_conn *replication;
    uint32_t timeline;
    struct cancel *cancel;
    const struct log *log;

    struct buffer out;
    struct json_writer writer;

    enum stage stage;
    struct section section;
    struct session session;
    struct error no_session; /* why the cluster cannot be asked by SQL, if it cannot */
    unsigned unanswered;     /* connection attempts in a row that nobody answered */

    struct database *databases;
    size_t database_count, database_index;
    struct buffer shown_name; /* of the database being written */

    struct unavailable *unavailable;
    size_t unavailable_count; /* all of them … */
    size_t unavailable_kept;  /* … and those listed */
    struct failure failure;   /* the reader's */
};

/* Deals with an error: false if it must end the reader (cancelled, out of memory). Else the field
 * is noted as unavailable for that reason. printf-like: the field's name. */
bool gather_note(struct manifest *manifest, struct error *err, const char *format, ...)
    ERROR_PRINTF(3, 4);

/* True if the error must end the reader; it is then made to say so. */
bool gather_must_stop(const struct manifest *manifest, struct error *err);

/* Opens the session to the database unless it is open already. False with *err otherwise. */
bool gather_connect(struct manifest *manifest, const char *database, struct error *err);

/* The same to the database of the settings, else to one of those that every cluster has. The first
 * error is the one that is told, and kept as no_session. */
bool gather_connect_cluster(struct manifest *manifest, struct error *err);

/* The database among those asked for, or NULL. */
const struct asked_for *gather_find(const struct manifest *manifest, const char *database);

/* Sees to a session for cluster-wide queries. *open false: there is none, and why is noted for the
 * field. */
bool gather_cluster_session(struct manifest *manifest, const char *field, bool *open,
                            struct error *err);

/* One of several cluster-wide queries: *result is NULL if it failed, and why is noted. */
bool gather_ask(struct manifest *manifest, const char *field, const char *sql,
                struct wire_result **result, struct error *err);

/* Everything up to "cluster_config". */
bool cluster_write_head(struct manifest *manifest, struct error *err);

extern const char cluster_roles_sql[];
extern const char cluster_tablespaces_sql[];

/* Fills the list of databases. */
bool databases_list(struct manifest *manifest, struct error *err);
void databases_free(struct manifest *manifest);

/* Opens the current database's object, writes its head and, if it is to be detailed, connects to
 * it; *detailed: that was done. */
bool databases_begin(struct manifest *manifest, bool *detailed, struct error *err);
/* Closes the object and goes on to the next. */
bool databases_end(struct manifest *manifest, struct error *err);

extern const char databases_extensions_sql[];
extern const char databases_schemas_sql[];

/* The relations after the one with that OID (0: all); definitions: with column defaults and index
 * definitions; one: only the first of them. */
bool relations_sql(struct buffer *out, uint32_t after, bool definitions, bool one,
                   struct error *err);

void section_begin(struct section *section, const char *key, bool of_database, const char *sql);

/* Writes some more of the section, until section->done. */
bool section_step(struct manifest *manifest, struct section *section, struct error *err);

#endif
