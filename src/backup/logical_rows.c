/*
 * The file of a table's rows as a record that is read by itself, beside others, over whichever
 * session of its database is free (logical_sessions.c).
 *
 * The session that holds the snapshot has locked the tables. Another one that asks for such a table
 * would wait behind whoever waits for that lock, for ever, and the server sees no deadlock in it:
 * so it locks without waiting, and what it does not get is read over the first session. So is
 * whatever cannot be locked by LOCK TABLE, like foreign tables.
 *
 * Results are handed to summary.json in the order of the records, not in that of their ends.
 */
#include "backup/logical_internal.h"

#include <stdio.h>
#include <stdlib.h>

/* What came of a record. */
struct logical_result {
    struct logical_result *next;
    bool done;
    uint64_t bytes;
    uint8_t digest[DIGEST_MAX];
    char path[];
};

struct rows_reader {
    struct reader base;
    struct logical_database *database;
    struct logical_result *result;
    char *statement; /* LOCK TABLE …; COPY … */
    const char *copy_alone;
    char *table;

    struct wire_conn *conn; /* while it reads */
    struct copy_out copy;
    struct archive_content content;
    struct reader *inner;
    uint32_t number;
    struct record_proof *proof;
    struct failure failure;
    bool ended;
};

/* ---- Asking ---- */

static bool has_rows(void *context, uint32_t number)
{
    (void)context;
    (void)number;
    return true;
}

static bool statement(void *context, uint32_t number, const char **text, struct error *err)
{
    const struct rows_reader *rows = context;

    (void)number;
    (void)err;
    *text = logical_sessions_is_first(rows->database->sessions, rows->conn) ? rows->copy_alone
                                                                            : rows->statement;
    return true;
}

static const char *table(void *context, uint32_t number)
{
    (void)number;
    return ((const struct rows_reader *)context)->table;
}

static bool take_session(struct rows_reader *rows, bool first, struct error *err)
{
    const struct copy_out_list list = {
        .context = rows,
        .count = 1,
        .has_rows = has_rows,
        .statement = statement,
        .table = table,
    };

    rows->conn = logical_sessions_take(rows->database->sessions, first, err);
    if (rows->conn == NULL)
        return false;
    copy_out_init(&rows->copy, rows->conn, &list,
                  wire_settings_get(rows->database->job->request.settings, "user"));
    return true;
}

static void give_back(struct rows_reader *rows, bool usable)
{
    if (rows->conn != NULL)
        logical_sessions_give_back(rows->database->sessions, rows->conn, usable);
    rows->conn = NULL;
}

/* The first session has the lock, and the last word. */
static bool may_go_to_first(const struct rows_reader *rows, const struct error *err)
{
    return err->code == ERROR_SERVER && rows->copy.bytes == 0 &&
           !logical_sessions_is_first(rows->database->sessions, rows->conn) &&
           !wire_is_broken(rows->conn);
}

static bool go_to_first(struct rows_reader *rows, struct error *err)
{
    struct error ignored;

    give_back(rows, logical_sessions_begin_again(rows->database->sessions, rows->conn, &ignored));
    error_clear(err);
    return take_session(rows, true, err);
}

static bool give_data(void *context, uint32_t number, struct slice *bytes, struct error *err)
{
    struct rows_reader *rows = context;

    (void)number;
    if (copy_out_next(&rows->copy, 0, bytes, err))
        return true;
    return may_go_to_first(rows, err) && go_to_first(rows, err) &&
           copy_out_next(&rows->copy, 0, bytes, err);
}

/* ---- The reader ---- */

static bool begin(struct rows_reader *rows, struct error *err)
{
    const struct logical_backup *job = rows->database->job;
    const struct backup_request *request = &job->request;

    if (!take_session(rows, false, err))
        return false;
    rows->proof = record_proof_new(err);
    if (rows->proof == NULL ||
        !record_proof_choose(rows->proof, DIGEST_CRC32C, request->digest, err))
        return false;
    record_proof_begin(rows->proof, LAYOUT_SUMMARY);
    rows->content = (struct archive_content){.context = rows, .data = give_data};
    rows->inner = directory_data_stream_new(&rows->content, rows->number, job->compression,
                                            job->compression_level, err);
    return rows->inner != NULL;
}

static void note_bytes(struct rows_reader *rows, size_t len)
{
    struct logical_backup *job = rows->database->job;

    pthread_mutex_lock(&job->lock);
    job->report.bytes += len;
    pthread_mutex_unlock(&job->lock);
}

