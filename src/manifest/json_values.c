/*
 * Counted without parsing: the count decides whether a text may be parsed at all.
 */
#include "manifest/json_values.h"

size_t json_values_at_most(struct slice text, size_t most)
{
    size_t count = text.len > 0;
    bool in_string = false, escaped = false;

    for (size_t i = 0; i < text.len && count <= most; i++) {
        char c = (char)text.data[i];

        if (in_string) {
            in_string = c != '"' || escaped;
            escaped = c == '\\' && !escaped;
        } else if (c == '"') {
            in_string = true;
        } else {
            count += c == ',' || c == ':' || c == '[' || c == '{';
        }
    }
    return count;
}
