/*
 * The script is made by archive/plain_stream.h, of the entries that are wanted. Their data are not
 * pulled through it: where it asks for them they are pushed to where it goes.
 */
#include "restore/archive_text.h"

#include "restore/restore_selection.h"

#include <stdlib.h>

struct text_job {
    const struct restore_request *request;
    struct archive_input *input;
    struct archive_contents *contents;
    const struct archive_text_options *options;
    const struct archive_text_out *out;
    struct restore_selection *selection;
    uint32_t *numbers; /* of the entries, in the script's order */
    uint32_t count;
    struct buffer dumper;        /* what pg_restore says that made the archive */
    struct buffer texts;         /* of the entry that is asked for */
    struct buffer waiting, text; /* of a large object */
};

static bool write_text(struct text_job *job, struct slice bytes, struct error *err)
{
    return bytes.len == 0 || job->out->write(job->out->context, bytes, err);
}

/* ---- Data ---- */

static bool take_object(void *context, uint32_t number, uint32_t oid, struct error *err)
{
    struct text_job *job = context;

    (void)number;
    buffer_clear(&job->text);
    return plain_object_begin(&job->text, oid, err);
}

static bool take_bytes(void *context, uint32_t number, struct slice bytes, struct error *err)
{
    struct text_job *job = context;

    if (archive_contents_node(job->contents, number).kind != ENTRY_BLOBS)
        return write_text(job, bytes, err);
    if (!plain_object_bytes(&job->waiting, bytes, &job->text, err) ||
        !write_text(job, buffer_slice(&job->text), err))
        return false;
    buffer_clear(&job->text);
    return true;
}

static bool take_object_end(void *context, uint32_t number, struct error *err)
{
    struct text_job *job = context;

    (void)number;
    return plain_object_end(&job->waiting, &job->text, err) &&
           write_text(job, buffer_slice(&job->text), err);
}

static bool write_data(struct text_job *job, uint32_t number, struct error *err)
{
    const struct archive_data_handler handler = {
        .context = job, .object = take_object, .bytes = take_bytes, .object_end = take_object_end};

    return archive_input_read_entry(job->input, number, &handler, job->request->cancel, err);
}

static bool give_data(void *context, uint32_t number, struct slice *bytes, struct error *err)
{
    struct text_job *job = context;

    *bytes = (struct slice){0};
    return write_data(job, job->numbers[number], err);
}

/* All of the entry's when it is asked for the first. */
static bool give_object(void *context, uint32_t number, uint32_t index, uint32_t *oid,
                        struct error *err)
{
    struct text_job *job = context;

    *oid = 0;
    return index > 0 || write_data(job, job->numbers[number], err);
}

/* ---- Entries ---- */

/* What is not wanted of it is not there. */
static bool give_entry(void *context, uint32_t number, struct archive_entry *entry,
                       struct error *err)
{
    struct text_job *job = context;
    uint32_t real = job->numbers[number];
    unsigned parts = restore_selection_parts(job->selection, real);

    if (!cancel_check(job->request->cancel, err) ||
        !archive_contents_entry_into(job->contents, real, &job->texts, entry, err))
        return false;
    if ((parts & (SELECTED_DEFINITION | SELECTED_SETTING)) == 0)
        entry->definition = NULL;
    entry->has_data = entry->has_data && (parts & SELECTED_DATA) != 0;
    if (parts == 0)
        entry->drop = NULL;
    if (job->request->no_owner)
        entry->owner = NULL;
    if (job->request->no_tablespaces)
        entry->tablespace = NULL;
    if (job->request->no_table_access_method)
        entry->access_method = NULL;
    return true;
}

static bool select_entry(void *context, uint32_t number, struct archive_entry *entry,
                         struct error *err)
{
    return archive_contents_entry(((struct text_job *)context)->contents, number, entry, err);
}

/* Settings, which come first, and the entries of the archive or of the list file, in its order. */
static bool list_numbers(struct text_job *job, struct error *err)
{
    uint32_t all = archive_contents_count(job->contents);
    size_t count;
    const uint32_t *order = restore_selection_file_order(job->selection, &count);

    job->numbers = calloc((size_t)all + count + 1, sizeof(*job->numbers));
    if (job->numbers == NULL)
        return error_set_memory(err);
    for (uint32_t i = 0; i < all; i++) {
        if ((restore_selection_parts(job->selection, i) & SELECTED_SETTING) != 0)
            job->numbers[job->count++] = i;
    }
    for (size_t i = 0; i < count; i++)
        job->numbers[job->count++] = order[i];
    return true;
}

static bool select_entries(struct text_job *job, struct error *err)
{
    const struct selection_wishes wishes = {
        .request = job->request,
        .lists = job->options->lists,
        .list = job->options->list,
        .list_name = job->request->list_file,
    };
    const struct selection_archive archive = {
        .count = archive_contents_count(job->contents),
        .database = archive_contents_header(job->contents)->database,
        .context = job,
        .entry = select_entry,
    };

    job->selection = restore_selection_new(&wishes, &archive, err);
    return job->selection != NULL && list_numbers(job, err);
}

/* ---- The text ---- */

static bool write_script(struct text_job *job, struct error *err)
{
    struct archive_header header = *archive_contents_header(job->contents);
    const struct archive_content content = {job, give_entry, give_data, give_object};
    const struct plain_wishes wishes = {
        .database = job->options->database,
        .drops = job->request->existing == RESTORE_CLEAN,
        .one_transaction = job->request->single_transaction,
        .without_triggers = job->request->disable_triggers,
        .row_security = job->request->row_security,
        .role = job->request->role,
        .restrict_word = job->options->restrict_word,
    };
    enum reader_status status = READER_FAILED;
    struct reader *reader;
    struct slice bytes;

    header.entry_count = job->count;
    if (header.dumper_version != NULL) {
        if (!buffer_append_string(&job->dumper, "pg_dump version ", err) ||
            !buffer_append_string(&job->dumper, header.dumper_version, err))
            return false;
        header.dumper_version = buffer_text(&job->dumper);
    }
    reader = plain_stream_of_wishes(&header, &content, &wishes, err);
    while (reader != NULL && (status = reader_next(reader, &bytes, err)) == READER_DATA) {
        if (!write_text(job, bytes, err)) {
            status = READER_FAILED;
            break;
        }
    }
    reader_close(reader);
    return status == READER_END;
}

bool archive_text_write(struct archive_input *input, const struct restore_request *request,
                        const struct archive_text_options *options,
                        const struct archive_text_out *out, struct error *err)
{
    struct text_job job = {.request = request,
                           .input = input,
                           .contents = archive_input_contents(input),
                           .options = options,
                           .out = out};
    bool done;

    if (!archive_input_can_seek(input))
        return error_set(err, ERROR_UNSUPPORTED,
                         "an archive that streams by is not written as SQL");
    done = select_entries(&job, err) && write_script(&job, err);
    restore_selection_free(job.selection);
    free(job.numbers);
    buffer_free(&job.dumper);
    buffer_free(&job.texts);
    buffer_free(&job.waiting);
    buffer_free(&job.text);
    return done;
}
