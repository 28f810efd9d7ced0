/*
 * What a script says is in a database, put down as the table of contents that an archive would
 * have: an entry for each comment that names one, with the SQL behind it, so far as that is short;
 * and one for the rows of each table, of which numbers and sums are kept.
 */
#include "restore/script_trial_internal.h"

#include "restore/sql_words.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define DEFINITION_KEPT ((size_t)64 * 1024)
#define ENTRIES_MOST 2000000 /* of tables whose rows come by turns */
#define TARGET_LOOKED_AT ((size_t)1024)

/* ---- Contents ---- */

static const char *text_or_null(const struct buffer *buffer)
{
    const char *text = buffer_text(buffer);

    return text[0] == '\0' || strcmp(text, "-") == 0 ? NULL : text;
}

static bool add(struct script_trial *trial, const struct archive_entry *given, uint32_t *number,
                struct error *err)
{
    struct archive_entry entry = *given;

    if (trial->entries == ENTRIES_MOST)
        return error_set(err, ERROR_UNSUPPORTED,
                         "the script has more than %d parts, which is too many to be verified",
                         ENTRIES_MOST);
    *number = (uint32_t)trial->entries;
    entry.dump_id = ++trial->entries;
    return archive_contents_add(trial->contents, &entry, err);
}

static bool add_encoding(struct script_trial *trial, struct error *err)
{
    const struct script_restore *restore = trial->restore;
    char definition[SCRIPT_ENCODING_SIZE + 40];
    const struct archive_entry entry = {
        .desc = "ENCODING", .tag = "ENCODING", .definition = definition};
    uint32_t ignored;

    snprintf(definition, sizeof(definition), "SET client_encoding = '%s';\n", restore->encoding);
    return restore->encoding[0] == '\0' || add(trial, &entry, &ignored, err);
}

/* It is made when it has something: by then the comments at its beginning have come. */
static bool need_contents(struct script_trial *trial, struct error *err)
{
    const struct archive_header header = {.minor = 14,
                                          .database = buffer_text(&trial->original),
                                          .server_version =
                                              sql_script_server(trial->restore->script),
                                          .dumper_version = "",
                                          .entry_count = UINT32_MAX};

    if (trial->contents != NULL)
        return true;
    trial->contents = archive_contents_new(ARCHIVE_FORM_CUSTOM, err);
    if (trial->contents == NULL || !archive_contents_begin(trial->contents, &header, err))
        return false;
    trial->sums = content_sums_new(trial->contents, trial->hooks->key, err);
    trial->summer = trial->sums == NULL ? NULL : content_summer_new(trial->sums, err);
    return trial->summer != NULL && add_encoding(trial, err);
}

void script_trial_forget_entries(struct script_trial *trial)
{
    content_summer_free(trial->summer);
    content_sums_free(trial->sums);
    archive_contents_free(trial->contents);
    trial->summer = NULL;
    trial->sums = NULL;
    trial->contents = NULL;
    trial->entries = 0;
    trial->facts = (struct restore_trial_script){0};
    trial->rows = trial->inserts = trial->object = trial->defines = false;
    trial->objects = 0;
    name_set_reset(&trial->foreign);
    name_set_reset(&trial->schemas);
    trial->foreign = trial->schemas = (struct name_set){0};
}

/* ---- Rows ---- */

static void end_rows(struct script_trial *trial)
{
    if (trial->rows)
        content_summer_end(trial->summer);
    trial->rows = trial->inserts = false;
}

/* copy: NULL: they are INSERTs; definition: where these go, if that is elsewhere. */
static bool begin_rows(struct script_trial *trial, const char *schema, const char *tag,
                       const char *copy, const char *definition, struct error *err)
{
    const struct archive_entry entry = {.desc = "TABLE DATA",
                                        .has_data = true,
                                        .section = SECTION_DATA,
                                        .schema = schema,
                                        .tag = tag,
                                        .copy = copy,
                                        .definition = definition};
    uint32_t number = 0;

    end_rows(trial);
    if (!need_contents(trial, err) || !add(trial, &entry, &number, err) ||
        !content_summer_begin(trial->summer, number, err))
        return false;
    trial->rows = true;
    trial->inserts = copy == NULL;
    return true;
}

