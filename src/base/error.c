/*
 * Filling in a struct error: formats, errno with what mends it, prefixes. Nothing here allocates,
 * so that running out of memory can be reported, too.
 */
#include "base/quote.h"
#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void error_clear(struct error *err)
{
    err->code = ERROR_NONE;
    err->sqlstate[0] = '\0';
    err->message[0] = '\0';
    err->detail[0] = '\0';
    err->hint[0] = '\0';
    err->errno_value = 0;
    err->reason[0] = '\0';
}

bool error_set(struct error *err, enum error_code code, const char *format, ...)
{
    va_list args;

    error_clear(err);
    err->code = code;
    va_start(args, format);
    error_format(err->message, sizeof(err->message), format, args);
    va_end(args);
    return false;
}

static const char *errno_hint(int errno_value)
{
    switch (errno_value) {
    case ENOSPC:
        return "Free space on that file system, or choose another place.";
    case EDQUOT:
        return "The disk quota is used up: raise it, or choose another place.";
    case EROFS:
        return "That file system is mounted read-only: choose another place.";
    case EACCES:
    case EPERM:
        return "Run as a user who may do that, or change the owner or mode of the path.";
    case EMFILE:
        return "Raise the limit of open files (ulimit -n).";
    case EFBIG:
        return "Raise the file size limit (ulimit -f), or use a file system without it.";
    default:
        return "";
    }
}

bool error_set_errno(struct error *err, int errno_value, const char *format, ...)
{
    va_list args;
    size_t used;

    error_clear(err);
    err->code = errno_value == ENOMEM ? ERROR_MEMORY : ERROR_IO;
    err->errno_value = errno_value;
    va_start(args, format);
    error_format(err->message, sizeof(err->message), format, args);
    va_end(args);
    used = strlen(err->message);
    snprintf(err->message + used, sizeof(err->message) - used, ": %s", strerror(errno_value));
    snprintf(err->hint, sizeof(err->hint), "%s", errno_hint(errno_value));
    return false;
}

void error_fill_memory(struct error *err)
{
    error_set(err, ERROR_MEMORY, "out of memory");
}

bool error_detail(struct error *err, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    error_format(err->detail, sizeof(err->detail), format, args);
    va_end(args);
    return false;
}

bool error_hint(struct error *err, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    error_format(err->hint, sizeof(err->hint), format, args);
    va_end(args);
    return false;
}

bool error_hint_mkdir(struct error *err, const char *folder)
{
    char quoted[QUOTE_PATH_SIZE];

    return error_hint(err, "mkdir -p %s", quote_shell(folder, quoted, sizeof(quoted)));
}

bool error_prefix(struct error *err, const char *format, ...)
{
    char text[sizeof(err->message)];
    va_list args;
    size_t used, room;

    va_start(args, format);
    error_format(text, sizeof(text), format, args);
    va_end(args);
    used = strlen(text);
    room = sizeof(text) - used - 1;
    snprintf(text + used, room + 1, ": %.*s", (int)room, err->message);
    memcpy(err->message, text, sizeof(text));
    return false;
}

const char *error_code_name(enum error_code code)
{
    static const char *const names[] = {
        [ERROR_NONE] = "none",         [ERROR_USAGE] = "usage",
        [ERROR_MEMORY] = "memory",     [ERROR_IO] = "io",
        [ERROR_CONNECT] = "connect",   [ERROR_AUTHENTICATION] = "authentication",
        [ERROR_TLS] = "tls",           [ERROR_CONNECTION_LOST] = "connection_lost",
        [ERROR_TIMEOUT] = "timeout",   [ERROR_CANCELLED] = "cancelled",
        [ERROR_PROTOCOL] = "protocol", [ERROR_SERVER] = "server",
        [ERROR_CORRUPT] = "corrupt",   [ERROR_UNSUPPORTED] = "unsupported",
        [ERROR_REFUSED] = "refused",
    };
    return names[code];
}
