/* Near misses are found by edit distance, with two letters swapped as one edit: that is how people
 * mistype. */
#include "base/text.h"

#include <string.h>

#define NAME_MAX_COMPARED 64 /* longer names are nobody's misspelling */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edits between a and b (optimal string alignment), by rows: before_last, last and current are the
 * distances of the first i - 2, i - 1 and i bytes of a to every beginning of b. */
static size_t edit_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t rows[3][NAME_MAX_COMPARED + 1];

    for (size_t j = 0; j <= b_len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        const size_t *before_last = rows[(i + 1) % 3];
        const size_t *last = rows[(i - 1) % 3];
        size_t *current = rows[i % 3];

        current[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            char x = lower(a[i - 1]), y = lower(b[j - 1]);

            current[j] = smaller(smaller(last[j], current[j - 1]) + 1, last[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == lower(b[j - 2]) && lower(a[i - 2]) == y)
                current[j] = smaller(current[j], before_last[j - 2] + 1);
        }
    }
    return rows[a_len % 3][b_len];
}

const char *text_nearest(const char *name, const char *const *candidates, size_t count)
{
    size_t len = strlen(name);
    size_t best_distance = len / 3 + 2; /* one edit in a short name, more in a long one */
    const char *best = NULL;

    if (len == 0 || len > NAME_MAX_COMPARED)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t candidate_len = strlen(candidates[i]);
        size_t distance;

        if (candidate_len > NAME_MAX_COMPARED)
            continue;
        distance = edit_distance(name, len, candidates[i], candidate_len);
        /* As many edits as letters would make anything into anything. */
        if (distance < best_distance && distance < candidate_len) {
            best_distance = distance;
            best = candidates[i];
        }
    }
    return best;
}

bool text_same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}
