/* The text of a list of an archive's entries: held whole, because its lines are asked for by their
 * numbers. */
#include "restore/list_file.h"

#include <errno.h>
#include <stdio.h>

/* An entry takes a line of some hundred bytes. */
#define LIST_MOST ((size_t)256 << 20)

bool list_file_read(const char *name, struct buffer *text, struct error *err)
{
    FILE *file = fopen(name, "re");
    char bytes[16384];
    bool done = true;
    size_t len;

    buffer_clear(text);
    if (file == NULL)
        return error_set_errno(err, errno, "cannot read the list \"%s\"", name);
    while (done && (len = fread(bytes, 1, sizeof(bytes), file)) > 0) {
        done = buffer_append(text, bytes, len, err);
        if (done && text->len > LIST_MOST)
            done = error_set(err, ERROR_USAGE, "\"%s\" is no list of an archive's entries", name);
    }
    if (done && ferror(file))
        done = error_set_errno(err, errno, "cannot read the list \"%s\"", name);
    fclose(file);
    return done && buffer_reserve(text, 1, err);
}
