/*
 * What a statement of a script is about, for a trial, which must touch nothing but its databases:
 * roles, tablespaces, other databases, settings of the server, files of its machine, publishers of
 * subscriptions. Known by the first words, as the server's grammar has them.
 */
#include "restore/script_trial.h"

#include "restore/sql_words.h"

#include <string.h>
#include <strings.h>

#define WORDS 6
#define LOOKED_AT ((size_t)64 * 1024)
#define INSERT_LOOKED_AT ((size_t)64)

struct look {
    struct sql_word first[WORDS];
    size_t count;
    bool on, database, unconnected;
    bool shared_object;   /* ON ROLE, TABLESPACE, PARAMETER */
    bool from_stdin;      /* of a COPY */
    struct sql_word name; /* behind DATABASE */
    struct sql_word previous, before;
};

static bool look(void *context, const struct sql_word *word)
{
    struct look *look = context;

    if (look->database && look->name.text.len == 0)
        look->name = *word;
    if (word->depth == 0 && sql_word_is(word, "database") &&
        (look->count == 1 || sql_word_is(&look->previous, "on")))
        look->database = true;
    if (sql_word_is(&look->previous, "on") && word->depth == 0)
        look->shared_object |= sql_word_is(word, "role") || sql_word_is(word, "tablespace") ||
                               sql_word_is(word, "parameter");
    look->on |= word->depth == 0 && sql_word_is(word, "on");
    look->unconnected |= sql_word_is(&look->before, "connect") &&
                         sql_word_is_sign(&look->previous, '=') &&
                         (sql_word_is(word, "false") || sql_word_is(word, "off"));
    look->from_stdin |=
        word->depth == 0 && sql_word_is(word, "stdin") && sql_word_is(&look->previous, "from");
    if (look->count < WORDS)
        look->first[look->count++] = *word;
    look->before = look->previous;
    look->previous = *word;
    return true;
}

static bool is(const struct look *look, size_t n, const char *keyword)
{
    return n < look->count && sql_word_is(&look->first[n], keyword);
}

static bool is_sign(const struct look *look, size_t n, char sign)
{
    return n < look->count && sql_word_is_sign(&look->first[n], sign);
}

static bool is_of_catalogs(const struct look *look)
{
    size_t n = is(look, 0, "update") ? 1 : 2;

    return (is(look, 0, "update") || (is(look, 0, "delete") && is(look, 1, "from")) ||
            (is(look, 0, "insert") && is(look, 1, "into"))) &&
           is(look, n, "pg_catalog");
}

/* A subscription that connects makes a slot at a server of somebody else's. */
static bool is_of_publisher(const struct look *look)
{
    return (is(look, 0, "create") && is(look, 1, "subscription") && !look->unconnected) ||
           (is(look, 0, "alter") && is(look, 1, "subscription") && !is(look, 3, "owner"));
}

static bool is_shared(const struct look *look, enum sql_kind kind)
{
    bool grants = is(look, 0, "grant") || is(look, 0, "revoke");
    bool says = is(look, 0, "comment") || is(look, 0, "security");

    return (kind >= SQL_KIND_CREATE_ROLE && kind <= SQL_KIND_DROP_ROLE) ||
           (kind >= SQL_KIND_CREATE_TABLESPACE && kind <= SQL_KIND_DROP_TABLESPACE) ||
           kind == SQL_KIND_DROP_DATABASE || (grants && !look->on) ||
           ((grants || says) && look->shared_object) ||
           (is(look, 0, "alter") && is(look, 1, "system")) || is(look, 0, "reassign") ||
           (is(look, 0, "drop") && is(look, 1, "owned")) || is_of_catalogs(look) ||
           is_of_publisher(look) || (is(look, 0, "copy") && !look->from_stdin);
}

static bool is_function(const struct look *look, const char *name)
{
    size_t n = is_sign(look, 2, '.') ? 3 : 1;

    return is(look, 0, "select") && is(look, n, name) && is_sign(look, n + 1, '(');
}

static bool is_of_object(const struct look *look)
{
    return is_function(look, "lo_open") || is_function(look, "lowrite") ||
           is_function(look, "lo_close");
}

/* What pg_dump writes with SELECT makes no rows. */
static bool changes_rows(const struct look *look)
{
    static const char *const words[] = {"update", "delete", "truncate", "merge",
                                        "do",     "call",   "with",     "execute"};
    static const char *const harmless[] = {"set_config",
                                           "setval",
                                           "lo_create",
                                           "lo_unlink",
                                           "pg_restore_relation_stats",
                                           "pg_restore_attribute_stats"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (is(look, 0, words[i]))
            return true;
    }
    for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++) {
        if (is_function(look, harmless[i]))
            return false;
    }
    return is(look, 0, "select");
}

static bool names_database(const struct look *look)
{
    bool says = is(look, 0, "comment") || is(look, 0, "security") || is(look, 0, "grant") ||
                is(look, 0, "revoke");

    return look->database && look->name.text.len > 0 &&
           (says || ((is(look, 0, "create") || is(look, 0, "alter")) && is(look, 1, "database")));
}

/* Of which there are many, and whose table is all that counts. */
static bool begins_insert(struct slice text)
{
    return text.len > 6 && strncasecmp((const char *)text.data, "insert", 6) == 0;
}

enum script_trial_word script_trial_word_of(const struct sql_statement *statement,
                                            struct buffer *database, struct error *err)
{
    struct slice text = statement->text;
    struct look found = {.count = 0};

    buffer_clear(database);
    if (text.len > (begins_insert(text) ? INSERT_LOOKED_AT : LOOKED_AT))
        text.len = begins_insert(text) ? INSERT_LOOKED_AT : LOOKED_AT;
    sql_words_walk(text, look, &found);
    if (is_shared(&found, statement->kind))
        return SCRIPT_TRIAL_IS_SHARED;
    if (names_database(&found))
        return sql_word_append_name(database, &found.name, err) ? SCRIPT_TRIAL_NAMES_DATABASE
                                                                : SCRIPT_TRIAL_IS_SHARED;
    if (is(&found, 0, "insert"))
        return SCRIPT_TRIAL_INSERTS;
    if (is(&found, 0, "create"))
        return SCRIPT_TRIAL_DEFINES;
    if (is_of_object(&found))
        return SCRIPT_TRIAL_OBJECT;
    return changes_rows(&found) ? SCRIPT_TRIAL_CHANGES : SCRIPT_TRIAL_RUNS;
}
