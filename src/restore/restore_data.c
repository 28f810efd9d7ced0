/*
 * Rows are gathered until it is known whether the table is a small one, whose COPY is queued as a
 * whole, or goes on: then its COPY has the session for itself until its last row. What a reader of
 * the archive cannot give completely is given up, so that no table is ever half there.
 *
 * Triggers are off within the transaction of the rows alone: however it ends, they are on.
 */
#include "restore/restore_data.h"

#include "base/array.h"
#include "restore/archive_input.h"
#include "restore/entry_sql_internal.h"
#include "restore/restore_objects.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- Rows ---- */

static struct target_statement statement_of(const struct restore_data *data, const char *text)
{
    return (struct target_statement){
        .text = text, .object = buffer_text(&data->label), .subject = data->number};
}

bool restore_data_is_plain_copy(const struct archive_entry *entry)
{
    static const char begin[] = "COPY ", end[] = " FROM stdin;\n";
    const char *behind;
    size_t len;

    if (strncmp(entry->copy, begin, strlen(begin)) != 0)
        return false;
    behind = entry_sql_behind_name(entry->copy + strlen(begin), entry);
    len = behind == NULL ? 0 : strlen(behind);
    return len >= strlen(end) && *behind == ' ' && strcmp(behind + len - strlen(end), end) == 0;
}

static bool begin_frozen(struct restore_data *data, const struct target_statement *copy,
                         struct error *err)
{
    struct buffer truncate = {0}, frozen = {0};
    bool done =
        buffer_append_string(&truncate, "TRUNCATE ONLY ", err) &&
        entry_sql_qualified(&truncate, &data->entry, err) &&
        buffer_append(&frozen, data->entry.copy, strlen(data->entry.copy) - strlen(";\n"), err) &&
        buffer_append_string(&frozen, " WITH (FREEZE)", err) &&
        target_copy_begin_frozen(data->sql->session, copy, buffer_text(&truncate),
                                 buffer_text(&frozen), err);

    buffer_free(&truncate);
    buffer_free(&frozen);
    return done;
}

#define INSUFFICIENT_PRIVILEGE "42501"
#define DEADLOCK "40P01"

/* Who is no superuser may not switch off the triggers of foreign keys: that is said, and the rows
 * are put in under these. */
static bool may_be_refused(const struct restore_data *data)
{
    return data->disable_triggers && !target_session_is_superuser(data->sql->session);
}

static bool begin_under_triggers(struct restore_data *data, struct target_statement *copy,
                                 struct error *err)
{
    struct target_session *session = data->sql->session;
    const struct target_statement bare = statement_of(data, data->entry.copy);
    uint64_t rows;
    bool taken;

    copy->untold = INSUFFICIENT_PRIVILEGE;
    if (!target_copy_begin(session, copy, err))
        return false;
    if (!target_session_was_refused(session))
        return true;
    data->triggers_stay(data->context, buffer_text(&data->label));
    return target_copy_end(session, &rows, &taken, err) && target_copy_begin(session, &bare, err);
}

static bool begin_copy(struct restore_data *data, struct error *err)
{
    struct target_statement copy = statement_of(data, buffer_text(&data->copy));

    if (may_be_refused(data))
        return begin_under_triggers(data, &copy, err);
    if (data->plain || data->disable_triggers || !restore_data_is_plain_copy(&data->entry) ||
        data->is_fresh == NULL || !data->is_fresh(data->context, data->number, &data->entry))
        return target_copy_begin(data->sql->session, &copy, err);
    copy.untold = data->can_again ? DEADLOCK : NULL;
    return begin_frozen(data, &copy, err);
}

static bool begin_streaming(struct restore_data *data, struct error *err)
{
    data->streaming = true;
    return begin_copy(data, err) &&
           target_copy_send(data->sql->session, buffer_slice(&data->rows), err);
}

