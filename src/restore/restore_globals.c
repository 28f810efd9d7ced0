/* Roles and tablespaces are of a whole server: what a restore makes and alters of them is said
 * before it does, for which their names alone are read. */
#include "restore/restore_globals.h"

#include "restore/sql_words.h"

struct rule {
    unsigned words;
    bool made, found;
};

/* "CREATE ROLE a …" and "ALTER ROLE a …" have their options behind three words. That a role is none
 * may be said of one that is made. */
static bool take_option(void *context, const struct sql_word *word)
{
    static const char *const options[] = {"superuser",     "nosuperuser", "replication",
                                          "noreplication", "bypassrls",   "nobypassrls"};
    struct rule *rule = context;

    if (++rule->words <= 3)
        return true;
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        rule->found |= sql_word_is(word, options[i]) && !(rule->made && i % 2 == 1);
    return !rule->found && !sql_word_is(word, "set");
}

static bool is_ruled(const struct sql_statement *statement)
{
    struct rule rule = {.made = statement->kind == SQL_KIND_CREATE_ROLE};

    sql_words_walk(statement->text, take_option, &rule);
    return rule.found;
}

bool restore_globals_note(struct restore_globals *globals, const struct sql_statement *statement,
                          struct error *err)
{
    bool role = statement->kind == SQL_KIND_CREATE_ROLE;
    bool made = role || statement->kind == SQL_KIND_CREATE_TABLESPACE;
    bool ruled = (role || statement->kind == SQL_KIND_ALTER_ROLE) && is_ruled(statement);
    struct buffer name = {0};
    struct error ignored;
    bool done = true;

    if (!made && !ruled)
        return true;
    if (sql_statement_name(statement->text, &name, &ignored))
        done = (!made || name_set_add(role ? &globals->roles : &globals->tablespaces,
                                      buffer_text(&name), NULL, err)) &&
               (!ruled || name_set_add(&globals->ruled, buffer_text(&name), NULL, err));
    buffer_free(&name);
    return done;
}

static bool note(void *context, const struct sql_statement *statement, struct error *err)
{
    return restore_globals_note(context, statement, err);
}

bool restore_globals_read(struct restore_globals *globals, struct slice script, struct error *err)
{
    const struct sql_script_handler handler = {
        .context = globals, .statement = note, .rest = sql_script_drop_rest};
    struct sql_script *reading = sql_script_new(&handler, err);
    bool done = reading != NULL;

    if (done && !sql_script_feed(reading, script, err)) {
        done = err->code != ERROR_MEMORY;
        *err = (struct error){0};
    }
    sql_script_free(reading);
    return done;
}

void restore_globals_reset(struct restore_globals *globals)
{
    name_set_reset(&globals->roles);
    name_set_reset(&globals->tablespaces);
    name_set_reset(&globals->ruled);
    *globals = (struct restore_globals){0};
}