/* ---- Entries ---- */

/* Rows have entries of their own, as soon as they come. */
static bool put_down(struct script_trial *trial, struct error *err)
{
    const char *type = buffer_text(&trial->type);
    struct archive_entry entry = {.desc = type,
                                  .tag = buffer_text(&trial->name),
                                  .schema = text_or_null(&trial->schema),
                                  .owner = text_or_null(&trial->owner),
                                  .definition = buffer_text(&trial->definition)};
    uint32_t ignored;

    /* Whose owner is set is what can be dropped. */
    if (strstr(entry.definition, " OWNER TO ") != NULL)
        entry.drop = "DROP";

    trial->pending = false;
    if (strcmp(type, "TABLE DATA") == 0)
        return begin_rows(trial, entry.schema, entry.tag, NULL, NULL, err);
    if (strcmp(type, "BLOBS") == 0)
        return true;
    return need_contents(trial, err) && add(trial, &entry, &ignored, err);
}

static bool settle_pending(struct script_trial *trial, struct error *err)
{
    return !trial->pending || put_down(trial, err);
}

static bool set(struct buffer *buffer, const char *text, struct error *err)
{
    buffer_clear_keeping(buffer, DEFINITION_KEPT);
    return buffer_append_string(buffer, text, err);
}

bool script_trial_note_comment(struct script_trial *trial, struct error *err)
{
    const struct sql_script_comment *comment = sql_script_comment(trial->restore->script);

    if (comment->number == trial->comment)
        return true;
    if (!settle_pending(trial, err))
        return false;
    end_rows(trial);
    trial->comment = comment->number;
    trial->pending = comment->type[0] != '\0';
    trial->facts.commented |= trial->pending;
    buffer_clear_keeping(&trial->definition, DEFINITION_KEPT);
    return set(&trial->type, comment->type, err) && set(&trial->name, comment->name, err) &&
           set(&trial->schema, comment->schema, err) && set(&trial->owner, comment->owner, err);
}

bool script_trial_note_statement(struct script_trial *trial, const struct sql_statement *statement,
                                 struct error *err)
{
    if (!trial->pending || statement->kind == SQL_KIND_SET ||
        trial->definition.len + statement->text.len > DEFINITION_KEPT)
        return true;
    return buffer_append(&trial->definition, statement->text.data, statement->text.len, err) &&
           buffer_append_byte(&trial->definition, '\n', err);
}

bool script_trial_finish_entries(struct script_trial *trial, struct error *err)
{
    char here[64] = "";

    /* What is about to be made has its comment before it. */
    if (trial->pending && strcmp(buffer_text(&trial->type), "DATABASE") == 0)
        trial->hooks->name(trial->hooks->context, buffer_text(&trial->name), here);
    if (!need_contents(trial, err) ||
        ((here[0] == '\0' || strcmp(here, trial->within) == 0) && !settle_pending(trial, err)))
        return false;
    end_rows(trial);
    return true;
}

/* ---- Which table ---- */

struct target {
    size_t at, name; /* words so far, and how many come before the name */
    bool dot, ended, failed;
    unsigned parts;
    struct buffer *out;
    struct error *err;
};

static bool take_target(void *context, const struct sql_word *word)
{
    struct target *target = context;
    bool is_name = word->kind == SQL_WORD_PLAIN || word->kind == SQL_WORD_QUOTED;
    bool passed = sql_word_is(word, "if") || sql_word_is(word, "not") ||
                  sql_word_is(word, "exists") || sql_word_is(word, "only");

    if (target->at < target->name || (target->at == target->name && passed)) {
        target->at += target->at < target->name;
        return true;
    }
    if (target->parts > 0 && !target->dot) {
        target->dot = sql_word_is_sign(word, '.');
        return target->dot;
    }
    if (!is_name)
        return false;
    target->failed = (target->parts > 0 && !buffer_append_byte(target->out, '\0', target->err)) ||
                     !sql_word_append_name(target->out, word, target->err);
    target->dot = false;
    return !target->failed && ++target->parts < 2;
}

