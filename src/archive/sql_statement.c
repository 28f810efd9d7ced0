/*
 * Statements in memory: what kind one is, by its first words; its name; its beginning, for people,
 * without the passwords that may be in it.
 */
#include "archive/sql_script_internal.h"

/* ---- Kinds ---- */

static const struct {
    const char *first, *second; /* NULL: any */
    enum sql_kind kind;
} kinds[] = {
    {"SET", NULL, SQL_KIND_SET},
    {"BEGIN", NULL, SQL_KIND_BEGIN},
    {"START", "TRANSACTION", SQL_KIND_BEGIN},
    {"COMMIT", "PREPARED", SQL_KIND_OTHER},
    {"COMMIT", NULL, SQL_KIND_COMMIT},
    {"END", NULL, SQL_KIND_COMMIT},
    {"ABORT", NULL, SQL_KIND_ROLLBACK},
    {"SAVEPOINT", NULL, SQL_KIND_TRANSACTION},
    {"RELEASE", NULL, SQL_KIND_TRANSACTION},
    {"PREPARE", "TRANSACTION", SQL_KIND_TRANSACTION},
    {"CREATE", "ROLE", SQL_KIND_CREATE_ROLE},
    {"CREATE", "USER", SQL_KIND_CREATE_ROLE},
    {"CREATE", "GROUP", SQL_KIND_CREATE_ROLE},
    {"ALTER", "ROLE", SQL_KIND_ALTER_ROLE},
    {"ALTER", "USER", SQL_KIND_ALTER_ROLE},
    {"ALTER", "GROUP", SQL_KIND_ALTER_ROLE},
    {"DROP", "ROLE", SQL_KIND_DROP_ROLE},
    {"DROP", "USER", SQL_KIND_DROP_ROLE},
    {"DROP", "GROUP", SQL_KIND_DROP_ROLE},
    {"CREATE", "DATABASE", SQL_KIND_CREATE_DATABASE},
    {"ALTER", "DATABASE", SQL_KIND_ALTER_DATABASE},
    {"DROP", "DATABASE", SQL_KIND_DROP_DATABASE},
    {"CREATE", "TABLESPACE", SQL_KIND_CREATE_TABLESPACE},
    {"ALTER", "TABLESPACE", SQL_KIND_ALTER_TABLESPACE},
    {"DROP", "TABLESPACE", SQL_KIND_DROP_TABLESPACE},
};

static enum sql_kind kind_of_copy(const struct sql_lexer *lexer)
{
    if (sql_lexer_copies_in(lexer))
        return SQL_KIND_COPY_IN;
    for (size_t n = 1; n + 1 < SQL_WORDS_MAX; n++) {
        if (sql_lexer_word_is(lexer, n, "TO") &&
            (sql_lexer_word_is(lexer, n + 1, "STDOUT") || sql_lexer_word_is(lexer, n + 1, "STDIN")))
            return SQL_KIND_COPY_OUT;
    }
    return SQL_KIND_OTHER;
}

static enum sql_kind kind_of_rollback(const struct sql_lexer *lexer)
{
    size_t n = 1;

    if (sql_lexer_word_is(lexer, 1, "PREPARED"))
        return SQL_KIND_OTHER;
    n += sql_lexer_word_is(lexer, 1, "WORK") || sql_lexer_word_is(lexer, 1, "TRANSACTION");
    return sql_lexer_word_is(lexer, n, "TO") ? SQL_KIND_TRANSACTION : SQL_KIND_ROLLBACK;
}

enum sql_kind sql_kind_of(const struct sql_lexer *lexer)
{
    if (sql_lexer_word_is(lexer, 0, "COPY"))
        return kind_of_copy(lexer);
    if (sql_lexer_word_is(lexer, 0, "ROLLBACK"))
        return kind_of_rollback(lexer);
    /* CREATE USER MAPPING FOR */
    if (sql_lexer_word_is(lexer, 1, "USER") && sql_lexer_word_is(lexer, 2, "MAPPING") &&
        lexer->word_count > 3)
        return SQL_KIND_OTHER;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (sql_lexer_word_is(lexer, 0, kinds[i].first) &&
            (kinds[i].second == NULL || sql_lexer_word_is(lexer, 1, kinds[i].second)))
            return kinds[i].kind;
    }
    return SQL_KIND_OTHER;
}

/* ---- One after the other ---- */

bool sql_statement_next(struct slice *text, bool escape_strings, enum sql_kind *kind,
                        struct slice *statement)
{
    struct sql_lexer lexer = {.escape_strings = escape_strings};
    size_t at = 0;

