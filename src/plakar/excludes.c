/*
 * Whether one of Plakar's patterns may be the reason for a record that it did not open. Its own
 * matching is not copied: a pattern that could match is believed, because the question is only
 * which of two errors to tell.
 */
#include "plakar/excludes.h"

#include "base/slice.h"

#include <fnmatch.h>
#include <stdlib.h>

#define NAME_SIZE 256

bool excludes_init(struct excludes *excludes, char *const *patterns, size_t count,
                   struct error *err)
{
    *excludes = (struct excludes){.patterns = calloc(count + 1, sizeof(char *))};
    while (excludes->patterns != NULL && excludes->count < count) {
        char *copy = strdup(patterns[excludes->count]);

        if (copy == NULL)
            break;
        excludes->patterns[excludes->count++] = copy;
    }
    if (excludes->patterns != NULL && excludes->count == count)
        return true;
    excludes_reset(excludes);
    return error_set_memory(err);
}

void excludes_reset(struct excludes *excludes)
{
    for (size_t i = 0; i < excludes->count; i++)
        free(excludes->patterns[i]);
    free(excludes->patterns);
    *excludes = (struct excludes){0};
}

/* Takes "a" off "/a/b". False: there is nothing left. A name that is too long matches nothing. */
static bool take_name(const char **path, char name[NAME_SIZE])
{
    size_t len;

    *path += strspn(*path, "/");
    len = strcspn(*path, "/");
    if (len < NAME_SIZE) {
        memcpy(name, *path, len);
        name[len] = '\0';
    } else {
        name[0] = '\0';
    }
    *path += len;
    return len > 0;
}

/* A pattern without a slash inside is for any name on the way. */
static bool matches_a_name(const char *pattern, const char *path)
{
    char name[NAME_SIZE];

    while (take_name(&path, name)) {
        if (fnmatch(pattern, name, 0) == 0)
            return true;
    }
    return false;
}

/* Else it begins at the top, and what it matches is left out with all that is below. */
static bool matches_from_top(const char *pattern, const char *path)
{
    char part[NAME_SIZE], name[NAME_SIZE];

    while (take_name(&pattern, part)) {
        if (strcmp(part, "**") == 0)
            return true;
        if (!take_name(&path, name) || fnmatch(part, name, 0) != 0)
            return false;
    }
    return true;
}

static bool may_match(const char *given, const char *path)
{
    char pattern[4096];
    size_t len = strlen(given);

    if (given[0] == '!')
        return false;
    /* Sets, and signs that stand for one character of any length, are not gone into. */
    if (len >= sizeof(pattern) || strpbrk(given, "[\\?") != NULL)
        return true;
    memcpy(pattern, given, len + 1);
    while (len > 0 && (pattern[len - 1] == '/' || pattern[len - 1] == ' '))
        pattern[--len] = '\0';
    return strchr(pattern, '/') == NULL ? matches_a_name(pattern, path)
                                        : matches_from_top(pattern, path);
}

bool excludes_may_match(const struct excludes *excludes, const char *path)
{
    for (size_t i = 0; i < excludes->count; i++) {
        if (may_match(excludes->patterns[i], path))
            return true;
    }
    return false;
}