static bool take_rows(struct restore_data *data, struct slice bytes, struct error *err)
{
    if (!data->streaming && !may_be_refused(data) &&
        data->rows.len + bytes.len <= TARGET_COPY_WHOLE)
        return buffer_append(&data->rows, bytes.data, bytes.len, err);
    if (!data->streaming && !begin_streaming(data, err))
        return false;
    return target_copy_send(data->sql->session, bytes, err);
}

static bool note_again(struct restore_data *data, struct error *err)
{
    if (data->again_count == data->again_capacity) {
        uint32_t *grown = array_grow(data->again, &data->again_capacity, sizeof(*grown), err);

        if (grown == NULL)
            return false;
        data->again = grown;
    }
    data->again[data->again_count++] = data->number;
    return true;
}

static bool end_rows(struct restore_data *data, uint64_t rows, struct error *err)
{
    struct target_statement copy = statement_of(data, buffer_text(&data->copy));
    uint64_t taken;
    bool kept;

    copy.expected = &rows;
    if (!data->streaming && may_be_refused(data) && !begin_streaming(data, err))
        return false;
    if (!data->streaming)
        return target_copy(data->sql->session, &copy, buffer_slice(&data->rows), err);
    if (!target_copy_end(data->sql->session, &taken, &kept, err))
        return false;
    if (target_session_was_refused(data->sql->session))
        return note_again(data, err);
    return !kept || taken == rows ||
           target_tell_lacking(data->sql->session, &copy, rows, taken, err);
}

/* Another statement beside it could want rows, too. */
static bool is_one_copy(const struct restore_data *data, struct slice *copy)
{
    struct slice text = slice_string(data->entry.copy), more;
    enum sql_kind kind;

    return sql_statement_next(&text, data->escape_strings, &kind, copy) &&
           kind == SQL_KIND_COPY_IN &&
           !sql_statement_next(&text, data->escape_strings, NULL, &more);
}

/* Several statements in one message are one transaction. */
static bool begin_rows(struct restore_data *data, struct error *err)
{
    struct buffer *copy = &data->copy;
    struct slice statement;

    buffer_clear(copy);
    if (!is_one_copy(data, &statement)) {
        error_set(err, ERROR_REFUSED, "%s: what puts its rows in is not one COPY … FROM stdin",
                  buffer_text(&data->label));
        return error_hint(err, "Look at this entry: pg_dump writes none like it.");
    }
    if (!data->disable_triggers)
        return buffer_append_string(copy, data->entry.copy, err);
    return entry_sql_append_triggers(copy, &data->entry, false, err) &&
           buffer_append_string(copy, ";\n", err) &&
           buffer_append(copy, statement.data, statement.len, err) &&
           buffer_append_string(copy, "\n;", err) &&
           entry_sql_append_triggers(copy, &data->entry, true, err);
}

/* ---- INSERTs ---- */

/* Where they could not be switched off nothing is switched on. */
static bool look_at_triggers(struct restore_data *data, struct error *err)
{
    if (!may_be_refused(data))
        return true;
    if (!target_settle(data->sql->session, err))
        return false;
    data->under_triggers = target_session_was_refused(data->sql->session);
    if (data->under_triggers)
        data->triggers_stay(data->context, buffer_text(&data->label));
    return true;
}

static bool set_triggers(struct restore_data *data, bool enable, struct error *err)
{
    struct buffer text = {0};
    bool done = !data->disable_triggers || (enable && data->under_triggers);

    if (!done && entry_sql_append_triggers(&text, &data->entry, enable, err)) {
        struct target_statement statement = statement_of(data, buffer_text(&text));

        statement.untold = !enable && may_be_refused(data) ? INSUFFICIENT_PRIVILEGE : NULL;
        done = target_execute(data->sql->session, &statement, err) &&
               (enable || look_at_triggers(data, err));
    }
    buffer_free(&text);
    return done;
}

static bool take_insert(void *context, const struct sql_statement *statement, struct error *err)
{
    struct restore_data *data = context;
    struct target_statement insert = statement_of(data, (const char *)statement->text.data);
    bool done;

    /* What ends the transaction would leave triggers as they are for a while. */
    if (statement->kind != SQL_KIND_OTHER)
        return error_set(err, ERROR_REFUSED, "%s: its rows hold SQL that is no INSERT",
                         buffer_text(&data->label));
    insert.more = &data->more;
    done = target_execute(data->sql->session, &insert, err);
    long_statement_forget(&data->more);
    return done;
}

