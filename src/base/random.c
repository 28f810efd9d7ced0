/* The kernel's random numbers, as choices among few: whom to ask first. */
#include "base/random.h"

#include <errno.h>
#include <stdint.h>
#include <sys/random.h>

bool random_below(size_t limit, size_t *out, struct error *err)
{
    uint32_t number;

    while (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number)) {
        if (errno != EINTR)
            return error_set_errno(err, errno, "cannot get random numbers");
    }
    *out = (size_t)((uint64_t)number * limit >> 32);
    return true;
}
