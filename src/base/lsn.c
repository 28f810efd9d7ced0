/*
 * Positions in the WAL as text and the names of WAL files, both as the server writes and reads
 * them. On the ground, because whoever names a WAL file needs no connection.
 */
#include "base/lsn.h"

#include <inttypes.h>
#include <stdio.h>

static bool parse_half(const char **text, uint32_t *value)
{
    int digits = 0;

    *value = 0;
    for (; digits < 8; digits++, (*text)++) {
        char c = **text;
        unsigned digit;

        if (c >= '0' && c <= '9')
            digit = (unsigned)(c - '0');
        else if (c >= 'A' && c <= 'F')
            digit = (unsigned)(c - 'A') + 10;
        else if (c >= 'a' && c <= 'f')
            digit = (unsigned)(c - 'a') + 10;
        else
            break;
        *value = *value * 16 + digit;
    }
    return digits > 0;
}

bool lsn_parse(const char *text, uint64_t *lsn)
{
    uint32_t high, low;

    if (!parse_half(&text, &high) || *text++ != '/' || !parse_half(&text, &low) || *text != '\0')
        return false;
    *lsn = ((uint64_t)high << 32) | low;
    return true;
}

void lsn_format(uint64_t lsn, char out[LSN_TEXT_SIZE])
{
    snprintf(out, LSN_TEXT_SIZE, "%" PRIX32 "/%" PRIX32, (uint32_t)(lsn >> 32), (uint32_t)lsn);
}

bool wal_file_name_is_segment(const char *name)
{
    return strlen(name) == WAL_FILE_NAME_LEN &&
           strspn(name, "0123456789ABCDEF") == WAL_FILE_NAME_LEN;
}

void wal_file_name(uint32_t timeline, uint64_t lsn, uint64_t segment_size,
                   char out[WAL_FILE_NAME_LEN + 1])
{
    uint64_t segment = lsn / segment_size;
    uint64_t per_id = UINT64_C(0x100000000) / segment_size;

    snprintf(out, WAL_FILE_NAME_LEN + 1, "%08" PRIX32 "%08" PRIX32 "%08" PRIX32, timeline,
             (uint32_t)(segment / per_id), (uint32_t)(segment % per_id));
}