    while (at < text->len) {
        enum sql_lexer_event event = sql_lexer_take(&lexer, text->data[at++]);

        if (event == SQL_STATEMENT_ENDS && lexer.begun)
            break;
        if (event == SQL_STATEMENT_ENDS)
            sql_lexer_next_statement(&lexer);
        if (event == SQL_TAG_IS_TOO_LONG)
            at = text->len; /* the server will say so */
    }
    sql_lexer_end(&lexer);
    *statement = slice_take(text, at);
    if (!lexer.begun)
        return false;
    slice_take(statement, (size_t)lexer.statement_begin);
    if (kind != NULL)
        *kind = sql_kind_of(&lexer);
    return true;
}

/* ---- Its name ---- */

struct name_search {
    unsigned words; /* before it */
    bool found;
    uint64_t begin, end;
    enum sql_token_kind kind;
};

static bool word_is(const struct sql_token *token, const char *word)
{
    size_t i = 0;

    if (!token->whole)
        return false;
    while (token->text[i] != '\0' && (token->text[i] & ~0x20) == word[i])
        i++;
    return token->text[i] == '\0' && word[i] == '\0';
}

static void search_name(void *context, const struct sql_token *token)
{
    struct name_search *search = context;
    bool word = token->kind == SQL_TOKEN_WORD;
    bool passed =
        word && (word_is(token, "IF") || word_is(token, "NOT") || word_is(token, "EXISTS"));

    if (search->found || (search->words >= 2 && passed))
        return;
    if (search->words++ < 2)
        return;
    search->found = true;
    search->begin = token->begin;
    search->end = token->end;
    search->kind = token->kind;
}

static struct sql_lexer run_over(struct slice text, void (*token)(void *, const struct sql_token *),
                                 void *context)
{
    struct sql_lexer lexer = {.token = token, .context = context};

    for (size_t at = 0; at < text.len; at++) {
        if (sql_lexer_take(&lexer, text.data[at]) == SQL_TAG_IS_TOO_LONG)
            break;
    }
    sql_lexer_end(&lexer);
    return lexer;
}

bool sql_statement_name(struct slice statement, struct buffer *name, struct error *err)
{
    struct name_search search = {0};
    struct slice head = statement;
    const uint8_t *at, *end;

    if (head.len > 4096)
        head.len = 4096;
    run_over(head, search_name, &search);
    if (!search.found || (search.kind != SQL_TOKEN_WORD && search.kind != SQL_TOKEN_NAME))
        return error_set(err, ERROR_CORRUPT, "a statement of the script names nothing");
    at = head.data + search.begin;
    end = head.data + search.end;
    if (search.kind == SQL_TOKEN_NAME) {
        for (at++, end--; at < end; at++) {
            at += *at == '"';
            if (!buffer_append_byte(name, *at, err))
                return false;
        }
        return true;
    }
    for (; at < end; at++) {
        if (!buffer_append_byte(name, *at >= 'A' && *at <= 'Z' ? *at | 0x20 : *at, err))
            return false;
    }
    return true;
}

/* ---- Its beginning, for people ---- */

struct excerpt {
    struct slice statement;
    struct buffer *out;
    size_t most;
    uint64_t written; /* of the statement, up to there */
    bool secret, failed;
    struct error *err;
};

static void write_until(struct excerpt *excerpt, uint64_t end)
{
    const uint8_t *data = excerpt->statement.data;

    for (; excerpt->written < end && excerpt->out->len < excerpt->most; excerpt->written++) {
        uint8_t byte = data[excerpt->written];
        bool blank = byte == ' ' || (byte >= '\t' && byte <= '\r');

        if (blank && excerpt->out->len > 0 && excerpt->out->data[excerpt->out->len - 1] == ' ')
            continue;
        excerpt->failed |= !buffer_append_byte(excerpt->out, blank ? ' ' : byte, excerpt->err);
    }
    excerpt->written = end;
}

static void excerpt_token(void *context, const struct sql_token *token)
{
    struct excerpt *excerpt = context;
    bool quoted = token->kind == SQL_TOKEN_STRING || token->kind == SQL_TOKEN_DOLLAR;

    if (quoted && excerpt->secret) {
        write_until(excerpt, token->begin);
        if (excerpt->out->len < excerpt->most)
            excerpt->failed |= !buffer_append_string(excerpt->out, "'...'", excerpt->err);
        excerpt->written = token->end;
        return;
    }
    write_until(excerpt, token->end);
    excerpt->secret = word_is(token, "PASSWORD") || word_is(token, "CONNECTION");
}

bool sql_statement_excerpt(struct slice statement, size_t most, struct buffer *out,
                           struct error *err)
{
    struct excerpt excerpt = {.statement = statement, .out = out, .most = most, .err = err};

    if (excerpt.statement.len > 64 * most)
        excerpt.statement.len = 64 * most;
    run_over(excerpt.statement, excerpt_token, &excerpt);
    return !excerpt.failed;
}