static bool take_more(void *context, struct slice bytes, struct error *err)
{
    struct restore_data *data = context;

    return long_statement_add(&data->more, bytes, err);
}

static bool refuse_connect(void *context, const char *database, uint64_t line, struct error *err)
{
    (void)context;
    (void)database;
    (void)line;
    return error_set(err, ERROR_CORRUPT, "rows of a table hold a command of psql's");
}

static bool begin_inserts(struct restore_data *data, struct error *err)
{
    const struct sql_script_handler handler = {
        .context = data, .statement = take_insert, .connect = refuse_connect, .rest = take_more};

    memset(data->last, 0, sizeof(data->last));
    data->script = sql_script_new(&handler, err);
    if (data->script == NULL || !target_unit_begin_saving(data->sql->session, data->number, err))
        return false;
    data->in_unit = true;
    data->under_triggers = false;
    return set_triggers(data, false, err);
}

static bool take_inserts(struct restore_data *data, struct slice bytes, struct error *err)
{
    for (size_t i = bytes.len < 2 ? 0 : bytes.len - 2; i < bytes.len; i++) {
        data->last[0] = data->last[1];
        data->last[1] = (char)bytes.data[i];
    }
    return sql_script_feed(data->script, bytes, err);
}

/* Behind the last one pg_dump leaves two lines empty, also where there is none. */
static bool are_whole(const struct restore_data *data, struct error *err)
{
    return data->last[0] == '\n' && data->last[1] == '\n'
               ? true
               : error_set(err, ERROR_CORRUPT, "%s: its rows are cut off",
                           buffer_text(&data->label));
}

static bool end_inserts(struct restore_data *data, struct error *err)
{
    bool done = sql_script_finish(data->script, err) && are_whole(data, err) &&
                set_triggers(data, true, err),
         kept;

    sql_script_free(data->script);
    data->script = NULL;
    if (!done)
        return false;
    data->in_unit = false;
    return target_unit_end(data->sql->session, &kept, err);
}

/* ---- Entries ---- */

static bool read_entry(struct restore_data *data, uint32_t number, struct error *err)
{
    const char *label;

    data->number = number;
    if (!archive_contents_entry_into(data->sql->contents, number, &data->texts, &data->entry, err))
        return false;
    label = entry_sql_label(data->sql, &data->entry, err);
    buffer_clear(&data->label);
    return label != NULL && buffer_append_string(&data->label, label, err);
}

static bool holds_objects(const struct restore_data *data)
{
    return strcmp(data->entry.desc, ARCHIVE_LARGE_OBJECTS) == 0;
}

static bool begin(void *context, uint32_t number, bool *wanted, struct error *err)
{
    struct restore_data *data = context;

    if (!data->wanted(data->context, number, wanted, err))
        return false;
    if (!*wanted)
        return true;
    if (!read_entry(data, number, err))
        return false;
    if (data->summer != NULL && !content_summer_begin(data->summer, number, err))
        return false;
    data->running = true;
    data->streaming = false;
    buffer_clear(&data->rows);
    if (holds_objects(data))
        return true;
    return data->entry.copy != NULL && data->entry.copy[0] != '\0' ? begin_rows(data, err)
                                                                   : begin_inserts(data, err);
}

static bool take_bytes(void *context, uint32_t number, struct slice bytes, struct error *err)
{
    struct restore_data *data = context;

    (void)number;
    if (holds_objects(data))
        data->bytes += bytes.len;
    if (data->summer != NULL && !content_summer_bytes(data->summer, bytes, err))
        return false;
    if (holds_objects(data))
        return restore_object_bytes(data, bytes, err);
    return data->script != NULL ? take_inserts(data, bytes, err) : take_rows(data, bytes, err);
}

