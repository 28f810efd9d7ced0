/* Ids are sorted once, with their numbers: in most archives they are not in order, and there may be
 * a million. */
#include "restore/selection_order.h"

#include <limits.h>
#include <stdlib.h>

struct id {
    int32_t id;
    uint32_t number;
};

struct selection_ids {
    size_t count;
    struct id ids[];
};

/* ---- Ids ---- */

static int compare(const void *a, const void *b)
{
    const struct id *one = a, *other = b;

    if (one->id != other->id)
        return one->id < other->id ? -1 : 1;
    return one->number < other->number ? -1 : one->number > other->number;
}

struct selection_ids *selection_ids_new(const int32_t *ids, size_t count, struct error *err)
{
    struct selection_ids *made = malloc(sizeof(*made) + count * sizeof(made->ids[0]));

    if (made == NULL) {
        error_set_memory(err);
        return NULL;
    }
    made->count = count;
    for (size_t i = 0; i < count; i++)
        made->ids[i] = (struct id){ids[i], (uint32_t)i};
    qsort(made->ids, count, sizeof(made->ids[0]), compare);
    return made;
}

void selection_ids_free(struct selection_ids *ids)
{
    free(ids);
}

bool selection_ids_find(const struct selection_ids *ids, int32_t id, uint32_t *number)
{
    size_t low = 0, high = ids->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (ids->ids[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == ids->count || ids->ids[low].id != id)
        return false;
    *number = ids->ids[low].number;
    return true;
}

/* ---- A list ---- */

struct reading {
    const struct selection_ids *ids;
    const char *name;
    size_t line;
    uint32_t *listed; /* numbers, in the order of the list */
    size_t count;
    bool *seen;
    struct error *err;
};

static bool is_blank(uint8_t letter)
{
    return letter == ' ' || letter == '\t' || letter == '\r';
}

static struct slice take_line(struct slice *text)
{
    struct slice line = slice_take_line(text);
    const uint8_t *end = line.len == 0 ? NULL : memchr(line.data, ';', line.len);

    if (end != NULL)
        line.len = (size_t)(end - line.data);
    return slice_trim(line, " \t\r");
}

static bool read_id(struct slice line, int32_t *id)
{
    int64_t value = 0;
    size_t i;

    for (i = 0; i < line.len && line.data[i] >= '0' && line.data[i] <= '9'; i++) {
        value = value * 10 + (line.data[i] - '0');
        if (value > INT32_MAX)
            return false;
    }
    *id = (int32_t)value;
    return i > 0 && (i == line.len || is_blank(line.data[i]));
}

static bool fail_line(struct reading *reading, struct slice line)
{
    error_set(reading->err, ERROR_USAGE, "%s, line %zu names no entry of the archive: %.*s",
              reading->name, reading->line, line.len > 200 ? 200 : (int)line.len,
              (const char *)line.data);
    return error_hint(reading->err,
                      "A line begins with the number that an entry has in the archive's list; ; "
                      "begins a comment.");
}

static bool take_entry(struct reading *reading, struct slice line)
{
    uint32_t number;
    int32_t id;

    if (line.len == 0)
        return true;
    if (!read_id(line, &id) || !selection_ids_find(reading->ids, id, &number))
        return fail_line(reading, line);
    if (!reading->seen[number])
        reading->listed[reading->count++] = number;
    reading->seen[number] = true;
    return true;
}

static bool read_list(struct reading *reading, struct slice text)
{
    while (text.len > 0) {
        reading->line++;
        if (!take_entry(reading, take_line(&text)))
            return false;
    }
    return true;
}

bool selection_order_fill(const struct selection_ids *ids, struct slice text, const char *name,
                          uint32_t *order, size_t *first, struct error *err)
{
    struct reading reading = {.ids = ids, .name = name, .err = err};
    bool done;

    *first = 0;
    reading.listed = malloc((ids->count + 1) * sizeof(*reading.listed));
    reading.seen = calloc(ids->count + 1, sizeof(*reading.seen));
    done = (reading.listed != NULL && reading.seen != NULL) || error_set_memory(err);
    done = done && (text.data == NULL || read_list(&reading, text));
    if (done) {
        for (size_t i = 0; i < ids->count; i++) {
            if (!reading.seen[i])
                order[(*first)++] = (uint32_t)i;
        }
        memcpy(order + *first, reading.listed, reading.count * sizeof(*order));
        if (text.data == NULL)
            *first = 0;
    }
    free(reading.listed);
    free(reading.seen);
    return done;
}
