/*
 * A table that inherits may have its columns in another order once it is restored. Its rows are
 * read by the archive's own list of columns then. That is rare: a session is made for each.
 */
#include "trial/trial_internal.h"

#include "copy/snapshot.h"

#include <stdio.h>
#include <string.h>

static bool append_statement(struct buffer *sql, const char *copy, struct error *err)
{
    static const char from[] = " FROM stdin;\n";
    size_t len = strlen(copy);

    if (len < strlen(from) || strcmp(copy + len - strlen(from), from) != 0)
        return error_set(err, ERROR_CORRUPT, "the archive's COPY makes no sense");
    return buffer_append(sql, copy, len - strlen(from), err) &&
           buffer_append_string(sql, " TO STDOUT", err);
}

static bool read_rows(struct wire_conn *conn, const char *sql, struct content_summer *summer,
                      struct error *err)
{
    struct wire_event event;
    struct error failed = {0};

    if (!wire_send_query(conn, sql, err))
        return false;
    do {
        if (!wire_next(conn, &event, err))
            return false;
        if (event.type == WIRE_SERVER_ERROR)
            failed = *err;
        if (event.type == WIRE_COPY_DATA && !content_summer_bytes(summer, event.data, err))
            return false;
    } while (event.type != WIRE_READY);
    *err = failed;
    return failed.code == ERROR_NONE;
}

static bool connect_to(struct trial *trial, const struct trial_side *made, struct wire_conn **conn,
                       struct error *err)
{
    const struct wire_connect_options options = {
        .kind = WIRE_SESSION_SQL,
        .database = made->database,
        .application_name = "pgcask verify",
        .client_encoding = trial->encoding[0] == '\0' ? "UTF8" : trial->encoding,
        .cancel = trial->restore.cancel,
        .log = trial->restore.log,
        .wait_limit_ms = 10 * 60 * 1000,
    };
    const struct snapshot_options snapshot = {.own_encoding = true};

    return wire_connect(conn, trial->restore.settings, &options, err) &&
           snapshot_begin(*conn, &snapshot, err);
}

bool trial_read_again(struct trial *trial, const struct trial_side *made, uint32_t number,
                      const char *copy, struct content_sum *sum, struct error *err)
{
    struct content_sums *sums = content_sums_new(made->contents, trial->hooks.key, err);
    struct content_summer *summer = sums == NULL ? NULL : content_summer_new(sums, err);
    struct wire_conn *conn = NULL;
    struct buffer sql = {0};
    bool done = summer != NULL && append_statement(&sql, copy, err) &&
                connect_to(trial, made, &conn, err) && content_summer_begin(summer, number, err) &&
                read_rows(conn, buffer_text(&sql), summer, err);

    if (done) {
        content_summer_end(summer);
        *sum = *content_sums_of(sums, number);
    }
    wire_close(conn);
    buffer_free(&sql);
    content_summer_free(summer);
    content_sums_free(sums);
    return done;
}
