/* The object that --json prints. Texts from a server or an archive may not be UTF-8, and JSON must
 * be: they are made so here, where all members pass. */
#include "cli/result.h"

#include "cli/format.h"
#include "cli/spelling.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

json_t *result_new(const char *command)
{
    json_t *object = json_object();

    result_set_number(object, "schema", RESULT_SCHEMA);
    result_set_text(object, "pgcask", PGCASK_VERSION);
    result_set_text(object, "command", command);
    return object;
}

json_t *result_text(const char *text)
{
    struct buffer escaped = {0};
    struct error ignored;
    json_t *value = NULL;

    if (format_escape(&escaped, slice_string(text), FORMAT_FOR_JSON, &ignored))
        value = json_string(buffer_text(&escaped));
    buffer_free(&escaped);
    return value;
}

json_t *result_message(const char *text)
{
    char spelled[4096];

    error_spell_copy(spelled, sizeof(spelled), text, &command_speller);
    return result_text(spelled);
}

/* Where there is no memory for a part, the object is emptied: result_print refuses it then, because
 * "command", which is set first, is missing. */
void result_set(json_t *object, const char *name, json_t *value)
{
    if (object == NULL)
        json_decref(value);
    else if (json_object_set_new(object, name, value) != 0)
        json_object_clear(object);
}

void result_set_text(json_t *object, const char *name, const char *text)
{
    if (object != NULL)
        result_set(object, name, result_text(text));
}

void result_set_known(json_t *object, const char *name, const char *text)
{
    if (text[0] != '\0')
        result_set_text(object, name, text);
}

void result_set_number(json_t *object, const char *name, uint64_t number)
{
    if (object != NULL)
        result_set(object, name, json_integer((json_int_t)number));
}

void result_set_flag(json_t *object, const char *name, bool flag)
{
    if (object != NULL)
        result_set(object, name, json_boolean(flag));
}

json_t *result_error(const struct error *err)
{
    json_t *object = json_object();

    result_set_text(object, "code", error_code_name(err->code));
    result_set_text(object, "reason", error_reason_word(err));
    result_set(object, "message", result_message(err->message));
    if (err->detail[0] != '\0')
        result_set(object, "detail", result_message(err->detail));
    if (err->hint[0] != '\0')
        result_set(object, "hint", result_message(err->hint));
    if (err->sqlstate[0] != '\0')
        result_set_text(object, "sqlstate", err->sqlstate);
    if (err->errno_value > 0)
        result_set_number(object, "errno", (uint64_t)err->errno_value);
    return object;
}

static bool write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t written = write(fd, text, len);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        text += written;
        len -= (size_t)written;
    }
    return true;
}

bool result_print(const json_t *object, int fd, const char *name, struct error *err)
{
    char *text;
    bool done;

    if (json_object_get(object, "command") == NULL || json_object_get(object, "status") == NULL)
        return error_set_memory(err);
    text = json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    if (text == NULL)
        return error_set_memory(err);
    done = write_all(fd, text, strlen(text)) && write_all(fd, "\n", 1);
    if (!done)
        error_set_errno(err, errno, "cannot write the result to %s", name);
    free(text);
    return done;
}
