/* How the values of options are written, numbers with units among them, and where they are put. */
#include "base/options.h"

#include "base/bytes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit size_units[] = {
    {"", 1},
    {"b", 1},
    {"k", 1ULL << 10},
    {"kb", 1ULL << 10},
    {"kib", 1ULL << 10},
    {"m", 1ULL << 20},
    {"mb", 1ULL << 20},
    {"mib", 1ULL << 20},
    {"g", 1ULL << 30},
    {"gb", 1ULL << 30},
    {"gib", 1ULL << 30},
    {"t", 1ULL << 40},
    {"tb", 1ULL << 40},
    {"tib", 1ULL << 40},
    {NULL, 0},
};

static const struct unit rate_units[] = {
    {"", 1}, {"k", 1}, {"m", 1ULL << 10}, {"g", 1ULL << 20}, {NULL, 0},
};

static const struct unit duration_units[] = {
    {"", 1000},     {"ms", 1},      {"s", 1000},     {"m", 60000},
    {"min", 60000}, {"h", 3600000}, {"d", 86400000}, {NULL, 0},
};

static const struct unit no_units[] = {{"", 1}, {NULL, 0}};

/* Takes "digits letters" off the front of *text and adds it to *total. */
static bool take_quantity(const char **text, const struct unit *units, uint64_t *total)
{
    size_t digits = strspn(*text, "0123456789");
    const char *letters = *text + digits;
    size_t letter_count = strcspn(letters, "0123456789");
    uint64_t number;

    if (!bytes_parse_u64(slice_make(*text, digits), &number))
        return false;
    for (const struct unit *unit = units; unit->name != NULL; unit++) {
        if (strlen(unit->name) != letter_count ||
            strncasecmp(unit->name, letters, letter_count) != 0)
            continue;
        if (number > (UINT64_MAX - *total) / unit->factor)
            return false;
        *total += number * unit->factor;
        *text = letters + letter_count;
        return true;
    }
    return false;
}

static bool read_quantity(const char *text, const struct unit *units, bool compound,
                          uint64_t *number)
{
    *number = 0;
    if (!take_quantity(&text, units, number))
        return false;
    /* "1h30m", but not "1h30": a bare number stands alone. */
    while (compound && *text != '\0') {
        if (strcspn(text, "hmsd") == strlen(text) || !take_quantity(&text, units, number))
            return false;
    }
    return *text == '\0';
}

/* How a kind of number is called and read; NULL name: not a number. */
static const struct {
    const char *name;
    const char *example;
    const struct unit *units;
    bool compound;
} kinds[] = {
    [OPTION_INTEGER] = {"whole number", "Write decimal digits.", no_units, false},
    [OPTION_SIZE] = {"size", "Write a size like 512MiB or 16GiB.", size_units, false},
    [OPTION_DURATION] = {"duration",
                         "Write a duration like 500ms, 30s, 10min or 1h30m; a bare number is "
                         "seconds.",
                         duration_units, true},
    [OPTION_RATE] = {"rate", "Write KiB a second, or a rate like 512k, 32M or 1G.", rate_units,
                     false},
    [OPTION_CHOICE_LEVEL] = {NULL, NULL, NULL, false},
};

/* Of other kinds the help has it. */
static void set_out_of_range(const struct option_spec *spec, const char *text, struct error *err)
{
    const bool seconds = spec->kind == OPTION_DURATION;
    const uint64_t unit = seconds ? 1000 : 1;

    error_set(err, ERROR_USAGE, ERROR_OPTION("%s") ": %s is out of range", spec->name, text);
    if (spec->kind != OPTION_INTEGER && !seconds)
        error_hint(err, ERROR_OURS("%s"), spec->help);
    else if (spec->maximum == 0)
        error_hint(err, "At least %" PRIu64 "%s.  " ERROR_OURS("%s"), spec->minimum / unit,
                   seconds ? "s" : "", spec->help);
    else
        error_hint(err, "%" PRIu64 " to %" PRIu64 "%s.  " ERROR_OURS("%s"), spec->minimum / unit,
                   spec->maximum / unit, seconds ? " seconds" : "", spec->help);
}

