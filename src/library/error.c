/*
 * Errors of src/base for the caller and back. The two structures are laid out alike on purpose,
 * which is checked while compiling; texts are spelled on the way out, and what a callback left is
 * taken in without trusting it.
 */
#include "library/library_internal.h"

#include <stdarg.h>
#include <stdio.h>

/* The two enumerations are one; the structures have the same texts. */
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
#define SAME_SIZE(member)                                                                          \
    _Static_assert(sizeof(((struct pgcask_error *)0)->member) ==                                   \
                       sizeof(((struct error *)0)->member),                                        \
                   "the texts' lengths differ")

SAME_SIZE(sqlstate);
SAME_SIZE(reason);
SAME_SIZE(message);
SAME_SIZE(detail);
SAME_SIZE(hint);

const char *pgcask_error_code_name(enum pgcask_error_code code)
{
    if (code < PGCASK_ERROR_NONE || code > PGCASK_ERROR_REFUSED)
        return "unknown";
    return error_code_name((enum error_code)code);
}

static void copy_text(char *out, size_t size, const char *text)
{
    size_t len = strnlen(text, size - 1);

    memcpy(out, text, len);
    out[len] = '\0';
}

bool pgcask_error_set(struct pgcask_error *error, enum pgcask_error_code code, const char *format,
                      ...)
{
    va_list args;

    if (error == NULL)
        return false;
    library_error_clear(error);
    error->code = code;
    copy_text(error->reason, sizeof(error->reason), pgcask_error_code_name(code));
    va_start(args, format);
    vsnprintf(error->message, sizeof(error->message), format, args);
    va_end(args);
    return false;
}

/* All members of the first version are there whatever struct_size says. A member that comes later
 * may be touched only where struct_size reaches it. */
void library_error_clear(struct pgcask_error *error)
{
    error->code = PGCASK_ERROR_NONE;
    error->errno_value = 0;
    error->sqlstate[0] = error->reason[0] = '\0';
    error->message[0] = error->detail[0] = error->hint[0] = '\0';
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
    error->errno_value = err->errno_value;
    copy_text(error->reason, sizeof(error->reason), error_reason_word(err));
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
    err->errno_value = error->errno_value;
    copy_text(err->reason, sizeof(err->reason), error->reason);
    copy_text(err->sqlstate, sizeof(err->sqlstate), error->sqlstate);
    copy_text(err->detail, sizeof(err->detail), error->detail);
    copy_text(err->hint, sizeof(err->hint), error->hint);
    return false;
}

void library_error_copy(struct pgcask_error *to, const struct pgcask_error *from)
{
    if (to == NULL)
        return;
    to->code = from->code;
    to->errno_value = from->errno_value;
    copy_text(to->sqlstate, sizeof(to->sqlstate), from->sqlstate);
    copy_text(to->reason, sizeof(to->reason), from->reason);
    copy_text(to->message, sizeof(to->message), from->message);
    copy_text(to->detail, sizeof(to->detail), from->detail);
    copy_text(to->hint, sizeof(to->hint), from->hint);
}
