/* The kernel's random numbers: as an order, for whom to ask first, and as a word that nobody can
 * guess. */
#include "base/random.h"

#include <errno.h>
#include <stdint.h>
#include <sys/random.h>

/* A number below `limit`. With 32 bits of chance a short list's bias is nothing. */
static bool random_below(size_t limit, size_t *out, struct error *err)
{
    uint32_t number;

    while (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number)) {
        if (errno != EINTR)
            return error_set_errno(err, errno, "cannot get random numbers");
    }
    *out = (size_t)((uint64_t)number * limit >> 32);
    return true;
}

bool random_word(char *out, size_t size, struct error *err)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    for (size_t i = 0; i + 1 < size; i++) {
        size_t chosen = 0;

        if (!random_below(sizeof(letters) - 1, &chosen, err))
            return false;
        out[i] = letters[chosen];
    }
    out[size - 1] = '\0';
    return true;
}

static void swap(uint8_t *a, uint8_t *b, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint8_t held = a[i];

        a[i] = b[i];
        b[i] = held;
    }
}

bool random_shuffle(void *items, size_t count, size_t size, struct error *err)
{
    uint8_t *bytes = items;

    for (size_t left = count; left > 1; left--) {
        size_t chosen = 0;

        if (!random_below(left, &chosen, err))
            return false;
        swap(bytes + (left - 1) * size, bytes + chosen * size, size);
    }
    return true;
}
