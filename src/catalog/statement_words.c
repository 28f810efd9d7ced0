/* The words of a statement that tell what it does, without the values in it, which may be secret.
 */
#include "catalog/statement_words.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define WORD_SIZE 16

static const char first_words[] =
    " ABORT ALTER ANALYSE ANALYZE BEGIN CALL CHECKPOINT CLOSE CLUSTER COMMENT COMMIT COPY CREATE "
    "DEALLOCATE DECLARE DELETE DISCARD DO DROP END EXECUTE EXPLAIN FETCH GRANT IMPORT INSERT "
    "LISTEN "
    "LOAD LOCK MERGE MOVE NOTIFY PREPARE REASSIGN REFRESH REINDEX RELEASE RESET REVOKE ROLLBACK "
    "SAVEPOINT SECURITY SELECT SET SHOW START TABLE TRUNCATE UNLISTEN UPDATE VACUUM VALUES WITH ";

/* What may follow without being a name. */
static const char second_words[] =
    " ACCESS AGGREGATE ALL CAST COLLATION COLUMN CONCURRENTLY CONSTRAINT CONVERSION DATABASE "
    "DEFAULT "
    "DOMAIN EVENT EXTENSION FOREIGN FREEZE FROM FULL FUNCTION GLOBAL GROUP INDEX INTO LANGUAGE "
    "LARGE "
    "LOCAL MATERIALIZED ONLY OPERATOR OR OWNED POLICY PREPARED PROCEDURE PUBLICATION RECURSIVE "
    "ROLE "
    "ROUTINE RULE SCHEMA SEQUENCE SERVER SESSION STATISTICS SUBSCRIPTION SYSTEM TABLE TABLESPACE "
    "TEMP "
    "TEMPORARY TEXT TO TRANSACTION TRIGGER TYPE UNIQUE UNLOGGED USER VERBOSE VIEW WORK ";

/* Past a comment in one line, or one that may have others in it. NULL: there is none. */
static const char *after_comment(const char *text)
{
    size_t depth = 0;

    if (strncmp(text, "--", 2) == 0)
        return text + strcspn(text, "\n");
    if (strncmp(text, "/*", 2) != 0)
        return NULL;
    do {
        if (strncmp(text, "/*", 2) == 0) {
            depth++;
            text += 2;
        } else if (strncmp(text, "*/", 2) == 0) {
            depth--;
            text += 2;
        } else if (*text != '\0') {
            text++;
        }
    } while (depth > 0 && *text != '\0');
    return text;
}

static const char *after_blanks(const char *text)
{
    for (;;) {
        const char *comment;

        text += strspn(text, " \t\n\r\f\v(");
        comment = after_comment(text);
        if (comment == NULL)
            return text;
        text = comment;
    }
}

static bool is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

/* Takes a word that is one of these; a word ends where no name could go on. */
static bool take_word(const char **text, const char *known, char word[WORD_SIZE])
{
    static const char ends[] = " \t\n\r\f\v;,()*/-'\"";
    char searched[WORD_SIZE + 2];
    size_t len = 0;

    *text = after_blanks(*text);
    while (is_letter((*text)[len])) {
        if (len + 1 == WORD_SIZE)
            return false;
        word[len] = (char)((*text)[len] & ~0x20);
        len++;
    }
    word[len] = '\0';
    if (len == 0 || ((*text)[len] != '\0' && strchr(ends, (*text)[len]) == NULL))
        return false;
    *text += len;
    snprintf(searched, sizeof(searched), " %s ", word);
    return strstr(known, searched) != NULL;
}

void statement_words(const char *statement, char out[STATEMENT_WORDS_SIZE])
{
    char first[WORD_SIZE], second[WORD_SIZE];

    out[0] = '\0';
    if (!take_word(&statement, first_words, first))
        return;
    if (take_word(&statement, second_words, second))
        snprintf(out, STATEMENT_WORDS_SIZE, "%s %s", first, second);
    else
        snprintf(out, STATEMENT_WORDS_SIZE, "%s", first);
}