static void end(struct rows_reader *rows)
{
    struct logical_database *database = rows->database;
    struct logical_backup *job = database->job;
    struct logical_report *report = &job->report.logical;

    give_back(rows, true);
    rows->ended = true;
    pthread_mutex_lock(&job->lock);
    rows->result->bytes = record_proof_bytes(rows->proof);
    record_proof_end(rows->proof, rows->result->digest);
    rows->result->done = true;
    job->report.files++;
    database->copy.rows += rows->copy.rows;
    database->copy.bytes += rows->copy.bytes;
    database->rows = database->copy.rows;
    report->rows = job->rows_before + database->copy.rows;
    report->row_bytes = job->row_bytes_before + logical_dump_bytes(database);
    pthread_mutex_unlock(&job->lock);
}

static enum reader_status rows_next(struct reader *base, struct slice *data, struct error *err)
{
    struct rows_reader *rows = (struct rows_reader *)base;
    enum reader_status status = READER_FAILED;

    if (!failure_check(&rows->failure, err))
        return READER_FAILED;
    if (rows->ended)
        return READER_END;
    if (rows->inner != NULL || begin(rows, err))
        status = reader_next(rows->inner, data, err);
    if (status == READER_DATA) {
        record_proof_feed(rows->proof, *data);
        note_bytes(rows, data->len);
    } else if (status == READER_END) {
        end(rows);
    } else {
        logical_fail(rows->database->job, err);
        failure_keep(&rows->failure, err);
    }
    return status;
}

static void rows_close(struct reader *base)
{
    struct rows_reader *rows = (struct rows_reader *)base;

    reader_close(rows->inner);
    give_back(rows, false); /* left midway */
    record_proof_free(rows->proof);
    logical_sessions_leave(rows->database->sessions);
    free(rows->statement);
    free(rows->table);
    free(rows);
}

/* ---- Making one ---- */

static bool append_result(struct logical_database *database, struct rows_reader *rows,
                          const char *path)
{
    struct logical_backup *job = database->job;
    size_t len = strlen(path) + 1;

    rows->result = calloc(1, sizeof(*rows->result) + len);
    if (rows->result == NULL)
        return false;
    memcpy(rows->result->path, path, len);
    *job->results_last = rows->result;
    job->results_last = &rows->result->next;
    return true;
}

static bool set_statement(struct rows_reader *rows, const char *query, struct error *err)
{
    struct buffer text = {0};
    size_t before;
    bool done =
        buffer_printf(&text, err, "LOCK TABLE ONLY %s IN ACCESS SHARE MODE NOWAIT; ", rows->table);

    before = text.len;
    done = done && buffer_append_string(&text, query, err);
    rows->statement = done ? strdup(buffer_text(&text)) : NULL;
    buffer_free(&text);
    if (rows->statement == NULL)
        return done ? error_set_memory(err) : false;
    rows->copy_alone = rows->statement + before;
    return true;
}

struct reader *logical_rows_new(struct logical_database *database, uint32_t number,
                                const char *path, struct error *err)
{
    static const struct reader_ops ops = {.next = rows_next, .close = rows_close};
    struct rows_reader *rows = calloc(1, sizeof(*rows));
    const char *query;

    if (rows == NULL ||
        (rows->table = strdup(catalog_data_table(database->catalog, number))) == NULL) {
        free(rows);
        error_set_memory(err);
        return NULL;
    }
    rows->base.ops = &ops;
    rows->database = database;
    rows->number = number;
    if (catalog_data_query(database->catalog, number, &query, err) &&
        set_statement(rows, query, err) &&
        (append_result(database, rows, path) || error_set_memory(err))) {
        logical_sessions_enter(database->sessions);
        return &rows->base;
    }
    free(rows->statement);
    free(rows->table);
    free(rows);
    return NULL;
}

bool logical_rows_list(struct logical_backup *job, struct error *err)
{
    for (;;) {
        struct logical_result *result = job->results;
        bool done;

        pthread_mutex_lock(&job->lock);
        done = result != NULL && result->done;
        pthread_mutex_unlock(&job->lock);
        if (!done)
            return true;
        if (!summary_writer_add(job->summary,
                                &(struct record){.type = RECORD_FILE, .path = result->path},
                                result->bytes, result->digest, err))
            return false;
        job->results = result->next;
        if (job->results == NULL)
            job->results_last = &job->results;
        free(result);
    }
}

/* Each of them was read to its end. */
bool logical_rows_end(struct logical_backup *job, struct error *err)
{
    if (!logical_rows_list(job, err))
        return false;
    if (job->results == NULL)
        return true;
    error_set(err, ERROR_CANCELLED, "%s was not read to its end", job->results->path);
    return error_hint(err, "A logical backup is all its records, each of them whole: leave none "
                           "out.");
}

void logical_rows_drop(struct logical_backup *job)
{
    while (job->results != NULL) {
        struct logical_result *result = job->results;

        job->results = result->next;
        free(result);
    }
}
