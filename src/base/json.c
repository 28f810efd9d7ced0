/*
 * jansson is not to be trusted where memory runs out. So its output goes into a buffer that
 * remembers a failure, and a text is parsed only once the room that its values will take was to be
 * had.
 */
#include "base/json.h"

#include <stdlib.h>

/* jansson's values take some ten times the room of their text. */
#define VALUE_SIZE_FACTOR 10
#define VALUE_SIZE_LEAST 1024

struct dump {
    struct buffer *out;
    struct error *err;
    bool failed; /* for good: jansson 2.14 goes on after a key that could not be written */
};

static int dump_piece(const char *data, size_t size, void *context)
{
    struct dump *dump = context;

    if (!dump->failed)
        dump->failed = !buffer_append(dump->out, data, size, dump->err);
    return dump->failed ? -1 : 0;
}

bool json_text_append(struct buffer *out, const json_t *value, size_t flags, struct error *err)
{
    struct dump dump = {.out = out, .err = err};

    if (json_dump_callback(value, dump_piece, &dump, flags) == 0 && !dump.failed)
        return true;
    return dump.failed ? false : error_set_memory(err);
}

/* When memory runs out while it parses, jansson 2.14 calls the text wrong, or aborts. So the room
 * is asked for beforehand; what is freed here, it gets. */
static bool is_memory_short(size_t text_len)
{
    void *probe = malloc(text_len * VALUE_SIZE_FACTOR + VALUE_SIZE_LEAST);

    free(probe);
    return probe == NULL;
}

json_t *json_text_parse(struct slice text, size_t flags, struct error *err)
{
    json_error_t problem = {.text = ""};
    json_t *value = NULL;

    /* A second try: a shortage that has just passed is no fault of the text's. */
    for (int tries = 0; tries < 2 && value == NULL; tries++) {
        if (is_memory_short(text.len)) {
            error_set_memory(err);
            return NULL;
        }
        value = json_loadb((const char *)text.data, text.len, flags, &problem);
    }
    if (value == NULL)
        error_set(err, ERROR_CORRUPT, "not valid JSON: %s", problem.text);
    return value;
}
