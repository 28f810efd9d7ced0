/*
 * Near misses are found by edit distance, with two letters swapped as one edit: that is how people
 * mistype. Characters are read strictly, because what is not UTF-8 must not pass for text.
 */
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

size_t text_character(struct slice text, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t first = text.data[0];
    size_t len;

    if (first < 0x80) {
        *code = first;
        return 1;
    }
    if (first >= 0xc2 && first <= 0xdf)
        len = 2;
    else if (first >= 0xe0 && first <= 0xef)
        len = 3;
    else if (first >= 0xf0 && first <= 0xf4)
        len = 4;
    else
        return 0;
    if (text.len < len)
        return 0;
    *code = first & (0x7fU >> len);
    for (size_t i = 1; i < len; i++) {
        if ((text.data[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (text.data[i] & 0x3f);
    }
    if (*code < least[len] || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff))
        return 0;
    return len;
}
