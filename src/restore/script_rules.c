/*
 * Statements are known by their words, as the server's grammar has them: COMMENT ON …, GRANT … ON …
 * (without ON it is a membership), ALTER … OWNER TO name. What a request cannot have of a script so
 * is refused by name before anything is done.
 */
#include "restore/script_rules.h"

#include "restore/selection_lists.h"
#include "restore/sql_words.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define FIRST_WORDS 10
#define LOOKED_AT ((size_t)64 * 1024) /* of a statement: GRANT and ALTER are short */

/* ---- What no script can give ---- */

static bool refuse(const char *option, struct error *err)
{
    error_set(err, ERROR_USAGE, ERROR_OPTION("%s") " has no meaning for an SQL script", option);
    return error_hint(err,
                      "A script has no table of contents to choose from: it is run as a whole, "
                      "or the databases of it that are named. An archive has one (pg_dump "
                      "-Fc).");
}

bool script_rules_check(const struct restore_request *request, struct error *err)
{
    const struct {
        bool wanted;
        const char *option;
    } options[] = {
        {request->schema_only, "schema-only"},
        {request->data_only, "data-only"},
        {request->sections != 0, "sections"},
        {request->list_file != NULL, "list-file"},
        {request->disable_triggers, "disable-triggers"},
        {request->analyze, "analyze"},
    };

    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        if (options[i].wanted)
            return refuse(options[i].option, err);
    }
    for (int i = 0; i < RESTORE_LISTS; i++) {
        if (request->lists[i].count > 0)
            return refuse(selection_lists_option((enum restore_list)i), err);
    }
    return true;
}

/* ---- Words of a statement ---- */

struct shape {
    struct sql_word first[FIRST_WORDS]; /* without signs */
    size_t count;
    struct sql_word last[3];
    bool has_on; /* outside of brackets */
};

static bool look(void *context, const struct sql_word *word)
{
    struct shape *shape = context;

    if (word->depth == 0 && sql_word_is_sign(word, ';'))
        return true;
    shape->last[0] = shape->last[1];
    shape->last[1] = shape->last[2];
    shape->last[2] = *word;
    if (word->kind == SQL_WORD_SIGN)
        return true;
    if (shape->count < FIRST_WORDS)
        shape->first[shape->count++] = *word;
    shape->has_on |= word->depth == 0 && sql_word_is(word, "on");
    return true;
}

/* Of a longer one that is its beginning, and nothing its end. */
static struct shape shape_of(struct slice text)
{
    struct shape shape = {.count = 0};

    if (text.len <= LOOKED_AT) {
        sql_words_walk(text, look, &shape);
        return shape;
    }
    sql_words_walk(slice_make(text.data, LOOKED_AT), look, &shape);
    memset(shape.last, 0, sizeof(shape.last));
    return shape;
}

static bool is_word(const struct shape *shape, size_t n, const char *keyword)
{
    return n < shape->count && sql_word_is(&shape->first[n], keyword);
}

/* ---- Settings ---- */

/* A statement that SETs them is left out on a server that is older. */
static const struct {
    const char *name;
    int since;
} settings[] = {
    {"default_table_access_method", 120000},
    {"default_toast_compression", 140000},
    {"idle_session_timeout", 140000},
    {"transaction_timeout", 170000},
    {"event_triggers", 170000},
};

static size_t setting_at(const struct shape *shape)
{
    return is_word(shape, 1, "session") || is_word(shape, 1, "local") ? 2 : 1;
}

static bool leaves_out_setting(const struct restore_request *request, int server_version,
                               const struct shape *shape)
{
    size_t n = setting_at(shape);

    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        if (server_version < settings[i].since && is_word(shape, n, settings[i].name))
            return true;
    }
    return (request->row_security && is_word(shape, n, "row_security")) ||
           (request->no_tablespaces && is_word(shape, n, "default_tablespace")) ||
           (request->no_table_access_method && is_word(shape, n, "default_table_access_method")) ||
           (request->no_owner && is_word(shape, 1, "session") &&
            is_word(shape, 2, "authorization"));
}

