#include "library/library_internal.h"

#include <stdarg.h>
#include <stdio.h>

/* The two enumerations are one, and so are the two structures. */
#define SAME_CODE(name)                                                                            \
    _Static_assert((int)PGCASK_ERROR_##name == (int)ERROR_##name, "the codes differ")

SAME_CODE(NONE);
SAME_CODE(USAGE);
SAME_CODE(MEMORY);
SAME_CODE(IO);
SAME_CODE(CONNECT);
SAME_CODE(AUTHENTICATION);
SAME_CODE(TLS);
SAME_CODE(CONNECTION_LOST);
SAME_CODE(TIMEOUT);
SAME_CODE(CANCELLED);
SAME_CODE(PROTOCOL);
SAME_CODE(SERVER);
SAME_CODE(CORRUPT);
SAME_CODE(UNSUPPORTED);
SAME_CODE(REFUSED);
_Static_assert(sizeof(struct pgcask_error) == sizeof(struct error), "the texts' lengths differ");

const char *pgcask_error_code_name(enum pgcask_error_code code)
{
    if (code < PGCASK_ERROR_NONE || code > PGCASK_ERROR_REFUSED)
        return "unknown";
    return error_code_name((enum error_code)code);
}

bool pgcask_error_set(struct pgcask_error *error, enum pgcask_error_code code, const char *format,
                      ...)
{
    va_list args;

    if (error == NULL)
        return false;
    library_error_clear(error);
    error->code = code;
    va_start(args, format);
    vsnprintf(error->message, sizeof(error->message), format, args);
    va_end(args);
    return false;
}

void library_error_clear(struct pgcask_error *error)
{
    error->code = PGCASK_ERROR_NONE;
    error->sqlstate[0] = error->message[0] = error->detail[0] = error->hint[0] = '\0';
}

static void copy_text(char *out, size_t size, const char *text)
{
    size_t len = strnlen(text, size - 1);

    memcpy(out, text, len);
    out[len] = '\0';
}

static void spell_text(char *out, size_t size, const char *text)
{
    error_spell_copy(out, size, text, &library_speller);
}

bool library_fail(struct pgcask_error *error, const struct error *err)
{
    if (error == NULL)
        return false;
    error->code = (enum pgcask_error_code)err->code;
    copy_text(error->sqlstate, sizeof(error->sqlstate), err->sqlstate);
    spell_text(error->message, sizeof(error->message), err->message);
    spell_text(error->detail, sizeof(error->detail), err->detail);
    spell_text(error->hint, sizeof(error->hint), err->hint);
    return false;
}

/* The texts are the caller's work: whether they end is not taken for granted. */
bool library_fail_by_callback(struct error *err, struct pgcask_error *error, const char *what)
{
    bool known = error->code > PGCASK_ERROR_NONE && error->code <= PGCASK_ERROR_REFUSED;

    error_set(err, known ? (enum error_code)error->code : ERROR_IO,
              "the program's function \"%s\" failed", what);
    if (error->message[0] != '\0')
        copy_text(err->message, sizeof(err->message), error->message);
    copy_text(err->sqlstate, sizeof(err->sqlstate), error->sqlstate);
    copy_text(err->detail, sizeof(err->detail), error->detail);
    copy_text(err->hint, sizeof(err->hint), error->hint);
    return false;
}
