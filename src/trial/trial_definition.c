/* What an entry says. The server does not print everything that it reads as it was written. */
#include "trial/trial_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- Lines of a table ---- */

struct texts {
    struct slice *lines;
    size_t count;
};

static int by_bytes(const void *a, const void *b)
{
    const struct slice *one = a, *other = b;
    size_t len = one->len < other->len ? one->len : other->len;
    int order = len == 0 ? 0 : memcmp(one->data, other->data, len);

    return order != 0 ? order : (one->len > other->len) - (one->len < other->len);
}

/* Without the commas between columns: the last one has none. */
static void split(const char *text, struct texts *texts)
{
    while (*text != '\0') {
        size_t len = strcspn(text, "\n"), kept = len;

        if (kept > 0 && text[kept - 1] == ',')
            kept--;
        texts->lines[texts->count++] = slice_make(text, kept);
        text += text[len] == '\n' ? len + 1 : len;
    }
}

static size_t count_lines(const char *text)
{
    size_t count = 1;

    for (; *text != '\0'; text++)
        count += *text == '\n';
    return count;
}

static bool append_sorted(struct buffer *out, const char *text, struct error *err)
{
    struct texts texts = {.lines = calloc(count_lines(text), sizeof(*texts.lines))};
    bool done = true;

    if (texts.lines == NULL)
        return error_set_memory(err);
    split(text, &texts);
    qsort(texts.lines, texts.count, sizeof(*texts.lines), by_bytes);
    for (size_t i = 0; done && i < texts.count; i++)
        done = buffer_append(out, texts.lines[i].data, texts.lines[i].len, err) &&
               buffer_append_byte(out, '\n', err);
    free(texts.lines);
    return done;
}

bool trial_append_definition(struct buffer *out, const struct archive_entry *entry,
                             struct error *err)
{
    enum entry_kind kind = entry_kind_of(entry->desc);

    if (entry->definition == NULL)
        return true;
    if ((kind == ENTRY_TABLE || kind == ENTRY_FOREIGN_TABLE) &&
        strstr(entry->definition, "\nINHERITS (") != NULL)
        return append_sorted(out, entry->definition, err);
    return buffer_append_string(out, entry->definition, err);
}

/* ---- What is printed ---- */

bool trial_is_printed(const struct archive_entry *entry)
{
    enum entry_kind kind = entry_kind_of(entry->desc);
    const char *text = entry->definition == NULL ? "" : entry->definition;

    if (kind == ENTRY_FUNCTION || kind == ENTRY_PROCEDURE)
        return strstr(text, "BEGIN ATOMIC") != NULL || strstr(text, "RETURN ") != NULL;
    return kind == ENTRY_VIEW || kind == ENTRY_MATERIALIZED_VIEW || kind == ENTRY_RULE;
}
