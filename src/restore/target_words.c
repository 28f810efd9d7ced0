/*
 * An archive has secrets in it: passwords of roles and of user mappings, connection strings of
 * subscriptions. A statement that fails is told with its text, and the server's words may quote it.
 */
#include "restore/target_words.h"

#include "archive/sql_script.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define STATEMENT_TOLD ((size_t)4096)
#define HIDDEN "'...'"

#define LEFT_OUT "the server's words are left out, because they may quote a secret of the statement"

/* ---- In the server's words ---- */

/* PASSWORD followed by something in quotes, or password=…: what comes behind is not told. */
static void cut_passwords(char *text)
{
    char *found = text;

    while ((found = strcasestr(found, "password")) != NULL) {
        found += strlen("password");
        found += *found == '"';
        found += strspn(found, " \t\r\n=");
        if (strchr("eEuU", *found) != NULL && *found != '\0' && strchr("'&", found[1]) != NULL &&
            found[1] != '\0')
            found += 1 + (found[1] == '&');
        if (*found == '\'' || *found == '$' || found[-1] == '=') {
            *found = '\0';
            return;
        }
    }
}

/* Texts have sizes: what does not fit any more is cut. */
static void replace(char *text, size_t size, struct slice secret)
{
    char *found = text;

    while (secret.len > 0 &&
           (found = memmem(found, strlen(found), secret.data, secret.len)) != NULL) {
        char rest[4096];

        snprintf(rest, sizeof(rest), "%s", found + secret.len);
        snprintf(found, size - (size_t)(found - text), "...%s", rest);
        found += strlen(found) < 3 ? strlen(found) : 3;
    }
}

static void hide_in(char *text, size_t size, const struct buffer *secrets)
{
    const char *at = (const char *)secrets->data;

    cut_passwords(text);
    for (size_t left = secrets->len; left > 0;) {
        size_t len = strnlen(at, left);

        if (len > 2) /* of less anything would be hidden, and nothing is gained */
            replace(text, size, slice_make(at, len));
        at += len + 1;
        left -= len + 1;
    }
}

static void hide_in_all(struct outcome *outcome, const struct buffer *secrets)
{
    struct error *error = &outcome->error;

    /* Of what it cannot read the server quotes a part, whatever it is. */
    if (secrets->len > 0 && strcmp(error->sqlstate, "42601") == 0) {
        snprintf(error->message, sizeof(error->message), "syntax error; " LEFT_OUT);
        error->detail[0] = error->hint[0] = outcome->context[0] = '\0';
        return;
    }
    hide_in(error->message, sizeof(error->message), secrets);
    hide_in(error->detail, sizeof(error->detail), secrets);
    hide_in(error->hint, sizeof(error->hint), secrets);
    hide_in(outcome->context, sizeof(outcome->context), secrets);
}

void target_words_hide(struct target_words *words, const char *statement,
                       const struct outcome *outcome)
{
    struct buffer secrets = {0};
    struct error ignored;
    struct slice text = slice_string(statement);

    *words = (struct target_words){.outcome = *outcome};
    if (!sql_statement_told(text, STATEMENT_TOLD, &words->statement, &secrets, &ignored)) {
        buffer_clear(&words->statement);
        snprintf(words->outcome.error.message, sizeof(words->outcome.error.message), LEFT_OUT);
    } else {
        hide_in_all(&words->outcome, &secrets);
    }
    if (secrets.len > 0) /* its places are others now */
        words->outcome.position = 0;
    buffer_free_secret(&secrets);
}
