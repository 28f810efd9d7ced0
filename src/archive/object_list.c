/* A list of large objects: a line each, with its number and the name of its file, which is always
 * made of the number. */
#include "archive/archive_data.h"

#include "base/bytes.h"

#include <stdio.h>

/* "70001 blob_70001.dat" */
static bool parse_line(struct slice line, uint32_t *oid, struct error *err)
{
    const uint8_t *blank = line.len == 0 ? NULL : memchr(line.data, ' ', line.len);
    char expected[64];
    uint64_t number;

    if (blank == NULL ||
        !bytes_parse_u64(slice_take(&line, (size_t)(blank - line.data)), &number) ||
        number > UINT32_MAX)
        return error_set(err, ERROR_CORRUPT, "a line makes no sense");
    snprintf(expected, sizeof(expected), " blob_%lu.dat", (unsigned long)number);
    if (!slice_equals(line, slice_string(expected)))
        return error_set(err, ERROR_CORRUPT, "a large object is in an unusual file");
    *oid = (uint32_t)number;
    return true;
}

bool object_list_next(struct object_list *list, struct slice *in, uint32_t *oid, bool *found,
                      struct error *err)
{
    *found = false;
    while (in->len > 0 && !*found) {
        char byte = (char)slice_take(in, 1).data[0];

        if (byte == '\n') {
            *found = true;
        } else if (list->len == sizeof(list->line)) {
            return error_set(err, ERROR_CORRUPT, "a line is too long");
        } else {
            list->line[list->len++] = byte;
        }
    }
    if (!*found)
        return true;
    *found = parse_line(slice_make(list->line, list->len), oid, err);
    list->len = 0;
    return *found;
}

bool object_list_finish(const struct object_list *list, struct error *err)
{
    return list->len == 0 || error_set(err, ERROR_CORRUPT, "it ends within a line");
}
