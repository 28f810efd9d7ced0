/* Whoever asks for a database must not take a restore without it for one that has it. */
#include "restore/wanted_databases.h"

#include "restore/name_pattern.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_SIZE 400

struct choice {
    const char *option;
    char **items;
    size_t count;
    struct name_pattern *patterns;
    bool *matched;
};

struct wanted_databases {
    struct choice in, out;
    char seen[NAMES_SIZE]; /* the first of those that were asked about */
    size_t seen_len;
    bool more;
};

static bool make_choice(struct choice *choice, const char *option, const struct option_list *list,
                        struct error *err)
{
    choice->option = option;
    choice->items = options_items_new(list, option, err);
    if (choice->items == NULL)
        return false;
    while (choice->items[choice->count] != NULL)
        choice->count++;
    choice->patterns = calloc(choice->count + 1, sizeof(*choice->patterns));
    choice->matched = calloc(choice->count + 1, sizeof(*choice->matched));
    if (choice->patterns == NULL || choice->matched == NULL)
        return error_set_memory(err);
    for (size_t i = 0; i < choice->count; i++) {
        if (!name_pattern_parse(&choice->patterns[i], slice_string(choice->items[i]), 1, option,
                                err))
            return false;
    }
    return true;
}

static void free_choice(struct choice *choice)
{
    for (size_t i = 0; choice->patterns != NULL && i < choice->count; i++)
        name_pattern_free(&choice->patterns[i]);
    options_items_free(choice->items);
    free(choice->patterns);
    free(choice->matched);
}

struct wanted_databases *wanted_databases_new(const struct restore_request *request,
                                              struct error *err)
{
    struct wanted_databases *wanted = calloc(1, sizeof(*wanted));

    if (wanted == NULL) {
        error_set_memory(err);
        return NULL;
    }
    if (make_choice(&wanted->in, "databases", &request->databases, err) &&
        make_choice(&wanted->out, "exclude-databases", &request->exclude_databases, err))
        return wanted;
    wanted_databases_free(wanted);
    return NULL;
}

void wanted_databases_free(struct wanted_databases *wanted)
{
    if (wanted == NULL)
        return;
    free_choice(&wanted->in);
    free_choice(&wanted->out);
    free(wanted);
}

static bool matches(struct choice *choice, const char *name)
{
    bool any = false;

    for (size_t i = 0; i < choice->count; i++) {
        if (strcmp(choice->items[i], name) != 0 &&
            !name_pattern_matches(&choice->patterns[i], 0, name))
            continue;
        choice->matched[i] = true;
        any = true;
    }
    return any;
}

/* Each is asked about more than once. */
static void note_name(struct wanted_databases *wanted, const char *name)
{
    char entry[NAMES_SIZE];
    int len = snprintf(entry, sizeof(entry), "\"%s\"", name);

    if (name[0] == '\0' || strstr(wanted->seen, entry) != NULL)
        return;
    if (wanted->seen_len + (size_t)len + 8 > sizeof(wanted->seen)) {
        wanted->more = true;
        return;
    }
    wanted->seen_len +=
        (size_t)snprintf(wanted->seen + wanted->seen_len, sizeof(wanted->seen) - wanted->seen_len,
                         "%s%s", wanted->seen_len > 0 ? ", " : "", entry);
}

bool wanted_databases_has(struct wanted_databases *wanted, const char *name)
{
    bool in = matches(&wanted->in, name), out = matches(&wanted->out, name);

    note_name(wanted, name);
    return (in || wanted->in.count == 0) && !out;
}

static bool check(const struct wanted_databases *wanted, const struct choice *choice,
                  struct error *err)
{
    for (size_t i = 0; i < choice->count; i++) {
        if (choice->matched[i])
            continue;
        error_set(err, ERROR_USAGE, ERROR_OPTION("%s") ": no database of the backup matches %s",
                  choice->option, choice->items[i]);
        if (wanted->seen_len > 0)
            error_hint(err, "It has %s%s.", wanted->seen, wanted->more ? ", …" : "");
        return error_reason(err, "pattern_matches_nothing");
    }
    return true;
}

bool wanted_databases_check(const struct wanted_databases *wanted, struct error *err)
{
    return check(wanted, &wanted->in, err) && check(wanted, &wanted->out, err);
}