/* SELECT pg_catalog.set_config('search_path', '', false): what others say of it names need. */
static bool empties_search_path(const struct shape *shape)
{
    return shape->count == 6 && is_word(shape, 0, "select") && is_word(shape, 1, "pg_catalog") &&
           is_word(shape, 2, "set_config") &&
           slice_equals(shape->first[3].text, slice_string("'search_path'")) &&
           slice_equals(shape->first[4].text, slice_string("''")) && is_word(shape, 5, "false");
}

bool script_rules_encoding(const struct sql_statement *statement, char *out, size_t size)
{
    struct shape shape;
    struct slice name;
    size_t n;

    if (statement->kind != SQL_KIND_SET || statement->text.len > 1000)
        return false;
    shape = shape_of(statement->text);
    n = setting_at(&shape);
    if (!is_word(&shape, n, "client_encoding") && !is_word(&shape, n, "names"))
        return false;
    name = shape.last[2].text;
    if (shape.last[2].kind == SQL_WORD_STRING && name.len >= 2)
        name = slice_make(name.data + 1, name.len - 2);
    if (name.len == 0 || name.len >= size || memchr(name.data, '\'', name.len) != NULL)
        return false;
    memcpy(out, name.data, name.len);
    out[name.len] = '\0';
    return true;
}

/* ---- Kinds of objects ---- */

static bool makes(const struct shape *shape, const char *kind)
{
    bool makes =
        is_word(shape, 0, "create") || is_word(shape, 0, "alter") || is_word(shape, 0, "drop");

    return (makes && is_word(shape, 1, kind)) ||
           (is_word(shape, 0, "comment") && is_word(shape, 1, "on") && is_word(shape, 2, kind));
}

static bool is_of_policies(const struct shape *shape)
{
    bool table = is_word(shape, 0, "alter") && is_word(shape, 1, "table");

    for (size_t n = 2; table && n + 3 < shape->count; n++) {
        if ((is_word(shape, n, "enable") || is_word(shape, n, "force")) &&
            is_word(shape, n + 1, "row") && is_word(shape, n + 2, "level"))
            return true;
    }
    return makes(shape, "policy");
}

static bool is_of_tablespaces(const struct shape *shape)
{
    bool database = is_word(shape, 0, "alter") && is_word(shape, 1, "database");
    bool privilege = is_word(shape, 0, "grant") || is_word(shape, 0, "revoke");

    for (size_t n = 1; privilege && n + 1 < shape->count; n++) {
        if (is_word(shape, n, "on") && is_word(shape, n + 1, "tablespace"))
            return true;
    }
    return makes(shape, "tablespace") ||
           (database && is_word(shape, 3, "set") && is_word(shape, 4, "tablespace"));
}

static bool is_of_statistics(const struct shape *shape)
{
    bool found = false;

    for (size_t n = 1; n < shape->count; n++)
        found |= is_word(shape, n, "pg_restore_relation_stats") ||
                 is_word(shape, n, "pg_restore_attribute_stats");
    return found && is_word(shape, 0, "select");
}

static bool is_privilege(const struct shape *shape)
{
    bool grants = is_word(shape, 0, "grant") || is_word(shape, 0, "revoke");

    return (grants && shape->has_on) ||
           (is_word(shape, 0, "alter") && is_word(shape, 1, "default") &&
            is_word(shape, 2, "privileges"));
}

static bool gives_owner(const struct shape *shape)
{
    return is_word(shape, 0, "alter") && sql_word_is(&shape->last[0], "owner") &&
           sql_word_is(&shape->last[1], "to") && shape->last[2].kind <= SQL_WORD_QUOTED;
}

static bool leaves_out_object(const struct restore_request *request, const struct shape *shape)
{
    return (request->no_owner && gives_owner(shape)) ||
           (request->no_privileges && is_privilege(shape)) ||
           (request->no_comments && is_word(shape, 0, "comment") && is_word(shape, 1, "on")) ||
           (request->no_security_labels && is_word(shape, 0, "security") &&
            is_word(shape, 1, "label")) ||
           (request->no_publications && makes(shape, "publication")) ||
           (request->no_subscriptions && makes(shape, "subscription")) ||
           (request->no_policies && is_of_policies(shape)) ||
           (request->no_tablespaces && is_of_tablespaces(shape)) ||
           (request->no_statistics && is_of_statistics(shape)) ||
           (request->search_path != NULL && empties_search_path(shape));
}

