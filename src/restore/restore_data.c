/*
 * Rows are gathered until it is known whether the table is a small one, whose COPY is queued as a
 * whole, or goes on: then its COPY has the session for itself until its last row. What a reader of
 * the archive cannot give completely is given up, so that no table is ever half there.
 */
#include "restore/restore_data.h"

#include "restore/entry_sql_internal.h"
#include "restore/restore_objects.h"

#include <inttypes.h>
#include <string.h>

/* ---- Rows ---- */

static struct target_statement statement_of(const struct restore_data *data, const char *text)
{
    return (struct target_statement){
        .text = text, .object = buffer_text(&data->label), .subject = data->number};
}

/* Where the rows are those of a COPY into the table itself, as pg_dump says it: not by way of the
 * table that it is a partition of, and with no options. */
static bool may_be_frozen(const struct archive_entry *entry)
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
    bool done = buffer_append_string(&truncate, "TRUNCATE ONLY ", err) &&
                entry_sql_qualified(&truncate, &data->entry, err) &&
                buffer_append(&frozen, copy->text, strlen(copy->text) - strlen(";\n"), err) &&
                buffer_append_string(&frozen, " WITH (FREEZE)", err) &&
                target_copy_begin_frozen(data->sql->session, copy, buffer_text(&truncate),
                                         buffer_text(&frozen), err);

    buffer_free(&truncate);
    buffer_free(&frozen);
    return done;
}

static bool begin_streaming(struct restore_data *data, struct error *err)
{
    const struct target_statement copy = statement_of(data, data->entry.copy);
    bool fresh = data->is_fresh != NULL && may_be_frozen(&data->entry) &&
                 data->is_fresh(data->context, data->number, &data->entry);

    data->streaming = true;
    return (fresh ? begin_frozen(data, &copy, err)
                  : target_copy_begin(data->sql->session, &copy, err)) &&
           target_copy_send(data->sql->session, buffer_slice(&data->rows), err);
}

static bool take_rows(struct restore_data *data, struct slice bytes, struct error *err)
{
    if (!data->streaming && data->rows.len + bytes.len <= TARGET_COPY_WHOLE)
        return buffer_append(&data->rows, bytes.data, bytes.len, err);
    if (!data->streaming && !begin_streaming(data, err))
        return false;
    return target_copy_send(data->sql->session, bytes, err);
}

static bool end_rows(struct restore_data *data, uint64_t rows, struct error *err)
{
    struct target_statement copy = statement_of(data, data->entry.copy);
    uint64_t taken;
    bool kept;

    copy.expected = &rows;
    if (!data->streaming)
        return target_copy(data->sql->session, &copy, buffer_slice(&data->rows), err);
    return target_copy_end(data->sql->session, &taken, &kept, err) &&
           (!kept || taken == rows ||
            target_tell_lacking(data->sql->session, &copy, rows, taken, err));
}

/* ---- INSERTs ---- */

static bool take_insert(void *context, const struct sql_statement *statement, struct error *err)
{
    struct restore_data *data = context;
    const struct target_statement insert = statement_of(data, (const char *)statement->text.data);

    return target_execute(data->sql->session, &insert, err);
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
        .context = data, .statement = take_insert, .connect = refuse_connect};

    data->script = sql_script_new(&handler, err);
    return data->script != NULL;
}

static bool end_inserts(struct restore_data *data, struct error *err)
{
    bool done = sql_script_finish(data->script, err);

    sql_script_free(data->script);
    data->script = NULL;
    return done;
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

static bool set_triggers(struct restore_data *data, bool enable, struct error *err)
{
    return !data->disable_triggers || holds_objects(data) ||
           entry_sql_triggers(data->sql, data->number, &data->entry, enable, err);
}

static bool begin(void *context, uint32_t number, bool *wanted, struct error *err)
{
    struct restore_data *data = context;

    if (!data->wanted(data->context, number, wanted, err))
        return false;
    if (!*wanted)
        return true;
    if (!read_entry(data, number, err) || !set_triggers(data, false, err))
        return false;
    data->running = true;
    data->streaming = false;
    buffer_clear(&data->rows);
    if (holds_objects(data))
        return true;
    return data->entry.copy != NULL && data->entry.copy[0] != '\0' ? true
                                                                   : begin_inserts(data, err);
}

static bool take_bytes(void *context, uint32_t number, struct slice bytes, struct error *err)
{
    struct restore_data *data = context;

    (void)number;
    data->bytes += bytes.len;
    if (holds_objects(data))
        return restore_object_bytes(data, bytes, err);
    return data->script != NULL ? sql_script_feed(data->script, bytes, err)
                                : take_rows(data, bytes, err);
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
    data->running = false;
    return done && set_triggers(data, true, err);
}

static bool begin_object(void *context, uint32_t number, uint32_t oid, struct error *err)
{
    (void)number;
    return restore_object_begin(context, oid, err);
}

static bool end_object(void *context, uint32_t number, struct error *err)
{
    (void)number;
    return restore_object_end(context, err);
}

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
    buffer_free(&data->rows);
    buffer_free(&data->object);
    buffer_free(&data->numbers);
    buffer_free(&data->values);
    buffer_free(&data->parts);
    sql_script_free(data->script);
    data->script = NULL;
}