/* "schema", NUL, "table" behind the first so many words. *qualified: both were there. */
static bool find_target(const struct sql_statement *statement, size_t words, struct buffer *out,
                        bool *qualified, struct error *err)
{
    struct target target = {.name = words, .out = out, .err = err};
    struct slice text = statement->text;

    if (text.len > TARGET_LOOKED_AT)
        text.len = TARGET_LOOKED_AT;
    buffer_clear(out);
    sql_words_walk(text, take_target, &target);
    *qualified = target.parts == 2;
    return !target.failed;
}

static const char *table_of(const struct buffer *target)
{
    return buffer_text(target) + strlen(buffer_text(target)) + 1;
}

/* For a set: a NUL cannot be in a name of it. */
static bool join_target(const struct buffer *target, struct buffer *out, struct error *err)
{
    buffer_clear(out);
    return buffer_append_string(out, buffer_text(target), err) &&
           buffer_append_byte(out, '\n', err) && buffer_append_string(out, table_of(target), err);
}

bool script_trial_note_foreign(struct script_trial *trial, const struct sql_statement *statement,
                               struct error *err)
{
    struct buffer target = {0}, name = {0};
    bool qualified;
    bool done = find_target(statement, 3, &target, &qualified, err) &&
                (!qualified || (join_target(&target, &name, err) &&
                                name_set_add(&trial->foreign, buffer_text(&name), NULL, err)));

    buffer_free(&target);
    buffer_free(&name);
    return done;
}

/* ---- Rows that come ---- */

/* A comment has a blank for what would end its line. */
static bool is_called(const char *comment, const char *name)
{
    for (; *comment != '\0' && *name != '\0'; comment++, name++) {
        if (*comment != *name && !(*comment == ' ' && (*name == '\n' || *name == '\r')))
            return false;
    }
    return *comment == *name;
}

/* The comment names a partition whose rows go in by way of their table. */
static bool goes_elsewhere(const struct script_trial *trial)
{
    return trial->pending && strcmp(buffer_text(&trial->type), "TABLE DATA") == 0 &&
           !(is_called(buffer_text(&trial->schema), buffer_text(&trial->target)) &&
             is_called(buffer_text(&trial->name), table_of(&trial->target)));
}

static bool begin_of(struct script_trial *trial, const struct sql_statement *statement, bool copies,
                     struct error *err)
{
    bool elsewhere = goes_elsewhere(trial);
    const char *schema = buffer_text(elsewhere ? &trial->schema : &trial->target);
    const char *tag = elsewhere ? buffer_text(&trial->name) : table_of(&trial->target);
    struct buffer text = {0};
    bool done;

    if (copies)
        done = buffer_append(&text, statement->text.data, statement->text.len, err) &&
               buffer_append_byte(&text, '\n', err);
    else
        done = buffer_append_string(&text, "-- load via partition root ", err) &&
               wire_quote_identifier(&text, buffer_text(&trial->target), err) &&
               buffer_append_byte(&text, '.', err) &&
               wire_quote_identifier(&text, table_of(&trial->target), err);
    done = done && begin_rows(trial, schema, tag, copies ? buffer_text(&text) : NULL,
                              copies || !elsewhere ? NULL : buffer_text(&text), err);
    buffer_free(&text);
    if (strcmp(buffer_text(&trial->type), "TABLE DATA") == 0)
        trial->pending = false;
    return done;
}

static bool refuse_alone(const struct sql_statement *statement, struct error *err)
{
    error_set(err, ERROR_UNSUPPORTED,
              "the script has rows alone, and not the tables for them: line %" PRIu64,
              statement->line);
    return error_hint(err, "Verify it without a server, or verify a script that has both. To try "
                           "the rows, make the tables first, in a database of their own, and "
                           "restore the script into that.");
}

static bool is_passed(struct script_trial *trial, bool *passes, struct error *err)
{
    struct buffer name = {0};
    bool done = trial->foreign.count == 0 || join_target(&trial->target, &name, err);

    *passes = done && trial->foreign.count > 0 && name_set_has(&trial->foreign, buffer_text(&name));
    trial->facts.foreign += *passes;
    buffer_free(&name);
    return done;
}

