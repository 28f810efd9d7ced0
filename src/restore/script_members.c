/*
 * Who is a member of which role. From 16 on a server takes as a grantor its own superuser, the one
 * that it was made with, and whoever may make others members of that role. What a script has of
 * another server, whose own superuser is called otherwise, would be refused, and so would every
 * grantor but themselves for those who are no superusers: there the grantor is left out, so that
 * the membership comes from whoever may grant it here.
 */
#include "restore/script_restore_internal.h"

#include "restore/sql_words.h"

#define WORDS_KEPT 4 /* GRANT role TO member */

struct membership {
    struct sql_word first[WORDS_KEPT];
    size_t count;
    struct sql_word last[2]; /* before the one at hand */
    bool admin;              /* WITH ADMIN OPTION, or TRUE */
    bool granted;            /* GRANTED BY was met */
    size_t begin, end;       /* of it and the name behind it */
    struct sql_word grantor;
};

static bool take_word(void *context, const struct sql_word *word)
{
    struct membership *found = context;
    const struct sql_word *last = found->last;

    if (found->granted && found->end == 0) {
        found->grantor = *word;
        found->end = word->begin + word->text.len;
        return false;
    }
    if (found->count < WORDS_KEPT)
        found->first[found->count++] = *word;
    if (!sql_word_is(&found->first[0], "grant") || (found->count == 3 && !sql_word_is(word, "to")))
        return false;
    found->admin |= sql_word_is(&last[1], "admin") &&
                    (sql_word_is(word, "option") || sql_word_is(word, "true"));
    if (sql_word_is(&last[1], "granted") && sql_word_is(word, "by")) {
        found->granted = true;
        found->begin = last[1].begin;
    }
    found->last[0] = last[1];
    found->last[1] = *word;
    return true;
}

static bool is_name(const struct sql_word *word)
{
    return word->kind == SQL_WORD_PLAIN || word->kind == SQL_WORD_QUOTED;
}

/* As pg_dumpall writes it: one role, one member. */
static bool is_membership(const struct sql_statement *statement, struct membership *found)
{
    if (statement->kind != SQL_KIND_OTHER || statement->rest > 0)
        return false;
    sql_words_walk(statement->text, take_word, found);
    return found->count == WORDS_KEPT && found->end > 0 && is_name(&found->grantor) &&
           sql_word_is(&found->first[0], "grant") && is_name(&found->first[1]) &&
           sql_word_is(&found->first[2], "to") && is_name(&found->first[3]);
}

/* Who may make others members of what: two names, each in quotes. */
static bool append_right(struct buffer *key, const struct sql_word *role,
                         const struct sql_word *member, struct error *err)
{
    const struct sql_word *const words[] = {role, member};
    struct buffer name = {0};
    bool done = true;

    for (size_t i = 0; done && i < 2; i++) {
        buffer_clear(&name);
        done = sql_word_append_name(&name, words[i], err) &&
               wire_quote_identifier(key, buffer_text(&name), err);
    }
    buffer_free(&name);
    return done;
}

static bool note_right(struct script_restore *restore, const struct membership *found,
                       struct error *err)
{
    struct buffer key = {0};
    bool done = append_right(&key, &found->first[1], &found->first[3], err) &&
                script_names_take(&restore->names, 'g', buffer_text(&key), err) != NULL;

    buffer_free(&key);
    return done;
}

static bool judge_grantor(const struct script_restore *restore, const struct membership *found,
                          bool *refused, struct error *err)
{
    struct buffer name = {0}, key = {0};
    bool done = sql_word_append_name(&name, &found->grantor, err) &&
                append_right(&key, &found->first[1], &found->grantor, err);

    if (done)
        *refused =
            !restore->superuser ||
            ((restore->bootstrap == NULL || strcmp(restore->bootstrap, buffer_text(&name)) != 0) &&
             script_names_find(&restore->names, 'g', buffer_text(&key)) == NULL);
    buffer_free(&name);
    buffer_free(&key);
    return done;
}

bool script_members_text(struct script_restore *restore, const struct sql_statement *statement,
                         const char **text, struct error *err)
{
    struct membership found = {.count = 0};
    struct slice all = statement->text;
    bool refused = false;

    *text = (const char *)all.data;
    if (restore->trial != NULL || !is_membership(statement, &found))
        return true;
    if (!script_know_names(restore, err) || !judge_grantor(restore, &found, &refused, err) ||
        (found.admin && !note_right(restore, &found, err)))
        return false;
    if (!refused || wire_server_version(target_session_conn(restore->base.target)) < 160000)
        return true;
    buffer_clear(&restore->regranted);
    if (!buffer_append(&restore->regranted, all.data, found.begin, err) ||
        !buffer_append(&restore->regranted, all.data + found.end, all.len - found.end, err))
        return false;
    restore->grantors_left_out++;
    *text = buffer_text(&restore->regranted);
    return true;
}

void script_members_tell(const struct script_restore *restore)
{
    if (restore->grantors_left_out > 0)
        log_message(restore->request->log, LOG_INFO,
                    "memberships of roles whose grantor is another one here, because the one of "
                    "the script may not grant them on this server: %zu",
                    restore->grantors_left_out);
}
