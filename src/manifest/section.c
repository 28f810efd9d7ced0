/*
 * A section is an array of objects from one query, written row by row. Its query may fail in the
 * middle, of a text that does not convert, a lock that does not come or an object that was just
 * dropped: then as much as possible is read of what follows, and the rest is named.
 */
#include "manifest/gather_internal.h"

#include <inttypes.h>

/* Relations of one database whose definitions may fail one by one before all the rest is read
 * without: each costs a query. */
#define MISHAPS_MAX 20

void section_begin(struct section *section, const char *key, bool of_database, const char *sql)
{
    *section = (struct section){.key = key, .of_database = of_database, .sql = sql};
}

/* Null stands for "not there" everywhere but in these fields, and so does an empty array. */
static bool is_kept(const char *key, const json_t *value)
{
    if (json_is_null(value))
        return strcmp(key, "valid_until") == 0 || strcmp(key, "last_vacuum") == 0 ||
               strcmp(key, "last_analyze") == 0;
    return !json_is_array(value) || json_array_size(value) > 0;
}

static void prune(json_t *object)
{
    const char *key;
    json_t *value, *element;
    void *next;
    size_t index;
    json_object_foreach_safe(object, next, key, value)
    {
        if (!is_kept(key, value)) {
            json_object_del(object, key);
            continue;
        }
        json_array_foreach(value, index, element)
        {
            prune(element);
        }
    }
}

static bool note(struct manifest *manifest, const struct section *section, struct error *err)
{
    if (section->of_database)
        return gather_note(manifest, err, "databases[%s].%s", buffer_text(&manifest->shown_name),
                           section->key);
    return gather_note(manifest, err, "%s", section->key);
}

static bool finish(struct manifest *manifest, struct section *section, struct error *err)
{
    section->done = true;
    return !section->opened || json_writer_close(&manifest->writer, ']', err);
}

/* What was written stays; the array is closed, and the reason is in the list. */
static bool give_up(struct manifest *manifest, struct section *section, struct error *err)
{
    if (section->rows > 0)
        error_prefix(err, "incomplete, %" PRIu64 " are listed", section->rows);
    return note(manifest, section, err) && finish(manifest, section, err);
}

static bool build_query(const struct section *section, struct buffer *sql, struct error *err)
{
    if (section->sql == NULL)
        return relations_sql(sql, section->last, !section->one && !section->plain, section->one,
                             err);
    /* The snapshot is the same, so what was read already comes first again. */
    return buffer_printf(sql, err, "%s OFFSET %" PRIu64, section->sql, section->rows);
}

static bool ensure_session(struct manifest *manifest, struct section *section, struct error *err)
{
    if (section->of_database) {
        const char *name = manifest->databases[manifest->database_index].name;
        if (gather_connect(manifest, name, err))
            return true;
        return note(manifest, section, err) && finish(manifest, section, err);
    }
    bool open = false;
    if (!gather_cluster_session(manifest, section->key, &open, err))
        return false;
    return open || finish(manifest, section, err);
}

static bool send(struct manifest *manifest, struct section *section, struct error *err)
{
    if (!ensure_session(manifest, section, err))
        return false;
    if (section->done)
        return true;
    struct session *session = &manifest->session;
    struct buffer sql = {0};
    bool sent = build_query(section, &sql, err) && session_set_raw(session, section->raw, err) &&
                session_send(session, buffer_text(&sql), err);
    buffer_free(&sql);
    section->sent = sent;
    section->started = section->rows;
    return sent || give_up(manifest, section, err);
}

/* The relation whose definitions could not be read, now that its name is known. */
static bool note_mishap(struct manifest *manifest, struct section *section, const json_t *relation,
                        struct error *err)
{
    const char *schema = json_string_value(json_object_get(relation, "schema"));
    const char *name = json_string_value(json_object_get(relation, "name"));
    *err = section->mishap;
    error_prefix(err, "column defaults and index definitions are left out");
    return gather_note(manifest, err, "databases[%s].relations[%s.%s]",
                       buffer_text(&manifest->shown_name), schema == NULL ? "?" : schema,
                       name == NULL ? "?" : name);
}

static bool write_row(struct manifest *manifest, struct section *section, json_t *object,
                      struct error *err)
{
    if (section->one && !note_mishap(manifest, section, object, err))
        return false;
    if (!section->opened && !json_writer_open(&manifest->writer, section->key, '[', err))
        return false;
    section->opened = true;
    section->rows++;
    prune(object);
    return json_writer_value(&manifest->writer, NULL, object, err);
}

/* The query ended well: so does the section, unless the query was for one relation only. */
static bool end_query(struct manifest *manifest, struct section *section, struct error *err)
{
    if (!section->one || section->rows == section->started)
        return finish(manifest, section, err);
    section->sent = section->one = false;
    return true;
}

/*
 * The query failed after some rows, or none. What helps is tried, from where it broke off: reading
 * text that does not convert as it is stored; once more, if it was cut off by the statement timeout
 * while rows were coming (whoever reads us may be slow); and without the definitions that have to
 * be deparsed under a lock, for one relation or, when that happens too often, for all.
 */
static bool mend(struct manifest *manifest, struct section *section, struct error *err)
{
    section->sent = false;
    if (gather_must_stop(manifest, err))
        return false;
    if (manifest->session.conn == NULL)
        return give_up(manifest, section, err);
    if (session_is_encoding_error(err) && !section->raw) {
        section->raw = true;
        return true;
    }
    if (strcmp(err->sqlstate, "57014") == 0 && section->rows > section->started)
        return true;
    if (section->sql != NULL || section->one || section->plain)
        return give_up(manifest, section, err);
    if (section->mishaps++ < MISHAPS_MAX) {
        section->mishap = *err;
        section->one = true;
        return true;
    }
    section->plain = true;
    error_prefix(err,
                 "after %" PRIu64 " relations column defaults and index definitions are left "
                 "out",
                 section->rows);
    return note(manifest, section, err);
}

bool section_step(struct manifest *manifest, struct section *section, struct error *err)
{
    if (!section->sent)
        return send(manifest, section, err);
    json_t *object = NULL;
    switch (session_next(&manifest->session, &section->last, &object, err)) {
    case SESSION_ROW:
        break;
    case SESSION_END:
        return end_query(manifest, section, err);
    case SESSION_FAILED:
        return mend(manifest, section, err);
    }
    bool written = write_row(manifest, section, object, err);
    json_decref(object);
    return written;
}