/* "COPY s.t (a, b) FROM stdin;" */
static bool is_as_dumped(const struct script_trial *trial, const struct sql_statement *statement)
{
    static const char begin[] = "COPY ", end[] = " FROM stdin;";
    const char *text = (const char *)statement->text.data;
    size_t len = statement->text.len;
    bool commented = strcmp(buffer_text(&trial->type), "TABLE DATA") == 0;

    return len > strlen(begin) + strlen(end) && strncmp(text, begin, strlen(begin)) == 0 &&
           strcmp(text + len - strlen(end), end) == 0 && (commented || strchr(text, '(') != NULL);
}

bool script_trial_note_rows(struct script_trial *trial, const struct sql_statement *statement,
                            bool *passes, struct error *err)
{
    bool copies = statement->kind == SQL_KIND_COPY_IN, qualified, same;

    if (!trial->defines)
        return refuse_alone(statement, err);
    if (!find_target(statement, copies ? 1 : 2, &trial->tag, &qualified, err))
        return false;
    if (!qualified || (copies && !is_as_dumped(trial, statement))) {
        end_rows(trial);
        trial->facts.unknown_rows++;
        return true;
    }
    same = !copies && trial->inserts && trial->tag.len == trial->target.len &&
           memcmp(trial->tag.data, trial->target.data, trial->tag.len) == 0;
    buffer_clear(&trial->target);
    if (!buffer_append(&trial->target, trial->tag.data, trial->tag.len, err) ||
        !is_passed(trial, passes, err))
        return false;
    if (*passes) {
        end_rows(trial);
        return true;
    }
    return (same || begin_of(trial, statement, copies, err)) &&
           (copies || content_summer_bytes(trial->summer, statement->text, err));
}

/* ---- Large objects ---- */

static int digit_of(uint8_t byte)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = byte == '\0' ? NULL : strchr(digits, byte | 0x20);

    return at == NULL || (byte < '0') ? -1 : (int)(at - digits);
}

/* '\x…' */
static bool take_bytes(struct script_trial *trial, struct slice text, struct error *err)
{
    const uint8_t *begin = memmem(text.data, text.len, "\\x", 2);
    uint8_t bytes[4096];
    size_t count = 0;

    if (begin == NULL || !trial->object) {
        trial->facts.unknown_objects = true;
        return true;
    }
    slice_take(&text, (size_t)(begin + 2 - text.data));
    while (text.len >= 2 && digit_of(text.data[0]) >= 0 && digit_of(text.data[1]) >= 0) {
        bytes[count++] = (uint8_t)(digit_of(text.data[0]) * 16 + digit_of(text.data[1]));
        slice_take(&text, 2);
        if (count < sizeof(bytes))
            continue;
        if (!content_summer_bytes(trial->summer, slice_make(bytes, count), err))
            return false;
        count = 0;
    }
    trial->facts.unknown_objects |= text.len == 0 || text.data[0] != '\'';
    return content_summer_bytes(trial->summer, slice_make(bytes, count), err);
}

static bool need_objects(struct script_trial *trial, struct error *err)
{
    const struct archive_entry entry = {
        .desc = "BLOBS", .tag = "BLOBS", .has_data = true, .section = SECTION_DATA};
    uint32_t number = 0;

    end_rows(trial);
    if (trial->objects == 0) {
        if (!need_contents(trial, err) || !add(trial, &entry, &number, err))
            return false;
        trial->objects = number + 1;
    }
    return content_summer_begin(trial->summer, trial->objects - 1, err);
}

/* "SELECT pg_catalog.lo_open('16384', 131072);" */
bool script_trial_note_object(struct script_trial *trial, const struct sql_statement *statement,
                              struct error *err)
{
    const char *text = (const char *)statement->text.data, *quote = strchr(text, '\'');
    char *end = NULL;
    unsigned long oid;

    if (strstr(text, "lowrite") != NULL && (quote == NULL || strstr(text, "lowrite") < quote))
        return take_bytes(trial, statement->text, err);
    if (quote == NULL) {
        if (trial->object)
            content_summer_object_end(trial->summer);
        trial->object = false;
        return true;
    }
    oid = strtoul(quote + 1, &end, 10);
    if (end == NULL || *end != '\'' || oid > UINT32_MAX || trial->object) {
        trial->facts.unknown_objects = true;
        return true;
    }
    if (!need_objects(trial, err))
        return false;
    content_summer_object(trial->summer, (uint32_t)oid);
    trial->object = true;
    return true;
}
