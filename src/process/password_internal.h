#ifndef PGCASK_PROCESS_PASSWORD_INTERNAL_H
#define PGCASK_PROCESS_PASSWORD_INTERNAL_H

#include "process/password.h"

#define PASSWORD_MAX ((size_t)1024 * 1024)

/* ---- command_words.c ---- */

struct command_words {
    char *text;   /* what the words lie in */
    char **words; /* words[count] is NULL */
    size_t count;
};

/* Splits a command as a shell would that knows nothing but blanks, '…', "…" and backslashes: in
 * single quotes every byte stands for itself, in double quotes a backslash takes the quote and the
 * backslash behind it, elsewhere any byte. Fails for a quote that is not closed and where there is
 * no word; errors do not repeat the command, which may hold a secret. */
bool command_words_split(struct command_words *words, const char *command, struct error *err);

/* Wipes and frees. */
void command_words_free(struct command_words *words);

/* ---- password_command.c ---- */

/* Runs request->command, without a shell and with nothing on its standard input, and appends the
 * first line that it prints. Whatever the outcome, the process is gone and reaped afterwards. */
bool password_command_run(const struct wire_password_request *request, struct buffer *password,
                          struct error *err);

/* ---- password_prompt.c ---- */

/* Asks at the terminal, with echo off. *answered is false where there is no terminal, we are in its
 * background, or the user typed nothing. */
bool password_prompt(const struct wire_password_request *request,
                     const struct password_options *options, struct buffer *password,
                     bool *answered, struct error *err);

#endif
