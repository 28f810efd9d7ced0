/*
 * all.sql: one script for psql that makes a whole server's databases anew, as pg_dumpall writes it:
 * what belongs to the cluster, then each database, one behind the other. postgres and template1
 * are there in every new cluster; the others are created. Where only rows are wanted, all of that
 * is there already, and the script only goes from one database to the next.
 */
#include "backup/logical_internal.h"

#include "base/buffer.h"
#include "base/utf8.h"
#include "catalog/globals.h"

#include <stdlib.h>

static const char begin_text[] = "--\n-- PostgreSQL database cluster dump\n--\n\n";
static const char end_text[] = "--\n-- PostgreSQL database cluster dump complete\n--\n\n";

enum part { PART_BEGIN, PART_GLOBALS, PART_DATABASE, PART_END, PART_DONE };

struct script {
    struct reader reader;
    struct logical_backup *job;
    enum part part;
    struct reader *inner; /* of the part; NULL: it has not begun */
    struct failure failure;
    struct buffer heading;
};

static struct logical_database *current(const struct script *script)
{
    return &script->job->databases[script->job->current];
}

static bool is_in_every_cluster(const char *database)
{
    return strcmp(database, "template1") == 0 || strcmp(database, "postgres") == 0;
}

static enum plain_database goes_into(const struct logical_backup *job,
                                     const struct logical_database *database)
{
    if (job->request.data_only)
        return PLAIN_GOES_THERE;
    return is_in_every_cluster(database->name) ? PLAIN_INTO_ITS_OWN : PLAIN_CREATES;
}

/* ---- Parts ---- */

static bool begin_globals(struct script *script, struct error *err)
{
    struct logical_backup *job = script->job;

    script->inner = globals_stream_new(job->databases[0].conn, false, job->request.log, err);
    return script->inner != NULL;
}

/* No line end of a name ends the comment. */
static bool append_heading(struct script *script, struct error *err)
{
    const char *name = current(script)->name;
    struct buffer *out = &script->heading;

    buffer_clear(out);
    if (!buffer_append_string(out, "\n--\n-- Database \"", err))
        return false;
    for (; *name != '\0'; name++) {
        if (!buffer_append_byte(out, *name == '\n' || *name == '\r' ? ' ' : (uint8_t)*name, err))
            return false;
    }
    return buffer_append_string(out, "\" dump\n--\n\n", err);
}

static bool begin_database(struct script *script, struct error *err)
{
    struct logical_database *database = current(script);

    if (!logical_database_enter(database, err) || !logical_dump_prepare(database, err) ||
        !append_heading(script, err))
        return false;
    script->inner = plain_stream_new(&database->header, &database->content,
                                     goes_into(script->job, database), err);
    return script->inner != NULL;
}

static bool end_part(struct script *script, struct error *err)
{
    struct logical_backup *job = script->job;

    reader_close(script->inner);
    script->inner = NULL;
    if (script->part == PART_GLOBALS) {
        script->part = PART_DATABASE;
        return catalog_check_roles(job->databases[0].catalog, err);
    }
    if (!logical_database_leave(current(script), err))
        return false;
    if (++job->current == job->database_count)
        script->part = PART_END;
    return true;
}

/* ---- The reader ---- */

/* Some more bytes, or none where a part begins or ends. */
static bool more(struct script *script, struct slice *data, struct error *err)
{
    switch (script->part) {
    case PART_BEGIN:
        *data = slice_string(begin_text);
        script->part = logical_has_globals(script->job) ? PART_GLOBALS : PART_DATABASE;
        return true;
    case PART_END:
        *data = slice_string(end_text);
        script->part = PART_DONE;
        return true;
    case PART_GLOBALS:
        if (script->inner == NULL)
            return begin_globals(script, err);
        break;
    case PART_DATABASE:
        if (script->inner == NULL) {
            bool begun = begin_database(script, err);

            *data = buffer_slice(&script->heading);
            return begun;
        }
        break;
    case PART_DONE:
        return true;
    }
    switch (reader_next(script->inner, data, err)) {
    case READER_DATA:
        return true;
    case READER_END:
        *data = (struct slice){0};
        return end_part(script, err);
    case READER_FAILED:
        break;
    }
    return false;
}

static enum reader_status script_next(struct reader *reader, struct slice *data, struct error *err)
{
    struct script *script = (struct script *)reader;

    *data = (struct slice){0};
    while (!script->failure.failed && script->part != PART_DONE) {
        if (!more(script, data, err))
            failure_keep(&script->failure, err);
        else if (data->len > 0)
            return READER_DATA;
    }
    return failure_check(&script->failure, err) ? READER_END : READER_FAILED;
}

static void script_close(struct reader *reader)
{
    struct script *script = (struct script *)reader;

    reader_close(script->inner);
    buffer_free(&script->heading);
    free(script);
}

struct reader *logical_script_new(struct logical_backup *job, struct error *err)
{
    static const struct reader_ops ops = {.next = script_next, .close = script_close};
    struct script *script = calloc(1, sizeof(*script));

    if (script == NULL) {
        error_set_memory(err);
        return NULL;
    }
    script->reader.ops = &ops;
    script->job = job;
    return &script->reader;
}
