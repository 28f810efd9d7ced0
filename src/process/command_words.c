/*
 * password_command is run without a shell, so its words are found here: blanks part them, quotes
 * and backslashes keep what they enclose, and nothing is expanded.
 */
#include "process/password_internal.h"

#include <stdlib.h>

static bool is_blank(char byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* Takes one piece of a word, quoted or not, and writes what it stands for. False: a quote is not
 * closed, or a backslash is the last byte. */
static bool take_piece(const char **command, char **out)
{
    char quote = **command;

    if (quote != '\'' && quote != '"') {
        if (quote == '\\' && *++*command == '\0')
            return false;
        *(*out)++ = *(*command)++;
        return true;
    }
    for (++*command; **command != quote; ++*command) {
        if (**command == '\0')
            return false;
        if (quote == '"' && **command == '\\' && ((*command)[1] == '"' || (*command)[1] == '\\'))
            ++*command;
        *(*out)++ = **command;
    }
    ++*command;
    return true;
}

static bool split(struct command_words *words, const char *command, struct error *err)
{
    char *out = words->text;

    for (;;) {
        while (is_blank(*command))
            command++;
        if (*command == '\0')
            break;
        words->words[words->count++] = out;
        while (*command != '\0' && !is_blank(*command)) {
            if (!take_piece(&command, &out)) {
                error_set(err, ERROR_USAGE,
                          "the password_command has a quote that is not closed, or ends with a "
                          "backslash");
                return error_hint(err, "It is split into words without a shell: \"…\" and '…' keep "
                                       "blanks, a backslash takes the next byte as it is.");
            }
        }
        *out++ = '\0';
    }
    if (words->count > 0)
        return true;
    error_set(err, ERROR_USAGE, "the password_command is empty");
    return error_hint(err, "Name a program that prints the password, or leave it out.");
}

bool command_words_split(struct command_words *words, const char *command, struct error *err)
{
    size_t len = strlen(command);

    /* A word takes at least a byte and the blank behind it. */
    *words = (struct command_words){
        .text = calloc(1, len + 2),
        .words = calloc(len / 2 + 2, sizeof(*words->words)),
    };
    if (words->text == NULL || words->words == NULL) {
        command_words_free(words);
        return error_set_memory(err);
    }
    if (split(words, command, err))
        return true;
    command_words_free(words);
    return false;
}

void command_words_free(struct command_words *words)
{
    for (size_t i = 0; words->words != NULL && i < words->count; i++)
        explicit_bzero(words->words[i], strlen(words->words[i]));
    free(words->text);
    free(words->words);
    *words = (struct command_words){0};
}
