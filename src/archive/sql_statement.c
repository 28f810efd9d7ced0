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
    struct buffer *out, *secrets; /* secrets: NULL if nobody wants them */
    size_t most;
    uint64_t written; /* of the statement, up to there */
    bool in_a_line;
    bool after_user, mapping, is_user; /* words of CREATE USER MAPPING; the option's name */
    bool secret;                       /* what follows in quotes */
    bool failed;
    struct error *err;
};

static void write_until(struct excerpt *excerpt, uint64_t end)
{
    const uint8_t *data = excerpt->statement.data;

    for (; excerpt->written < end && excerpt->out->len < excerpt->most; excerpt->written++) {
        uint8_t byte = data[excerpt->written];
        bool blank = byte == ' ' || (byte >= '\t' && byte <= '\r');

        if (blank && excerpt->in_a_line && excerpt->out->len > 0 &&
            excerpt->out->data[excerpt->out->len - 1] == ' ')
            continue;
        excerpt->failed |= !buffer_append_byte(
            excerpt->out, blank && excerpt->in_a_line ? ' ' : byte, excerpt->err);
    }
    excerpt->written = end;
}

static bool has_word(struct slice text, const char *word)
{
    size_t len = strlen(word);

    for (size_t at = 0; at + len <= text.len; at++) {
        size_t i = 0;

        while (i < len && (text.data[at + i] | 0x20) == word[i])
            i++;
        if (i == len)
            return true;
    }
    return false;
}

/* E'…', U&'…', '…', $x$…$x$. */
static struct slice inside(struct slice token)
{
    const uint8_t *quote = token.len == 0 ? NULL : memchr(token.data, '\'', token.len);
    size_t edge = 0;

    if (token.len > 0 && token.data[0] == '$') {
        const uint8_t *end = memchr(token.data + 1, '$', token.len - 1);

        edge = end == NULL ? 0 : (size_t)(end + 1 - token.data);
        quote = token.data;
    } else if (quote != NULL) {
        slice_take(&token, (size_t)(quote - token.data));
        edge = 1;
    }
    if (quote == NULL || edge == 0 || token.len < 2 * edge)
        return token;
    slice_take(&token, edge);
    token.len -= edge;
    return token;
}

static void keep_secret(struct excerpt *excerpt, struct slice secret)
{
    if (excerpt->secrets != NULL)
        excerpt->failed |=
            !buffer_append(excerpt->secrets, secret.data, secret.len, excerpt->err) ||
            !buffer_append_byte(excerpt->secrets, 0, excerpt->err);
}

static bool ends_word(uint8_t byte)
{
    return byte <= ' ' || byte == '\'' || byte == '"' || byte == '&' || byte == '=';
}

/* "'x y'" behind "password", whose quotes are doubled in a string, or behind a backslash. */
static void keep_quoted(struct excerpt *excerpt, struct slice text)
{
    struct slice quote;
    size_t end = 0;

    while (text.len > 0 && (text.data[0] <= ' ' || text.data[0] == '='))
        slice_take(&text, 1);
    quote = slice_make(text.data, text.len > 1 && text.data[1] == '\'' ? 2 : 1);
    if (text.len < 2 || quote.data[quote.len - 1] != '\'' ||
        (quote.data[0] != '\'' && quote.data[0] != '\\'))
        return;
    slice_take(&text, quote.len);
    while (end < text.len) {
        const uint8_t *found = memmem(text.data + end, text.len - end, quote.data, quote.len);

        end = found == NULL ? text.len : (size_t)(found - text.data);
        if (found == NULL || end == 0 || found[-1] != '\\')
            break;
        end += quote.len;
    }
    keep_secret(excerpt, slice_make(text.data, end));
}

/* Of "… password = 'x y' …" and "postgres://user:x@host" the passwords themselves, too. */
static void keep_parts(struct excerpt *excerpt, struct slice text)
{
    bool after_password = false;

    while (text.len > 0) {
        struct slice word = {.data = text.data};
        const uint8_t *at, *colon;

        while (word.len < text.len && !ends_word(text.data[word.len]))
            word.len++;
        slice_take(&text, word.len < text.len ? word.len + 1 : word.len);
        if (word.len == 0)
            continue;
        if (after_password)
            keep_secret(excerpt, word);
        after_password = has_word(word, "pass");
        if (after_password)
            keep_quoted(excerpt, text);
        at = memrchr(word.data, '@', word.len);
        colon = at == NULL ? NULL : memrchr(word.data, ':', (size_t)(at - word.data));
        if (colon != NULL)
            keep_secret(excerpt, slice_make(colon + 1, (size_t)(at - colon - 1)));
    }
}

static void hide(struct excerpt *excerpt, const struct sql_token *token)
{
    struct slice text =
        slice_make(excerpt->statement.data + token->begin, (size_t)(token->end - token->begin));

    write_until(excerpt, token->begin);
    if (excerpt->out->len < excerpt->most)
        excerpt->failed |= !buffer_append_string(excerpt->out, "'...'", excerpt->err);
    excerpt->written = token->end;
    keep_secret(excerpt, inside(text));
    keep_parts(excerpt, inside(text));
    /* Where a backslash is a backslash only sometimes, nobody knows where the quotes end. */
    if (token->kind == SQL_TOKEN_STRING && (text.data[0] | 0x20) != 'e' &&
        memchr(text.data, '\\', text.len) != NULL)
        excerpt->most = excerpt->out->len;
}

static bool is_secret(const struct excerpt *excerpt, const struct sql_token *token)
{
    struct slice text =
        slice_make(excerpt->statement.data + token->begin, (size_t)(token->end - token->begin));

    if (token->kind != SQL_TOKEN_STRING && token->kind != SQL_TOKEN_DOLLAR)
        return false;
    return excerpt->secret || (excerpt->mapping && !excerpt->is_user) ||
           has_word(text, "password") || has_word(text, "passwd");
}

static void excerpt_token(void *context, const struct sql_token *token)
{
    struct excerpt *excerpt = context;

    if (is_secret(excerpt, token)) {
        hide(excerpt, token);
        excerpt->secret = true; /* it may go on in another line */
        return;
    }
    write_until(excerpt, token->end);
    if (token->kind == SQL_TOKEN_OTHER && excerpt->statement.data[token->begin] == '=')
        return;
    excerpt->secret = word_is(token, "PASSWORD") || word_is(token, "CONNECTION");
    excerpt->mapping |= excerpt->after_user && word_is(token, "MAPPING");
    excerpt->after_user = word_is(token, "USER");
    excerpt->is_user = excerpt->after_user || word_is(token, "USERNAME");
}

bool sql_statement_told(struct slice text, size_t most, struct buffer *out, struct buffer *secrets,
                        struct error *err)
{
    struct excerpt excerpt = {
        .statement = text, .out = out, .secrets = secrets, .most = most, .err = err};

    if (excerpt.statement.len > 64 * most)
        excerpt.statement.len = 64 * most;
    run_over(excerpt.statement, excerpt_token, &excerpt);
    return !excerpt.failed;
}

bool sql_statement_excerpt(struct slice statement, size_t most, struct buffer *out,
                           struct error *err)
{
    struct excerpt excerpt = {
        .statement = statement, .out = out, .most = most, .in_a_line = true, .err = err};

    if (excerpt.statement.len > 64 * most)
        excerpt.statement.len = 64 * most;
    run_over(excerpt.statement, excerpt_token, &excerpt);
    return !excerpt.failed;
}
