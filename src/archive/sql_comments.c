/* Comments of pg_dump and pg_dumpall: what a script is, what it was dumped from, what follows. */
#include "archive/sql_script_internal.h"

#include <stdio.h>
#include <string.h>

static bool comment_is(const struct sql_lexer *lexer, const char *text)
{
    return lexer->comment_len == strlen(text) &&
           memcmp(lexer->comment, text, lexer->comment_len) == 0;
}

/* The last place of a text in another. */
static char *find_last(char *text, const char *what)
{
    char *found = NULL;

    for (char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what))
        found = at;
    return found;
}

/* All of them are parts of one comment, and together have less room than it has. */
static const char *put_part(struct sql_comments *said, size_t *at, const char *part)
{
    const char *put = said->parts + *at;
    size_t len = strlen(part) + 1;

    memcpy(said->parts + *at, part, len);
    *at += len;
    return put;
}

static void note_comment(struct sql_comments *said, const char *type, const char *schema,
                         const char *name, const char *owner)
{
    struct sql_script_comment *comment = &said->comment;
    size_t at = 0;
    char *tablespace;

    comment->number++;
    comment->type = put_part(said, &at, type);
    comment->schema = put_part(said, &at, schema);
    comment->name = put_part(said, &at, name);
    tablespace = said->parts + at;
    comment->owner = put_part(said, &at, owner);
    tablespace = find_last(tablespace, "; Tablespace: ");
    if (tablespace != NULL)
        *tablespace = '\0';
}

/* " Name: t; Type: TABLE; Schema: public; Owner: me", also "Data for Name: t". */
static void note_entry(struct sql_comments *said, const struct sql_lexer *lexer)
{
    char text[SQL_COMMENT_MAX], *name, *type, *schema, *owner;

    said->entry[0] = '\0';
    if (lexer->comment_len >= sizeof(text)) {
        if (memmem(lexer->comment, sizeof(text), "Name: ", 6) != NULL)
            note_comment(said, "", "", "", "");
        return;
    }
    memcpy(text, lexer->comment, lexer->comment_len);
    text[lexer->comment_len] = '\0';
    name = strstr(text, "Name: ");
    owner = find_last(text, "; Owner: ");
    if (name == NULL || owner == NULL)
        return;
    *owner = '\0';
    schema = find_last(text, "; Schema: ");
    if (schema == NULL)
        return;
    *schema = '\0';
    type = find_last(text, "; Type: ");
    if (type == NULL || type < name)
        return;
    *type = '\0';
    schema += strlen("; Schema: ");
    snprintf(said->entry, sizeof(said->entry), "%s %s%s%s", type + strlen("; Type: "),
             strcmp(schema, "-") == 0 ? "" : schema, strcmp(schema, "-") == 0 ? "" : ".",
             name + strlen("Name: "));
    note_comment(said, type + strlen("; Type: "), schema, name + strlen("Name: "),
                 owner + strlen("; Owner: "));
}

static void note_server(struct sql_comments *said, const struct sql_lexer *lexer)
{
    static const char words[] = " Dumped from database version ";
    size_t len = lexer->comment_len - strlen(words);

    if (lexer->comment_len <= strlen(words) || memcmp(lexer->comment, words, strlen(words)) != 0)
        return;
    len = len < sizeof(said->server) ? len : sizeof(said->server) - 1;
    memcpy(said->server, lexer->comment + strlen(words), len);
    said->server[len] = '\0';
}

static const struct {
    const char *begin, *end;
} origins[] = {
    [SQL_SCRIPT_OF_DATABASE] = {" PostgreSQL database dump", " PostgreSQL database dump complete"},
    [SQL_SCRIPT_OF_CLUSTER] = {" PostgreSQL database cluster dump",
                               " PostgreSQL database cluster dump complete"},
};

void sql_comments_take(struct sql_comments *said, const struct sql_lexer *lexer)
{
    note_entry(said, lexer);
    note_server(said, lexer);
    for (int i = SQL_SCRIPT_OF_DATABASE; i <= SQL_SCRIPT_OF_CLUSTER; i++) {
        if (said->origin == SQL_SCRIPT_UNKNOWN &&
            (comment_is(lexer, origins[i].begin) || comment_is(lexer, origins[i].end)))
            said->origin = (enum sql_script_origin)i;
    }
    said->whole =
        said->origin != SQL_SCRIPT_UNKNOWN && comment_is(lexer, origins[said->origin].end);
}
