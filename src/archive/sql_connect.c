/*
 * The arguments of psql's \connect, in the forms that pg_dump, pg_dumpall and we write. psql takes
 * more: user, host and port, connection strings. A script has no say in where it runs.
 */
#include "archive/sql_script_internal.h"

#include "base/bytes.h"

static bool is_plain(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '.';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* "…", in which quotes are doubled. NULL: it has no end. */
static const char *take_quoted(const char *at, char *out)
{
    for (; *at != '\0'; at++) {
        if (*at == '"' && *++at != '"') {
            *out = '\0';
            return at;
        }
        *out++ = *at;
    }
    return NULL;
}

/* Takes an argument off the line: in double quotes or without. */
static bool take_argument(const char **line, char *out, bool *quoted)
{
    const char *at = *line + strspn(*line, " \t");

    *quoted = *at == '"';
    if (*quoted) {
        at = take_quoted(at + 1, out);
        if (at == NULL)
            return false;
    } else {
        while (*at != '\0' && !is_blank(*at))
            *out++ = *at++;
        *out = '\0';
    }
    *line = at;
    return *at == '\0' || is_blank(*at);
}

/* 'NAME' with a backslash before what would end it, or a name without quotes. */
static bool take_value(const char *text, char *out)
{
    bool quoted = *text == '\'';

    for (text += quoted; *text != '\0' && !(quoted && *text == '\''); text++) {
        if (quoted && *text == '\\')
            text++;
        else if (!quoted && !is_plain(*text))
            return false;
        if (*text == '\0')
            return false;
        *out++ = *text;
    }
    *out = '\0';
    return !quoted || strcmp(text, "'") == 0;
}

/* Percent-encoded, to the end of the address. */
static bool take_path(const char *text, char *out)
{
    for (; *text != '\0'; text++) {
        uint8_t byte = (uint8_t)*text;

        if (*text == '%') {
            if (text[1] == '\0' || !bytes_from_hex(slice_make(text + 1, 2), &byte, 1) || byte == 0)
                return false;
            text += 2;
        } else if (strchr("/?#&=@:", *text) != NULL) {
            return false;
        }
        *out++ = (char)byte;
    }
    *out = '\0';
    return true;
}

/* What psql would take for a connection string. */
static bool is_conninfo(const char *name)
{
    return strchr(name, '=') != NULL || strncmp(name, "postgres://", 11) == 0 ||
           strncmp(name, "postgresql://", 13) == 0;
}

static bool take_conninfo(const char *text, char *name)
{
    static const char dbname[] = "dbname=", uri[] = "postgresql:///";

    if (strncmp(text, dbname, sizeof(dbname) - 1) == 0)
        return take_value(text + sizeof(dbname) - 1, name);
    if (strncmp(text, uri, sizeof(uri) - 1) == 0)
        return take_path(text + sizeof(uri) - 1, name);
    return false;
}

static bool plain_name(const char *text, bool quoted)
{
    if (quoted)
        return !is_conninfo(text) && strcmp(text, "-") != 0;
    while (is_plain(*text))
        text++;
    return *text == '\0';
}

bool sql_connect_database(const char *arguments, char *name)
{
    static const char reuse[] = "-reuse-previous=on";
    bool quoted, found;

    if (!take_argument(&arguments, name, &quoted))
        return false;
    if (!quoted && strcmp(name, reuse) == 0) {
        if (!take_argument(&arguments, name, &quoted))
            return false;
        /* In place: what is read is never shorter than what is written. */
        found = is_conninfo(name) ? take_conninfo(name, name) : plain_name(name, quoted);
    } else {
        found = plain_name(name, quoted);
    }
    arguments += strspn(arguments, " \t");
    return found && name[0] != '\0' && *arguments == '\0';
}
