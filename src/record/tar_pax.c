/* What an extended header says about the member behind it: pax records, GNU long names. */
#include "record/tar_internal.h"

#include "base/bytes.h"

static bool pax_text(struct slice value, char out[RECORD_PATH_MAX], bool *has, struct error *err)
{
    if (value.len >= RECORD_PATH_MAX)
        return error_set(err, ERROR_CORRUPT,
                         "tar extended header: a name of %zu bytes is longer than %d", value.len,
                         RECORD_PATH_MAX - 1);
    if (value.len > 0 && memchr(value.data, '\0', value.len) != NULL)
        return error_set(err, ERROR_CORRUPT, "tar extended header: a name contains a zero byte");
    if (value.len > 0)
        memcpy(out, value.data, value.len);
    out[value.len] = '\0';
    *has = value.len > 0;
    return true;
}

/* "[-]seconds[.fraction]"; digits beyond the ninth are dropped. */
static bool pax_time(struct slice value, struct timespec *time)
{
    bool negative = value.len > 0 && value.data[0] == '-';
    const uint8_t *point;
    struct slice whole;
    uint64_t seconds;
    long nanoseconds = 0, unit = 100000000;

    if (negative)
        slice_take(&value, 1);
    point = value.len == 0 ? NULL : memchr(value.data, '.', value.len);
    whole = slice_take(&value, point == NULL ? value.len : (size_t)(point - value.data));
    if (!bytes_parse_u64(whole, &seconds) || seconds > INT64_MAX / 2)
        return false;
    for (size_t i = 1; i < value.len; i++) {
        if (value.data[i] < '0' || value.data[i] > '9')
            return false;
        nanoseconds += (value.data[i] - '0') * unit;
        unit /= 10;
    }
    time->tv_sec = negative ? -(time_t)seconds : (time_t)seconds;
    time->tv_nsec = nanoseconds;
    if (negative && nanoseconds > 0) {
        time->tv_sec--;
        time->tv_nsec = 1000000000 - nanoseconds;
    }
    return true;
}

static bool pax_id(struct slice value, uint32_t *id, bool *has)
{
    uint64_t number;

    if (!bytes_parse_u64(value, &number) || number > UINT32_MAX)
        return false;
    *id = (uint32_t)number;
    *has = true;
    return true;
}

static bool keyword_is(struct slice keyword, const char *name)
{
    return slice_equals(keyword, slice_string(name));
}

static bool pax_apply(struct tar_decoder *decoder, struct slice keyword, struct slice value,
                      struct error *err)
{
    bool good = true;

    if (keyword_is(keyword, "path"))
        return pax_text(value, decoder->pax_path, &decoder->has_pax_path, err);
    if (keyword_is(keyword, "linkpath"))
        return pax_text(value, decoder->pax_link, &decoder->has_pax_link, err);
    if (keyword_is(keyword, "size")) {
        good = bytes_parse_u64(value, &decoder->pax_size) && decoder->pax_size <= TAR_CONTENT_MAX;
        decoder->has_pax_size = good;
    } else if (keyword_is(keyword, "mtime")) {
        good = pax_time(value, &decoder->pax_mtime);
        decoder->has_pax_mtime = good;
    } else if (keyword_is(keyword, "uid")) {
        good = pax_id(value, &decoder->pax_owner, &decoder->has_pax_owner);
    } else if (keyword_is(keyword, "gid")) {
        good = pax_id(value, &decoder->pax_group, &decoder->has_pax_group);
    } else if (keyword.len >= 11 && memcmp(keyword.data, "GNU.sparse.", 11) == 0) {
        /* Content of another form: to ignore this would be to misread the file. */
        error_set(err, ERROR_UNSUPPORTED, "the tar archive holds a sparse file");
        return error_hint(err, "Make the archive without sparse files.");
    }
    if (!good)
        return error_set(err, ERROR_CORRUPT, "tar extended header: bad %.*s \"%.*s\"",
                         (int)keyword.len, (const char *)keyword.data,
                         value.len > 40 ? 40 : (int)value.len, (const char *)value.data);
    return true;
}

/* Takes one "length keyword=value\n" off the front; length counts the whole of it. */
static bool pax_take_entry(struct slice *text, struct slice *keyword, struct slice *value)
{
    const uint8_t *blank = memchr(text->data, ' ', text->len < 20 ? text->len : 20);
    const uint8_t *equals;
    struct slice entry;
    uint64_t length;
    size_t digits;

    if (blank == NULL)
        return false;
    digits = (size_t)(blank - text->data);
    if (!bytes_parse_u64(slice_make(text->data, digits), &length))
        return false;
    if (length > text->len || length < digits + 3 || text->data[length - 1] != '\n')
        return false;
    entry = slice_take(text, (size_t)length);
    slice_take(&entry, digits + 1);
    entry.len--;
    equals = memchr(entry.data, '=', entry.len);
    if (equals == NULL)
        return false;
    *keyword = slice_take(&entry, (size_t)(equals - entry.data));
    slice_take(&entry, 1);
    *value = entry;
    return true;
}

static bool pax_parse(struct tar_decoder *decoder, struct error *err)
{
    struct slice text = buffer_slice(&decoder->extended);

    while (text.len > 0) {
        struct slice keyword, value;

        if (!pax_take_entry(&text, &keyword, &value))
            return error_set(err, ERROR_CORRUPT, "tar extended header: malformed entry");
        if (!pax_apply(decoder, keyword, value, err))
            return false;
    }
    return true;
}

/* GNU long names end with a NUL, which the size counts. */
bool tar_extended_parse(struct tar_decoder *decoder, struct error *err)
{
    struct slice text = buffer_slice(&decoder->extended);

    decoder->extended_pending = true;
    if (decoder->extended_type == TAR_TYPE_PAX)
        return pax_parse(decoder, err);
    while (text.len > 0 && text.data[text.len - 1] == '\0')
        text.len--;
    if (decoder->extended_type == TAR_TYPE_GNU_NAME)
        return pax_text(text, decoder->pax_path, &decoder->has_pax_path, err);
    return pax_text(text, decoder->pax_link, &decoder->has_pax_link, err);
}
