/*
 * A plain SQL script for psql, made from the same entries: what pg_restore -f prints, in spirit.
 * Three passes over the table of contents, as a restore makes them: definitions and rows; then
 * privileges, which might keep the restoring role from the rows; then what must come last.
 *
 * Names are always quoted in what is written here. They come from the server: in a comment, where
 * they stand as they are, line ends become blanks, so that no name can end the comment. A script
 * that is kept has no \restrict line: psql older than the minors of August 2025 stops at it, and
 * there is nothing in a backup to say which psql will read it. So, as with any script, psql should
 * be given one only if the server that it was made of is trusted: pgcask and pg_restore run the
 * entries of an archive as SQL, without a psql that might take a part of them for its own commands.
 * What is written for a psql that waits for it has one.
 */
#include "archive/plain_objects_internal.h"
#include "archive/plain_owners_internal.h"

#include <stdlib.h>

enum step { STEP_HEAD, STEP_DROPS, STEP_ENTRIES, STEP_ROWS, STEP_OBJECTS, STEP_FOOT };
enum pass { PASS_MAIN, PASS_PRIVILEGES, PASS_LAST, PASS_COUNT };

struct plain_stream {
    struct archive_stream base;
    struct plain_wishes wishes;
    enum step step;
    enum pass pass;
    /* Settings of the session that will run the script, once they were set. */
    bool tablespace_set, method_set, schema_set;
    bool own_search_path; /* the archive has one, and all names in it have their schemas */
    struct buffer tablespace, method, schema;
    struct buffer behind_rows; /* what follows them */
    struct plain_objects objects;
    struct buffer group; /* the large objects that the last entry of that sort makes */
};

/* ---- Which entries, and when ---- */

static const char *const session_descs[] = {"ENCODING", "STDSTRINGS", "SEARCHPATH", NULL};

/* What is left out where the database itself is none of the script's business. */
static bool is_of_database(const struct archive_entry *entry)
{
    static const char *const descs[] = {"DATABASE", "DATABASE PROPERTIES", NULL};
    static const char *const about[] = {"ACL", "COMMENT", "SECURITY LABEL", NULL};

    return plain_is_one_of(entry->desc, descs) ||
           (plain_is_one_of(entry->desc, about) && plain_starts_with(entry->tag, "DATABASE "));
}

static bool is_statistics(const struct archive_entry *entry)
{
    return strcmp(entry->desc, "STATISTICS DATA") == 0;
}

static enum pass pass_of(const struct archive_entry *entry)
{
    static const char *const privileges[] = {"ACL", "DEFAULT ACL", NULL};
    static const char *const last[] = {"EVENT TRIGGER", "MATERIALIZED VIEW DATA", NULL};
    static const char *const about[] = {"COMMENT", "SECURITY LABEL", NULL};

    if (plain_is_one_of(entry->desc, privileges))
        return PASS_PRIVILEGES;
    if (plain_is_one_of(entry->desc, last) ||
        (is_statistics(entry) && entry->section == SECTION_POST_DATA) ||
        (plain_is_one_of(entry->desc, about) && plain_starts_with(entry->tag, "EVENT TRIGGER ")))
        return PASS_LAST;
    return PASS_MAIN;
}

static bool sets_database(const struct plain_stream *stream)
{
    return stream->wishes.database == PLAIN_INTO_ITS_OWN ||
           stream->wishes.database == PLAIN_CREATES;
}

static bool is_wanted(const struct plain_stream *stream, const struct archive_entry *entry)
{
    return pass_of(entry) == stream->pass && !plain_is_one_of(entry->desc, session_descs) &&
           (sets_database(stream) || !is_of_database(entry)) &&
           (entry->definition != NULL || entry->has_data);
}

/* ---- Pieces of SQL ---- */

static bool append_name(struct buffer *out, const char *name, struct error *err)
{
    return plain_append_role(out, name, err);
}

/* "name: text", in a comment. */
static bool append_remark(struct buffer *out, const char *name, const char *text, struct error *err)
{
    size_t from;

    if (!buffer_append_string(out, name, err))
        return false;
    from = out->len;
    if (!buffer_append_string(out, text, err))
        return false;
    for (; from < out->len; from++) {
        if (out->data[from] == '\n' || out->data[from] == '\r')
            out->data[from] = ' ';
    }
    return true;
}

static const char *or_dash(const char *text)
{
    return text == NULL || *text == '\0' ? "-" : text;
}

