/*
 * Service files. Up to the first line feed the input is the service's name; the rest is the file.
 *
 * Holds: what was set before stays; a refusal names a line; what a section sets can be got.
 *
 * A file has 1 MiB at most.
 * Limits: -malloc_limit_mb=2 -max_len=8192
 */
#include "support/feed.h"
#include "wire/settings_internal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Exactly as long as it is: a byte read past its end is seen. */
static struct slice copy_of(struct slice text)
{
    uint8_t *copy = malloc(text.len == 0 ? 1 : text.len);

    must(copy != NULL);
    if (text.len > 0)
        memcpy(copy, text.data, text.len);
    return slice_make(copy, text.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *feed = size == 0 ? NULL : memchr(data, '\n', size);
    size_t name_len = feed == NULL ? size : (size_t)(feed - data);
    char *name = malloc(name_len + 1);
    struct error err;
    struct wire_settings *settings = wire_settings_new(&err);
    struct slice text =
        copy_of(feed == NULL ? (struct slice){0} : slice_make(feed + 1, size - name_len - 1));
    bool found;

    must(settings != NULL && name != NULL);
    if (name_len > 0)
        memcpy(name, data, name_len);
    name[name_len] = '\0';
    must(wire_settings_set(settings, "user", "maria", &err));
    if (!settings_read_service(settings, text, "fuzz", name, &found, &err)) {
        must_be_told(&err);
        must(strstr(err.message, "line ") != NULL);
    }
    must(strcmp(wire_settings_get(settings, "user"), "maria") == 0);
    must(wire_settings_get(settings, "service") == NULL);
    free((void *)(uintptr_t)text.data);
    free(name);
    wire_settings_free(settings);
    return 0;
}