bool options_read_number(const struct option_spec *spec, const char *text, uint64_t *number,
                         struct error *err)
{
    if (!read_quantity(text, kinds[spec->kind].units, kinds[spec->kind].compound, number)) {
        error_set(err, ERROR_USAGE, ERROR_OPTION("%s") ": \"%s\" is not a %s", spec->name, text,
                  kinds[spec->kind].name);
        return error_hint(err, "%s", kinds[spec->kind].example);
    }
    if (*number < spec->minimum || (spec->maximum != 0 && *number > spec->maximum)) {
        set_out_of_range(spec, text, err);
        return false;
    }
    return true;
}

static void store(void *structure, size_t place, const void *value, size_t size)
{
    memcpy((char *)structure + place, value, size);
}

void options_store(const struct option_spec *spec, const char *text, uint64_t number,
                   void *structure)
{
    bool flag = number != 0;

    switch (spec->kind) {
    case OPTION_FLAG:
        store(structure, spec->place, &flag, sizeof(flag));
        break;
    case OPTION_TEXT:
    case OPTION_CHOICE_LEVEL:
        store(structure, spec->place, &text, sizeof(text));
        break;
    case OPTION_LIST: /* which is no one value: options_store_list */
        break;
    case OPTION_CHOICE:
        store(structure, spec->place, &spec->meanings[number], sizeof(spec->meanings[number]));
        break;
    case OPTION_INTEGER:
    case OPTION_SIZE:
    case OPTION_DURATION:
    case OPTION_RATE:
        store(structure, spec->place, &number, sizeof(number));
        break;
    }
}

/* ---- Lists ---- */

bool options_may_be_none(const struct option_spec *spec)
{
    return spec->kind == OPTION_CHOICE_LEVEL && strcmp(spec->choices[0], "none") == 0;
}

bool options_may_repeat(const struct option_spec *spec)
{
    return spec->repeatable || spec->kind == OPTION_LIST;
}

void options_store_list(const struct option_spec *spec, const char *const *texts, size_t count,
                        void *structure)
{
    const struct option_list list = {texts, count};

    store(structure, spec->place, &list, sizeof(list));
}

/* Takes the item before the next comma off the front of *text, which is NULL behind the last. */
static struct slice take_item(const char **text)
{
    const char *start = *text + strspn(*text, " ");
    const char *at = start, *end;

    for (bool quoted = false; *at != '\0' && (quoted || *at != ','); at++)
        quoted ^= *at == '"';
    for (end = at; end > start && end[-1] == ' ';)
        end--;
    *text = *at == '\0' ? NULL : at + 1;
    return slice_make(start, (size_t)(end - start));
}

static size_t count_items(const struct option_list *list)
{
    size_t count = 0;

    for (size_t i = 0; i < list->count; i++) {
        for (const char *text = list->texts[i]; text != NULL; count++)
            take_item(&text);
    }
    return count;
}

static bool add_item(char **items, struct slice item, const char *option, struct error *err)
{
    if (item.len == 0)
        return error_set(err, ERROR_USAGE, ERROR_OPTION("%s") " has an empty item", option);
    while (*items != NULL)
        items++;
    *items = strndup((const char *)item.data, item.len);
    return *items != NULL || error_set_memory(err);
}

char **options_items_new(const struct option_list *list, const char *option, struct error *err)
{
    char **items = calloc(count_items(list) + 1, sizeof(*items));
    bool done = items != NULL || error_set_memory(err);

    for (size_t i = 0; done && i < list->count; i++) {
        for (const char *text = list->texts[i]; done && text != NULL;)
            done = add_item(items, take_item(&text), option, err);
    }
    if (done)
        return items;
    options_items_free(items);
    return NULL;
}

void options_items_free(char **items)
{
    for (size_t i = 0; items != NULL && items[i] != NULL; i++)
        free(items[i]);
    free(items);
}
