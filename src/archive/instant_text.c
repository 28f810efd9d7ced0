/* Instants are found by the colon behind their hour: few texts have one between digits. */
#include "archive/instant_text.h"

#include <inttypes.h>
#include <string.h>

#define DAY ((int64_t)86400)

/* One that was found: where it begins and ends in the text, and what it is. */
struct instant {
    size_t begin, end;
    int64_t year, month, day, hour, minute, second; /* year 0 is 1 BC */
    struct slice fraction;                          /* ".5"; may be empty */
    int64_t offset;                                 /* seconds east of Greenwich */
};

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

/* Two digits there. */
static bool take_two(struct slice text, size_t at, int64_t *value)
{
    if (at > text.len || text.len - at < 2 || !is_digit(text.data[at]) ||
        !is_digit(text.data[at + 1]))
        return false;
    *value = (text.data[at] - '0') * 10 + (text.data[at + 1] - '0');
    return true;
}

static bool has_byte(struct slice text, size_t at, char byte)
{
    return at < text.len && text.data[at] == (uint8_t)byte;
}

/* "2026-01-31 " before the hour at `at`: the year has four digits, or up to six. */
static bool find_date(struct slice text, size_t at, struct instant *found)
{
    size_t begin, year_end;
    int64_t unit = 1;

    if (at < sizeof("2026-01-31 ") - 1 || !has_byte(text, at - 1, ' ') ||
        !take_two(text, at - 3, &found->day) || !has_byte(text, at - 4, '-') ||
        !take_two(text, at - 6, &found->month) || !has_byte(text, at - 7, '-'))
        return false;
    year_end = begin = at - 7;
    found->year = 0;
    while (begin > 0 && year_end - begin < 6 && is_digit(text.data[begin - 1])) {
        found->year += unit * (text.data[--begin] - '0');
        unit *= 10;
    }
    found->begin = begin;
    return year_end - begin >= 4 && found->month >= 1 && found->month <= 12 && found->day >= 1 &&
           found->day <= 31;
}

/* "+05", "+05:30", "-00:25:21" behind the time. */
static bool find_offset(struct slice text, size_t at, struct instant *found)
{
    int64_t hours, minutes = 0, seconds = 0;
    bool west = has_byte(text, at, '-');

    if ((!west && !has_byte(text, at, '+')) || !take_two(text, at + 1, &hours))
        return false;
    at += 3;
    if (has_byte(text, at, ':') && take_two(text, at + 1, &minutes)) {
        at += 3;
        if (has_byte(text, at, ':') && take_two(text, at + 1, &seconds))
            at += 3;
    }
    found->offset = hours * 3600 + minutes * 60 + seconds;
    if (west)
        found->offset = -found->offset;
    if (text.len - at >= 3 && memcmp(text.data + at, " BC", 3) == 0) {
        found->year = 1 - found->year;
        at += 3;
    }
    found->end = at;
    return true;
}

/* Whether the colon at `colon` stands behind the hour of one. */
static bool find_around(struct slice text, size_t colon, struct instant *found)
{
    size_t at = colon + 6;

    if (colon < 2 || !take_two(text, colon - 2, &found->hour) ||
        !take_two(text, colon + 1, &found->minute) || !has_byte(text, colon + 3, ':') ||
        !take_two(text, colon + 4, &found->second) || !find_date(text, colon - 2, found))
        return false;
    if (has_byte(text, at, '.')) {
        do
            at++;
        while (at < text.len && is_digit(text.data[at]));
    }
    found->fraction = slice_make(text.data + colon + 6, at - colon - 6);
    return find_offset(text, at, found);
}

/* Days since 1970 in the calendar that PostgreSQL has: Gregorian for all times. Counted from March
 * on, a leap day is the last of its year. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    int64_t counted = month <= 2 ? year - 1 : year;
    int64_t era = (counted >= 0 ? counted : counted - 399) / 400, of_era = counted - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - 719468;
}

static void date_of(int64_t days, struct instant *date)
{
    int64_t counted = days + 719468, era = (counted >= 0 ? counted : counted - 146096) / 146097;
    int64_t of_era = counted - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t day_of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * day_of_year + 2) / 153;

    date->day = day_of_year - (153 * month + 2) / 5 + 1;
    date->month = month < 10 ? month + 3 : month - 9;
    date->year = year + era * 400 + (date->month <= 2 ? 1 : 0);
}

static bool append_in_utc(struct buffer *out, const struct instant *found, struct error *err)
{
    int64_t seconds = days_of(found->year, found->month, found->day) * DAY + found->hour * 3600 +
                      found->minute * 60 + found->second - found->offset;
    int64_t days = (seconds >= 0 ? seconds : seconds - (DAY - 1)) / DAY;
    struct instant utc;

    date_of(days, &utc);
    seconds -= days * DAY;
    return buffer_printf(out, err, "%04" PRId64 "-%02" PRId64 "-%02" PRId64,
                         utc.year > 0 ? utc.year : 1 - utc.year, utc.month, utc.day) &&
           buffer_printf(out, err, " %02" PRId64 ":%02" PRId64 ":%02" PRId64, seconds / 3600,
                         seconds / 60 % 60, seconds % 60) &&
           buffer_append(out, found->fraction.data, found->fraction.len, err) &&
           buffer_append_string(out, utc.year > 0 ? "+00" : "+00 BC", err);
}

bool instant_text_to_utc(struct slice text, struct buffer *out, bool *changed, struct error *err)
{
    size_t copied = 0, at = 0;

    *changed = false;
    while (at < text.len) {
        const uint8_t *colon = memchr(text.data + at, ':', text.len - at);
        struct instant found;

        if (colon == NULL)
            break;
        at = (size_t)(colon - text.data) + 1;
        if (!find_around(text, at - 1, &found) || found.offset == 0 || found.begin < copied)
            continue;
        if (!*changed)
            buffer_clear(out);
        *changed = true;
        if (!buffer_append(out, text.data + copied, found.begin - copied, err) ||
            !append_in_utc(out, &found, err))
            return false;
        at = copied = found.end;
    }
    return !*changed || buffer_append(out, text.data + copied, text.len - copied, err);
}