static bool append_heading(struct buffer *out, const struct archive_entry *entry, struct error *err)
{
    const char *what = is_statistics(entry) ? "Statistics for " : "";

    if (entry->has_data)
        what = "Data for ";
    return buffer_append_string(out, "--\n-- ", err) && buffer_append_string(out, what, err) &&
           append_remark(out, "Name: ", entry->tag, err) &&
           append_remark(out, "; Type: ", entry->desc, err) &&
           append_remark(out, "; Schema: ", or_dash(entry->schema), err) &&
           append_remark(out, "; Owner: ", entry->owner == NULL ? "-" : entry->owner, err) &&
           (entry->tablespace == NULL || *entry->tablespace == '\0' ||
            append_remark(out, "; Tablespace: ", entry->tablespace, err)) &&
           buffer_append_string(out, "\n--\n\n", err);
}

/* ---- Settings that tables are created with ---- */

static bool remember(struct buffer *held, const char *text, bool *set, struct error *err)
{
    buffer_clear(held);
    *set = true;
    return buffer_append_string(held, text, err);
}

static bool append_tablespace(struct plain_stream *stream, const char *tablespace,
                              struct error *err)
{
    if (tablespace == NULL ||
        (stream->tablespace_set && strcmp(buffer_text(&stream->tablespace), tablespace) == 0))
        return true;
    return remember(&stream->tablespace, tablespace, &stream->tablespace_set, err) &&
           buffer_append_string(&stream->base.out, "SET default_tablespace = ", err) &&
           (*tablespace == '\0' ? buffer_append_string(&stream->base.out, "''", err)
                                : append_name(&stream->base.out, tablespace, err)) &&
           buffer_append_string(&stream->base.out, ";\n\n", err);
}

/* For archives from before pg_dump wrote all names with their schemas. */
static bool append_search_path(struct plain_stream *stream, const char *schema, struct error *err)
{
    if (stream->own_search_path || schema == NULL || *schema == '\0' ||
        (stream->schema_set && strcmp(buffer_text(&stream->schema), schema) == 0))
        return true;
    return remember(&stream->schema, schema, &stream->schema_set, err) &&
           buffer_append_string(&stream->base.out, "SET search_path = ", err) &&
           append_name(&stream->base.out, schema, err) &&
           buffer_append_string(&stream->base.out, ", pg_catalog;\n\n", err);
}

/* A partitioned table takes no notice of the default: see append_method_after. */
static bool append_method(struct plain_stream *stream, const struct archive_entry *entry,
                          struct error *err)
{
    const char *method = entry->access_method;

    if (method == NULL || entry->relkind == 'p' ||
        (stream->method_set && strcmp(buffer_text(&stream->method), method) == 0))
        return true;
    return remember(&stream->method, method, &stream->method_set, err) &&
           buffer_append_string(&stream->base.out, "SET default_table_access_method = ", err) &&
           append_name(&stream->base.out, method, err) &&
           buffer_append_string(&stream->base.out, ";\n\n", err);
}

static bool append_method_after(struct buffer *out, const struct archive_entry *entry,
                                struct error *err)
{
    if (entry->access_method == NULL || entry->relkind != 'p')
        return true;
    return buffer_append_string(out, "ALTER TABLE ", err) &&
           plain_append_qualified(out, entry->schema, entry->tag, err) &&
           buffer_append_string(out, " SET ACCESS METHOD ", err) &&
           append_name(out, entry->access_method, err) && buffer_append_string(out, ";\n\n", err);
}

/* ---- What every session begins with ---- */

/* pg_restore reads this one, and writes what it has read. */
static const char *setting_of(const struct archive_entry *entry)
{
    if (strcmp(entry->desc, "STDSTRINGS") != 0)
        return entry->definition;
    return strstr(entry->definition, "'on'") != NULL ? "SET standard_conforming_strings = on;\n"
                                                     : "SET standard_conforming_strings = off;\n";
}

static bool append_role(struct plain_stream *stream, struct error *err)
{
    struct buffer *out = &stream->base.out;

    return stream->wishes.role == NULL ||
           (buffer_append_string(out, "SET ROLE ", err) &&
            append_name(out, stream->wishes.role, err) && buffer_append_string(out, ";\n", err));
}