static bool wants_all(const struct restore_request *request)
{
    return !request->no_owner && !request->no_privileges && !request->no_comments &&
           !request->no_security_labels && !request->no_publications &&
           !request->no_subscriptions && !request->no_policies && !request->no_tablespaces &&
           !request->no_statistics && request->search_path == NULL;
}

static bool begins_insert(struct slice text)
{
    return text.len > 6 && strncasecmp((const char *)text.data, "insert", 6) == 0;
}

bool script_rules_leave_out(const struct restore_request *request, int server_version,
                            const struct sql_statement *statement)
{
    struct shape shape;

    if (statement->kind != SQL_KIND_SET && (wants_all(request) || begins_insert(statement->text)))
        return false;
    shape = shape_of(statement->text);
    if (statement->kind == SQL_KIND_SET)
        return leaves_out_setting(request, server_version, &shape);
    return leaves_out_object(request, &shape);
}

bool script_rules_is_global(const struct sql_statement *statement)
{
    enum sql_kind kind = statement->kind;
    struct shape shape;

    if ((kind >= SQL_KIND_CREATE_ROLE && kind <= SQL_KIND_DROP_ROLE) ||
        (kind >= SQL_KIND_CREATE_TABLESPACE && kind <= SQL_KIND_DROP_TABLESPACE))
        return true;
    if (kind != SQL_KIND_OTHER || begins_insert(statement->text))
        return false;
    shape = shape_of(statement->text);
    return ((is_word(&shape, 0, "grant") || is_word(&shape, 0, "revoke")) && !shape.has_on) ||
           is_of_tablespaces(&shape) || makes(&shape, "role");
}

/* ---- Transactions and rows ---- */

bool script_rules_chains(const struct sql_statement *statement)
{
    struct shape shape;
    bool no = false, chains = false;

    if (statement->kind != SQL_KIND_COMMIT && statement->kind != SQL_KIND_ROLLBACK)
        return false;
    shape = shape_of(statement->text);
    for (size_t n = 1; n < shape.count; n++) {
        no |= is_word(&shape, n, "no");
        chains |= is_word(&shape, n, "chain");
    }
    return chains && !no;
}

bool script_rules_append_modes(struct buffer *out, const struct sql_statement *statement,
                               struct error *err)
{
    struct shape shape = shape_of(statement->text);
    size_t n = is_word(&shape, 1, "work") || is_word(&shape, 1, "transaction") ? 2 : 1;

    return n >= shape.count || (buffer_append_string(out, "SET TRANSACTION ", err) &&
                                buffer_append(out, statement->text.data + shape.first[n].begin,
                                              statement->text.len - shape.first[n].begin, err));
}

bool script_rules_are_lines(struct slice copy)
{
    struct shape shape = shape_of(copy);

    return sql_word_is(&shape.last[1], "from") && sql_word_is(&shape.last[2], "stdin");
}

/* ---- Statements that are changed ---- */

/* A word and its value, with or without "=" between them: where they lie. */
struct clause {
    const char *word;
    int seen; /* 1: the word, 2: all of it */
    size_t begin, end;
    struct slice value;
};

static bool find_clause(void *context, const struct sql_word *word)
{
    struct clause *clause = context;

    if (clause->seen == 1 && !sql_word_is_sign(word, '=')) {
        clause->seen = 2;
        clause->value = word->text;
        clause->end = word->begin + word->text.len;
    } else if (clause->seen == 0 && word->depth == 0 && sql_word_is(word, clause->word)) {
        clause->seen = 1;
        clause->begin = word->begin;
    }
    return clause->seen < 2;
}

bool script_rules_append_database(struct buffer *out, const struct restore_request *request,
                                  struct slice statement, struct error *err)
{
    struct clause clause = {.word = "tablespace"};

    if (request->no_tablespaces)
        sql_words_walk(statement, find_clause, &clause);
    if (clause.seen < 2)
        return buffer_append(out, statement.data, statement.len, err);
    return buffer_append(out, statement.data, clause.begin, err) &&
           buffer_append(out, statement.data + clause.end, statement.len - clause.end, err);
}

/* Where the name behind the first two words ends. */
struct name_end {
    unsigned words;
    bool is_user;
    struct sql_word name;
};

