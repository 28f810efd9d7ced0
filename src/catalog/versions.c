/* Where servers of different versions have different columns: what stands in a query for each. */
#include "catalog/versions.h"

/* Those that queries of several kinds have. */
static const struct version_difference shared[] = {
    {"attstattarget", 0, "NULLIF(a.attstattarget, -1)"},
    {"attstattarget", 17, "a.attstattarget"},
    {0},
};

static const char *find_in(const struct version_difference *list, struct slice name, int major)
{
    const char *text = NULL;

    for (; list != NULL && list->name != NULL; list++) {
        if (list->since <= major && slice_equals(slice_string(list->name), name))
            text = list->text;
    }
    return text;
}

static const char *find(const struct version_difference *own, struct slice name, int major)
{
    const char *text = find_in(own, name, major);

    return text != NULL ? text : find_in(shared, name, major);
}

/* A name in braces; anything else in braces is the query's own ('{}'). */
static bool take_name(const char *at, struct slice *name)
{
    size_t len = strspn(at + 1, "abcdefghijklmnopqrstuvwxyz_0123456789");

    *name = slice_make(at + 1, len);
    return len > 0 && at[1 + len] == '}' && at[1] >= 'a';
}

bool versions_expand(const char *query, const struct version_difference *own, int major,
                     struct buffer *out, struct error *err)
{
    const char *at = query;

    for (;;) {
        const char *brace = strchr(at, '{');
        struct slice name;
        const char *text;

        if (brace == NULL)
            return buffer_append_string(out, at, err);
        if (!buffer_append(out, at, (size_t)(brace - at), err))
            return false;
        at = brace + 1;
        if (!take_name(brace, &name)) {
            if (!buffer_append_byte(out, '{', err))
                return false;
            continue;
        }
        text = find(own, name, major);
        if (text == NULL)
            return error_set(err, ERROR_UNSUPPORTED, "no difference by version is named %.*s",
                             (int)name.len, (const char *)name.data);
        if (!buffer_append_string(out, text, err))
            return false;
        at += name.len + 1;
    }
}