static bool append_session(struct plain_stream *stream, struct error *err)
{
    for (const char *const *desc = session_descs; *desc != NULL; desc++) {
        struct archive_entry entry = {.desc = ""};
        bool found = false;

        for (uint32_t i = 0; i < stream->base.header->entry_count && !found; i++) {
            if (!archive_stream_entry(&stream->base, i, &entry, err))
                return false;
            found = strcmp(entry.desc, *desc) == 0;
        }
        if (found && entry.definition != NULL &&
            !buffer_append_string(&stream->base.out, setting_of(&entry), err))
            return false;
        stream->own_search_path = found; /* the last of them */
        if (desc == &session_descs[1] && !append_role(stream, err))
            return false;
    }
    return true;
}

static bool append_settings(struct plain_stream *stream, struct error *err)
{
    struct buffer *out = &stream->base.out;

    return buffer_append_string(out,
                                "SET statement_timeout = 0;\n"
                                "SET lock_timeout = 0;\n"
                                "SET idle_in_transaction_session_timeout = 0;\n",
                                err) &&
           /* Servers of 16 and older do not know it; those who write an older version are such. */
           (stream->base.header->minor < 16 ||
            strtol(stream->base.header->server_version, NULL, 10) < 17 ||
            buffer_append_string(out, "SET transaction_timeout = 0;\n", err)) &&
           append_session(stream, err) &&
           buffer_append_string(out,
                                "SET check_function_bodies = false;\n"
                                "SET xmloption = content;\n"
                                "SET client_min_messages = warning;\n"
                                "SET row_security = ",
                                err) &&
           buffer_append_string(out, stream->wishes.row_security ? "on;\n\n" : "off;\n\n", err);
}

/* ---- Databases ---- */

/* As a URI for a name that psql could take for more than a name: no byte of that means anything to
 * psql, whatever encoding it thinks of. */
static bool append_connect_line(struct buffer *out, const char *name, struct error *err)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.";
    bool done;

    if (name[strspn(name, plain)] == '\0')
        return buffer_printf(out, err, "\\connect %s\n", name);
    done = buffer_append_string(out, "\\connect -reuse-previous=on \"postgresql:///", err);
    for (; done && *name != '\0'; name++)
        done = strchr(plain, *name) != NULL
                   ? buffer_append_byte(out, (uint8_t)*name, err)
                   : buffer_printf(out, err, "%%%02X", (unsigned)(uint8_t)*name);
    return done && buffer_append_string(out, "\"\n", err);
}

/* The one line for which psql must take a meta-command. */
static bool append_connect(struct plain_stream *stream, struct error *err)
{
    const char *name = stream->base.header->database, *word = stream->wishes.restrict_word;
    struct buffer *out = &stream->base.out;

    /* In the session that ends here. */
    stream->tablespace_set = stream->method_set = stream->schema_set = false;
    return (word == NULL || buffer_printf(out, err, "\\unrestrict %s\n", word)) &&
           append_connect_line(out, name, err) &&
           (word == NULL || buffer_printf(out, err, "\\restrict %s\n", word)) &&
           buffer_append_byte(out, '\n', err);
}

/* What a role or a database has set begins with the session, and would keep the script from
 * writing. */
static bool append_session_begin(struct plain_stream *stream, struct error *err)
{
    return append_connect(stream, err) &&
           buffer_append_string(&stream->base.out, "SET default_transaction_read_only = off;\n",
                                err) &&
           append_settings(stream, err);
}

/* Behind what makes the database, or changes what its sessions begin with. */
static bool append_database_end(struct plain_stream *stream, const struct archive_entry *entry,
                                struct error *err)
{
    if (strcmp(entry->desc, "DATABASE PROPERTIES") != 0 &&
        (strcmp(entry->desc, "DATABASE") != 0 || stream->wishes.database != PLAIN_CREATES))
        return true;
    return append_session_begin(stream, err);
}

/* ---- Entries ---- */

static bool append_triggers(struct buffer *out, const struct archive_entry *entry, const char *what,
                            struct error *err)
{
    return buffer_append_string(out, "ALTER TABLE ", err) &&
           plain_append_qualified(out, entry->schema, entry->tag, err) &&
           buffer_append_string(out, what, err);
}

static bool append_rows_begin(struct plain_stream *stream, const struct archive_entry *entry,
                              struct error *err)
{
    struct buffer *out = &stream->base.out;

    bool copying = entry->copy != NULL && entry->copy[0] != '\0'; /* not SQL */