static bool find_name(void *context, const struct sql_word *word)
{
    struct name_end *end = context;

    end->name = *word;
    end->words++;
    end->is_user |= end->words == 2 && sql_word_is(word, "user");
    return end->words < 3;
}

static bool append_alter_tablespace(struct buffer *out, const struct sql_statement *statement,
                                    const struct name_end *end, struct error *err)
{
    struct clause clause = {.word = "owner"};

    sql_words_walk(statement->text, find_clause, &clause);
    return clause.seen < 2 ||
           buffer_printf(out, err, "ALTER TABLESPACE %.*s OWNER TO %.*s;", (int)end->name.text.len,
                         (const char *)end->name.text.data, (int)clause.value.len,
                         (const char *)clause.value.data);
}

bool script_rules_append_alter(struct buffer *out, const struct sql_statement *statement,
                               struct error *err)
{
    struct slice rest = statement->text;
    struct name_end end = {.words = 0};
    size_t blank = 0;

    sql_words_walk(statement->text, find_name, &end);
    if (end.words < 3)
        return true;
    if (statement->kind == SQL_KIND_CREATE_TABLESPACE)
        return append_alter_tablespace(out, statement, &end, err);
    slice_take(&rest, end.name.begin + end.name.text.len);
    while (blank < rest.len && strchr(" \t\r\n\f\v;", rest.data[blank]) != NULL)
        blank++;
    /* A user may log in, unless its options say otherwise. */
    if (end.is_user &&
        !buffer_printf(out, err, "ALTER ROLE %.*s LOGIN;%s", (int)end.name.text.len,
                       (const char *)end.name.text.data, blank == rest.len ? "" : " "))
        return false;
    return blank == rest.len || (buffer_printf(out, err, "ALTER ROLE %.*s", (int)end.name.text.len,
                                               (const char *)end.name.text.data) &&
                                 buffer_append(out, rest.data, rest.len, err));
}

/* What of a role's options is passed over; words before it are kept as they stand. */
struct stripping {
    struct buffer *out;
    struct slice statement;
    size_t words, copied; /* up to there it is in out */
    enum { OPTION_IS_KEPT, OPTION_WANTS_UNTIL, OPTION_WANTS_VALUE } state;
    size_t begin; /* of the option at hand */
    size_t encrypted;
    bool kept, done;
    struct error *err;
};

static bool strip(void *context, const struct sql_word *word)
{
    struct stripping *stripping = context;
    bool encrypted = sql_word_is(word, "encrypted");

    if (stripping->words++ < 3)
        return true;
    if (stripping->words == 4 && (sql_word_is(word, "set") || sql_word_is(word, "reset") ||
                                  sql_word_is(word, "in") || sql_word_is(word, "rename")))
        return false;
    if (stripping->state == OPTION_WANTS_VALUE) {
        stripping->done =
            buffer_append(stripping->out, stripping->statement.data + stripping->copied,
                          stripping->begin - stripping->copied, stripping->err);
        stripping->copied = word->begin + word->text.len;
        stripping->state = OPTION_IS_KEPT;
        stripping->kept = true;
    } else if (stripping->state == OPTION_WANTS_UNTIL) {
        stripping->state = sql_word_is(word, "until") ? OPTION_WANTS_VALUE : OPTION_IS_KEPT;
    } else if (sql_word_is(word, "password")) {
        stripping->begin = stripping->encrypted > 0 ? stripping->encrypted : word->begin;
        stripping->state = OPTION_WANTS_VALUE;
    } else if (sql_word_is(word, "valid")) {
        stripping->begin = word->begin;
        stripping->state = OPTION_WANTS_UNTIL;
    }
    stripping->encrypted = encrypted ? word->begin : 0;
    return stripping->done;
}

bool script_rules_append_role(struct buffer *out, struct slice statement, bool *kept,
                              struct error *err)
{
    struct stripping stripping = {.out = out, .statement = statement, .done = true, .err = err};

    sql_words_walk(statement, strip, &stripping);
    *kept = stripping.kept;
    return stripping.done && buffer_append(out, statement.data + stripping.copied,
                                           statement.len - stripping.copied, err);
}

bool script_rules_is_in_database(struct slice statement)
{
    struct shape shape = shape_of(statement);

    return is_word(&shape, 3, "in");
}