static bool end(void *context, uint32_t number, uint64_t rows, struct error *err)
{
    struct restore_data *data = context;
    bool done;

    (void)number;
    if (holds_objects(data))
        done = restore_objects_flush(data, err);
    else
        done = data->script != NULL ? end_inserts(data, err) : end_rows(data, rows, err);
    if (done && data->summer != NULL)
        content_summer_end(data->summer);
    if (done)
        data->running = false;
    return done;
}

static bool begin_object(void *context, uint32_t number, uint32_t oid, struct error *err)
{
    const struct restore_data *data = context;

    (void)number;
    if (data->summer != NULL)
        content_summer_object(data->summer, oid);
    return restore_object_begin(context, oid, err);
}

static bool end_object(void *context, uint32_t number, struct error *err)
{
    const struct restore_data *data = context;

    (void)number;
    if (data->summer != NULL)
        content_summer_object_end(data->summer);
    return restore_object_end(context, err);
}

/* ---- Shares ---- */

bool restore_data_begin_share(struct restore_data *data, uint32_t number, struct error *err)
{
    struct target_statement copy;

    if (!read_entry(data, number, err) || !begin_rows(data, err))
        return false;
    data->running = data->streaming = true;
    copy = statement_of(data, buffer_text(&data->copy));
    return target_copy_begin_apart(data->sql->session, &copy, err);
}

bool restore_data_add_to_share(struct restore_data *data, struct slice rows, bool *refused,
                               struct error *err)
{
    bool done = target_copy_send(data->sql->session, rows, err);

    *refused = target_copy_has_failed(data->sql->session);
    return done;
}

bool restore_data_close_share(struct restore_data *data, uint64_t *rows, bool *taken,
                              struct error *err)
{
    return target_copy_close(data->sql->session, rows, taken, err);
}

bool restore_data_end_share(struct restore_data *data, bool keep, bool *kept, struct error *err)
{
    uint64_t rows;

    data->running = false;
    *kept = false;
    return keep ? target_copy_end(data->sql->session, &rows, kept, err)
                : target_copy_give_up(data->sql->session, "others of its rows failed", err);
}

bool restore_data_tell_lacking(struct restore_data *data, uint64_t rows, uint64_t taken,
                               struct error *err)
{
    const struct target_statement copy = statement_of(data, data->entry.copy);

    return target_tell_lacking(data->sql->session, &copy, rows, taken, err);
}

/* ---- For those who read ---- */

struct archive_data_handler restore_data_handler(struct restore_data *data)
{
    return (struct archive_data_handler){
        .context = data,
        .begin = begin,
        .object = begin_object,
        .bytes = take_bytes,
        .object_end = end_object,
        .end = end,
    };
}

bool restore_data_do_again(struct restore_data *data, struct archive_input *input,
                           const struct cancel *cancel, struct error *err)
{
    const struct archive_data_handler handler = restore_data_handler(data);
    bool done = true;

    data->plain = true;
    for (size_t i = 0; done && i < data->again_count; i++)
        done = archive_input_read_entry(input, data->again[i], &handler, cancel, err);
    data->plain = false;
    data->again_count = 0;
    return done;
}

const char *restore_data_give_up(struct restore_data *data)
{
    struct error ignored;

    if (!data->running)
        return NULL;
    data->running = false;
    if (data->streaming)
        target_copy_give_up(data->sql->session, "the archive cannot be read on", &ignored);
    if (data->in_unit)
        target_unit_give_up(data->sql->session, &ignored);
    data->in_unit = false;
    return buffer_text(&data->label);
}

void restore_data_reset(struct restore_data *data)
{
    buffer_free(&data->texts);
    buffer_free(&data->label);
    buffer_free(&data->copy);
    buffer_free(&data->rows);
    buffer_free(&data->object);
    buffer_free(&data->numbers);
    buffer_free(&data->values);
    buffer_free(&data->parts);
    free(data->again);
    data->again = NULL;
    sql_script_free(data->script);
    data->script = NULL;
    long_statement_reset(&data->more);
    content_summer_free(data->summer);
    data->summer = NULL;
}