    buffer_clear(&stream->behind_rows);
    return (!copying || buffer_append_string(&stream->behind_rows, ARCHIVE_COPY_END, err)) &&
           (!stream->wishes.without_triggers ||
            (append_triggers(out, entry, " DISABLE TRIGGER ALL;\n\n", err) &&
             append_triggers(&stream->behind_rows, entry, " ENABLE TRIGGER ALL;\n\n", err))) &&
           (entry->copy == NULL || buffer_append_string(out, entry->copy, err));
}

static bool append_definition(struct plain_stream *stream, const struct archive_entry *entry,
                              struct error *err)
{
    struct buffer *out = &stream->base.out;

    if (plain_is_object_group(entry))
        return plain_append_objects(out, entry->definition, err) &&
               buffer_append_byte(out, '\n', err);
    if (plain_is_about_group(entry))
        return plain_append_for_each(out, entry->definition, buffer_text(&stream->group), err) &&
               buffer_append_byte(out, '\n', err);
    return buffer_append_string(out, entry->definition, err) &&
           buffer_append_string(out, "\n\n", err);
}

static bool append_entry(struct plain_stream *stream, const struct archive_entry *entry,
                         struct error *err)
{
    struct buffer *out = &stream->base.out;

    if (!append_search_path(stream, entry->schema, err) ||
        !append_tablespace(stream, entry->tablespace, err) || !append_method(stream, entry, err) ||
        !append_heading(out, entry, err))
        return false;
    if (entry->has_data)
        return archive_entry_has_objects(entry) || append_rows_begin(stream, entry, err);
    if (strcmp(entry->desc, "DATABASE") == 0 && stream->wishes.database == PLAIN_INTO_ITS_OWN)
        return plain_append_owner(out, entry, err);
    return append_definition(stream, entry, err) && plain_append_owner(out, entry, err) &&
           append_method_after(out, entry, err) && append_database_end(stream, entry, err);
}

/* What is said of one large object of a group is meant for all of it: its privileges come in a
 * later pass, behind the same entry. */
static bool note_group(struct plain_stream *stream, const struct archive_entry *entry,
                       struct error *err)
{
    if (!plain_is_object_group(entry) || entry->definition == NULL)
        return true;
    buffer_clear(&stream->group);
    return buffer_append_string(&stream->group, entry->definition, err);
}

/* The next entry that belongs into the pass; at the end of the last one, the foot. */
static bool fill_entry(struct plain_stream *stream, struct error *err)
{
    struct archive_entry entry;

    buffer_clear_keeping(&stream->base.out, ARCHIVE_TEXT_KEPT);
    if (stream->base.next_entry == stream->base.header->entry_count) {
        stream->base.next_entry = 0;
        stream->pass = (enum pass)(stream->pass + 1);
        if (stream->pass == PASS_COUNT)
            stream->step = STEP_FOOT;
        return true;
    }
    if (!archive_stream_entry(&stream->base, stream->base.next_entry++, &entry, err) ||
        !note_group(stream, &entry, err))
        return false;
    if (!is_wanted(stream, &entry))
        return true;
    if (entry.has_data)
        stream->step = archive_entry_has_objects(&entry) ? STEP_OBJECTS : STEP_ROWS;
    return append_entry(stream, &entry, err);
}

/* ---- Head and foot ---- */

static bool fill_head(struct plain_stream *stream, struct error *err)
{
    const char *word = stream->wishes.restrict_word;
    struct buffer *out = &stream->base.out;

    stream->step = stream->wishes.drops ? STEP_DROPS : STEP_ENTRIES;
    stream->base.next_entry = stream->wishes.drops ? stream->base.header->entry_count : 0;
    if (!buffer_append_string(out, "--\n-- PostgreSQL database dump\n--\n\n", err) ||
        (word != NULL && !buffer_printf(out, err, "\\restrict %s\n\n", word)) ||
        !append_remark(out, "-- Dumped from database version ", stream->base.header->server_version,
                       err) ||
        !append_remark(out, "\n-- Dumped by ", stream->base.header->dumper_version, err) ||
        !buffer_append_string(out, "\n\n", err) ||
        (stream->wishes.one_transaction && !buffer_append_string(out, "BEGIN;\n\n", err)))
        return false;
    return stream->wishes.database == PLAIN_INTO_ITS_OWN ||
                   stream->wishes.database == PLAIN_GOES_THERE
               ? append_session_begin(stream, err)
               : append_settings(stream, err);
}

