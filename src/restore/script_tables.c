/*
 * What a script says of tables and sequences that were there already: where the statement that
 * makes one fails because it is there, its rows, or its value, are another's, and what the script
 * has would come on top of them.
 */
#include "restore/script_restore_internal.h"

#include "base/quote.h"
#include "restore/sql_words.h"

#include <inttypes.h>
#include <string.h>

#define WORDS_OF_VALUE 24 /* SELECT pg_catalog.setval('name' …: sign by sign */

/* What a statement is about, as far as its words go. */
struct about {
    enum { ABOUT_NOTHING, ABOUT_MAKING, ABOUT_ROWS, ABOUT_VALUE } what;
    enum { WANTS_VERB, WANTS_KIND, WANTS_NAME, WANTS_DOT, WANTS_SEQUENCE, WANTS_VALUE } wants;
    size_t words;
    bool named, failed; /* it has a name; out of memory */
    struct buffer *name;
    struct error *err;
};

static bool append_part(struct about *about, const struct sql_word *word)
{
    char quoted[QUOTE_NAME_SIZE];
    struct buffer name = {0};

    about->named = true;
    about->wants = WANTS_DOT;
    about->failed =
        !sql_word_append_name(&name, word, about->err) ||
        (about->name->len > 0 && !buffer_append_byte(about->name, '.', about->err)) ||
        !buffer_append_string(
            about->name, quote_identifier(buffer_text(&name), quoted, sizeof(quoted)), about->err);
    buffer_free(&name);
    return !about->failed;
}

static bool take_verb(struct about *about, const struct sql_word *word)
{
    static const struct {
        const char *verb;
        int what, wants;
    } verbs[] = {
        {"create", ABOUT_MAKING, WANTS_KIND}, {"alter", ABOUT_MAKING, WANTS_SEQUENCE},
        {"copy", ABOUT_ROWS, WANTS_NAME},     {"insert", ABOUT_ROWS, WANTS_NAME},
        {"select", ABOUT_VALUE, WANTS_VALUE},
    };

    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (!sql_word_is(word, verbs[i].verb))
            continue;
        about->what = verbs[i].what;
        about->wants = verbs[i].wants;
        return true;
    }
    return false;
}

/* CREATE UNLOGGED TABLE …; with IF NOT EXISTS it does not fail. */
static bool take_kind(struct about *about, const struct sql_word *word)
{
    if (sql_word_is(word, "table") || sql_word_is(word, "sequence"))
        about->wants = WANTS_NAME;
    return about->words < 5 && word->kind == SQL_WORD_PLAIN;
}

/* ALTER TABLE … ADD GENERATED … AS IDENTITY (SEQUENCE NAME …). */
static bool take_sequence(struct about *about, const struct sql_word *word)
{
    if (about->words == 2 && !sql_word_is(word, "table"))
        return false;
    if (sql_word_is(word, "sequence"))
        about->wants = WANTS_NAME;
    return true;
}

static bool begins_name(const struct sql_word *word)
{
    return word->kind <= SQL_WORD_QUOTED && !sql_word_is(word, "into") &&
           !sql_word_is(word, "only") && !sql_word_is(word, "name");
}

static bool take_text_part(void *context, const struct sql_word *word)
{
    struct about *about = context;

    return sql_word_is_sign(word, '.') ||
           (word->kind <= SQL_WORD_QUOTED && append_part(about, word));
}

/* setval('public."a name"', 7, true): of any other SELECT nothing is wanted. */
static bool take_value(struct about *about, const struct sql_word *word)
{
    struct buffer text = {0};

    if (word->kind == SQL_WORD_STRING) {
        about->failed = !sql_word_append_string(&text, word, about->err);
        if (!about->failed)
            sql_words_walk(buffer_slice(&text), take_text_part, about);
        buffer_free(&text);
        return false;
    }
    return about->words < WORDS_OF_VALUE &&
           (sql_word_is(word, "pg_catalog") || sql_word_is(word, "setval") ||
            word->kind == SQL_WORD_SIGN);
}

