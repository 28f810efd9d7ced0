/* The lexer of scripts tells of a token once it has ended: here it is cut out of the text. */
#include "restore/sql_words.h"

#include "archive/sql_lexer.h"

#include <string.h>
#include <strings.h>

struct walk {
    struct slice text;
    size_t depth;
    bool (*take)(void *context, const struct sql_word *word);
    void *context;
    bool ended;
};

static void take_token(void *context, const struct sql_token *token)
{
    static const enum sql_word_kind kinds[] = {
        [SQL_TOKEN_NONE] = SQL_WORD_SIGN,     [SQL_TOKEN_WORD] = SQL_WORD_PLAIN,
        [SQL_TOKEN_NAME] = SQL_WORD_QUOTED,   [SQL_TOKEN_STRING] = SQL_WORD_STRING,
        [SQL_TOKEN_DOLLAR] = SQL_WORD_STRING, [SQL_TOKEN_OTHER] = SQL_WORD_SIGN,
    };
    struct walk *walk = context;
    struct sql_word word = {.kind = kinds[token->kind], .depth = walk->depth};

    if (walk->ended || token->end > walk->text.len || token->end <= token->begin)
        return;
    word.begin = (size_t)token->begin;
    word.text = slice_make(walk->text.data + token->begin, (size_t)(token->end - token->begin));
    if (sql_word_is_sign(&word, '('))
        walk->depth++;
    if (sql_word_is_sign(&word, ')') && walk->depth > 0)
        word.depth = --walk->depth;
    walk->ended = !walk->take(walk->context, &word);
}

/* The lexer has no token for the semicolon that ends a statement. */
static void give_end(struct walk *walk, size_t at)
{
    const struct sql_word word = {
        .kind = SQL_WORD_SIGN, .text = slice_make(walk->text.data + at, 1), .begin = at};

    walk->ended = walk->ended || !walk->take(walk->context, &word);
}

void sql_words_walk(struct slice text, bool (*take)(void *context, const struct sql_word *word),
                    void *context)
{
    struct walk walk = {.text = text, .take = take, .context = context};
    struct sql_lexer lexer = {.token = take_token, .context = &walk};

    for (size_t i = 0; i < text.len && !walk.ended; i++) {
        if (sql_lexer_take(&lexer, text.data[i]) == SQL_STATEMENT_ENDS) {
            sql_lexer_next_statement(&lexer);
            walk.depth = 0;
            give_end(&walk, i);
        }
    }
    if (!walk.ended)
        (void)sql_lexer_end(&lexer);
}

bool sql_word_is(const struct sql_word *word, const char *keyword)
{
    return word->kind == SQL_WORD_PLAIN && word->text.len == strlen(keyword) &&
           strncasecmp((const char *)word->text.data, keyword, word->text.len) == 0;
}

bool sql_word_is_sign(const struct sql_word *word, char sign)
{
    return word->kind == SQL_WORD_SIGN && word->text.len == 1 &&
           word->text.data[0] == (uint8_t)sign;
}

/* Between quotes that are doubled within. */
static bool append_quoted(struct buffer *out, struct slice text, char quote, struct error *err)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!buffer_append_byte(out, text.data[i], err))
            return false;
        if (text.data[i] == (uint8_t)quote && i + 1 < text.len &&
            text.data[i + 1] == (uint8_t)quote)
            i++;
    }
    return true;
}

bool sql_word_append_name(struct buffer *out, const struct sql_word *word, struct error *err)
{
    struct slice text = word->text;

    if (word->kind == SQL_WORD_QUOTED && text.len >= 2)
        return append_quoted(out, slice_make(text.data + 1, text.len - 2), '"', err);
    for (size_t i = 0; i < text.len; i++) {
        uint8_t letter = text.data[i];

        if (letter >= 'A' && letter <= 'Z')
            letter = (uint8_t)(letter - 'A' + 'a');
        if (!buffer_append_byte(out, letter, err))
            return false;
    }
    return true;
}

bool sql_word_append_string(struct buffer *out, const struct sql_word *word, struct error *err)
{
    struct slice text = word->text;
    const uint8_t *quote = memchr(text.data, '\'', text.len);

    if (text.data[0] == '$' || quote == NULL)
        return buffer_append(out, text.data, text.len, err);
    slice_take(&text, (size_t)(quote + 1 - text.data));
    return append_quoted(out, slice_make(text.data, text.len > 0 ? text.len - 1 : 0), '\'', err);
}