static bool fill_foot(struct plain_stream *stream, struct error *err)
{
    const char *word = stream->wishes.restrict_word;
    struct buffer *out = &stream->base.out;

    stream->base.ended = true;
    return (!stream->wishes.one_transaction || buffer_append_string(out, "COMMIT;\n\n", err)) &&
           buffer_append_string(out, "--\n-- PostgreSQL database dump complete\n--\n\n", err) &&
           (word == NULL || buffer_printf(out, err, "\\unrestrict %s\n\n", word));
}

/* ---- What is there already ---- */

/* With the database everything in it goes. */
static bool is_dropped(const struct plain_stream *stream, const struct archive_entry *entry)
{
    if (entry->drop == NULL || entry->drop[0] == '\0' ||
        (entry->definition == NULL && !entry->has_data))
        return false;
    return stream->wishes.database == PLAIN_CREATES
               ? strcmp(entry->desc, "DATABASE") == 0 ||
                     strcmp(entry->desc, "DATABASE PROPERTIES") == 0
               : !is_of_database(entry);
}

static bool fill_drop(struct plain_stream *stream, struct error *err)
{
    struct archive_entry entry;

    buffer_clear_keeping(&stream->base.out, ARCHIVE_TEXT_KEPT);
    if (stream->base.next_entry == 0) {
        stream->step = STEP_ENTRIES;
        stream->schema_set = false; /* which may be gone */
        return true;
    }
    if (!archive_stream_entry(&stream->base, --stream->base.next_entry, &entry, err))
        return false;
    return !is_dropped(stream, &entry) || (append_search_path(stream, entry.schema, err) &&
                                           archive_append_drop(&stream->base.out, &entry, err));
}

/* ---- The stream ---- */

static bool next_rows(struct plain_stream *stream, struct slice *lend, struct error *err)
{
    const struct archive_content *content = stream->base.content;

    if (!content->data(content->context, stream->base.next_entry - 1, lend, err))
        return false;
    if (lend->len > 0)
        return true;
    *lend = buffer_slice(&stream->behind_rows);
    stream->step = STEP_ENTRIES;
    return true;
}

static bool next_objects(struct plain_stream *stream, struct slice *lend, struct error *err)
{
    bool ended;

    buffer_clear(&stream->base.out);
    stream->objects.within = stream->wishes.one_transaction;
    if (!plain_objects_fill(&stream->objects, &stream->base, stream->base.next_entry - 1,
                            &stream->base.out, &ended, err))
        return false;
    if (ended)
        stream->step = STEP_ENTRIES;
    *lend = buffer_slice(&stream->base.out);
    return true;
}

static bool plain_more(struct archive_stream *base, struct slice *lend, struct error *err)
{
    struct plain_stream *stream = (struct plain_stream *)base;
    bool done = true;

    switch (stream->step) {
    case STEP_HEAD:
        done = fill_head(stream, err);
        *lend = buffer_slice(&base->out);
        break;
    case STEP_DROPS:
        done = fill_drop(stream, err);
        *lend = buffer_slice(&base->out);
        break;
    case STEP_ENTRIES:
        done = fill_entry(stream, err);
        *lend = buffer_slice(&base->out);
        break;
    case STEP_ROWS:
        return next_rows(stream, lend, err);
    case STEP_OBJECTS:
        return next_objects(stream, lend, err);
    case STEP_FOOT:
        done = fill_foot(stream, err);
        *lend = buffer_slice(&base->out);
        break;
    }
    return done;
}

static void plain_reset(struct archive_stream *base)
{
    struct plain_stream *stream = (struct plain_stream *)base;

    buffer_free(&stream->tablespace);
    buffer_free(&stream->method);
    buffer_free(&stream->schema);
    buffer_free(&stream->behind_rows);
    buffer_free(&stream->group);
    plain_objects_reset(&stream->objects);
}

struct reader *plain_stream_of_wishes(const struct archive_header *header,
                                      const struct archive_content *content,
                                      const struct plain_wishes *wishes, struct error *err)
{
    static const struct archive_stream_kind kind = {
        .reader = {.next = archive_stream_next, .close = archive_stream_close},
        .more = plain_more,
        .reset = plain_reset,
    };
    struct plain_stream *stream = archive_stream_new(&kind, sizeof(*stream), header, content, err);

    if (stream == NULL)
        return NULL;
    stream->wishes = *wishes;
    return &stream->base.reader;
}

struct reader *plain_stream_new(const struct archive_header *header,
                                const struct archive_content *content, enum plain_database database,
                                struct error *err)
{
    const struct plain_wishes wishes = {.database = database};

    return plain_stream_of_wishes(header, content, &wishes, err);
}