static bool take_word(void *context, const struct sql_word *word)
{
    struct about *about = context;

    about->words++;
    switch (about->wants) {
    case WANTS_VERB:
        return take_verb(about, word);
    case WANTS_KIND:
        return take_kind(about, word);
    case WANTS_SEQUENCE:
        return take_sequence(about, word);
    case WANTS_VALUE:
        return take_value(about, word);
    case WANTS_NAME:
        if (sql_word_is(word, "if"))
            return false;
        return begins_name(word) ? append_part(about, word) : word->kind == SQL_WORD_PLAIN;
    case WANTS_DOT:
        about->wants = WANTS_NAME;
        return sql_word_is_sign(word, '.');
    }
    return false;
}

/* False: out of memory. Without a name it is about nothing. */
static bool look_at(struct slice statement, struct buffer *name, struct about *about,
                    struct error *err)
{
    *about = (struct about){.name = name, .err = err};
    sql_words_walk(statement, take_word, about);
    if (!about->named)
        about->what = ABOUT_NOTHING;
    return !about->failed;
}

/* ---- What was there ---- */

/* One that the script makes twice was not there before the script if the first time went well. */
static bool note_making(struct script_restore *restore, const char *name, uint64_t line,
                        struct error *err)
{
    struct script_name *item = script_names_take(&restore->tables, 'm', name, err);

    if (item == NULL)
        return false;
    if (item->line == 0)
        item->line = line;
    restore->tables_made = true;
    return true;
}

/* Where the script does not say what it has, the name is as it is looked up. */
static void tell_passed(struct script_restore *restore, struct script_name *item, uint64_t line)
{
    const char *entry = sql_script_entry(restore->script);

    log_message(restore->request->log, LOG_WARNING,
                "line %" PRIu64 ", %s: the rows are passed over, because the table was there "
                "already",
                line, entry[0] == '\0' ? item->name : entry);
    item->told = true;
    restore->report.passed_over++;
}

/* Whether it was there, which the server says once it has answered. */
static bool note_filling(struct script_restore *restore, struct script_session *session,
                         const struct about *about, uint64_t line, bool *passes, struct error *err)
{
    struct script_name *item;

    if (restore->tables_made && !restore->in_unit) {
        restore->tables_made = false;
        if (!target_settle(session->target, err))
            return false;
    }
    item = script_names_take(&restore->tables, 'm', buffer_text(about->name), err);
    if (item == NULL)
        return false;
    *passes = item->there;
    if (item->there && about->what == ABOUT_VALUE)
        restore->report.left++;
    else if (item->there && !item->told)
        tell_passed(restore, item, line);
    return true;
}

bool script_tables_pass(struct script_restore *restore, struct script_session *session,
                        const struct sql_statement *statement, bool *passes, struct error *err)
{
    struct buffer name = {0};
    struct about about;
    bool done;

    *passes = false;
    if (session == NULL || restore->globals ||
        restore->request->existing != RESTORE_INTO_EXISTING ||
        (statement->kind != SQL_KIND_OTHER && statement->kind != SQL_KIND_COPY_IN))
        return true;
    done = look_at(statement->text, &name, &about, err);
    if (done && about.what == ABOUT_MAKING)
        done = note_making(restore, buffer_text(&name), statement->line, err);
    else if (done && about.what != ABOUT_NOTHING)
        done = note_filling(restore, session, &about, statement->line, passes, err);
    buffer_free(&name);
    return done;
}

/* Without memory it counts as one that was not there, as for psql. */
void script_tables_failed(struct script_restore *restore, const struct target_failure *failure)
{
    /* The relation is there; the column has a sequence already. */
    bool there = strcmp(failure->sqlstate, "42P07") == 0 || strcmp(failure->sqlstate, "55000") == 0;
    struct script_name *item;
    struct buffer name = {0};
    struct about about;
    struct error ignored;

    if (there && restore->request->existing == RESTORE_INTO_EXISTING && !restore->globals &&
        look_at(slice_string(failure->statement), &name, &about, &ignored) &&
        about.what == ABOUT_MAKING) {
        item = script_names_take(&restore->tables, 'm', buffer_text(&name), &ignored);
        if (item != NULL)
            item->there |= item->line == failure->subject;
    }
    buffer_free(&name);
}
