/*
 * The names of a tar's parts. What has no length beforehand is written as several members,
 * NAME.part000001 and so on, which a reader joins; a name of a record that looks like one must be
 * told from it.
 */
#include "record/tar_part_internal.h"

#include "base/bytes.h"

#include <limits.h>
#include <stdio.h>

#define SUFFIX ".part"
#define SUFFIX_LEN (sizeof(SUFFIX) - 1)
#define DIGITS 6

bool tar_part_name(const char *name, unsigned number, char out[RECORD_PATH_MAX], struct error *err)
{
    int len = snprintf(out, RECORD_PATH_MAX, "%s" SUFFIX "%0*u", name, DIGITS, number);

    if (len < 0 || len >= RECORD_PATH_MAX)
        return error_set(err, ERROR_UNSUPPORTED, "path \"%.200s…\" is too long for a tar part",
                         name);
    return true;
}

bool tar_part_parse(const char *part, size_t *name_len, unsigned *number)
{
    size_t len = strlen(part), digits = 0;
    uint64_t value;

    while (digits < len && part[len - digits - 1] >= '0' && part[len - digits - 1] <= '9')
        digits++;
    /* As it is written: no zero in front of more than six digits, no part 0, and a name. */
    if (digits < DIGITS || len < digits + SUFFIX_LEN + 1)
        return false;
    if (digits > DIGITS && part[len - digits] == '0')
        return false;
    if (memcmp(part + len - digits - SUFFIX_LEN, SUFFIX, SUFFIX_LEN) != 0 ||
        part[len - digits - SUFFIX_LEN - 1] == '/')
        return false;
    if (!bytes_parse_u64(slice_make(part + len - digits, digits), &value) || value == 0 ||
        value > UINT_MAX)
        return false;
    if (name_len != NULL)
        *name_len = len - digits - SUFFIX_LEN;
    if (number != NULL)
        *number = (unsigned)value;
    return true;
}
