/* A public structure may be older or newer than this library: its size, which stands first, says
 * how much of it the caller knows. No more than that is read or written. */
#include "library/library_internal.h"

static bool size_of(const void *theirs, const char *name, size_t *size, struct error *err)
{
    memcpy(size, theirs, sizeof(*size)); /* struct_size is the first member */
    if (*size >= sizeof(*size))
        return true;
    error_set(err, ERROR_USAGE, "struct_size of a struct %s is not set", name);
    return error_hint(err, "Make the structure ready with PGCASK_INIT.");
}

bool library_take(void *ours, size_t our_size, const void *theirs, const char *name,
                  struct error *err)
{
    size_t size;

    memset(ours, 0, our_size);
    if (theirs == NULL)
        return true;
    if (!size_of(theirs, name, &size, err))
        return false;
    memcpy(ours, theirs, size < our_size ? size : our_size);
    return true;
}

bool library_give(void *theirs, const void *ours, size_t our_size, const char *name,
                  struct error *err)
{
    size_t size;

    if (theirs == NULL)
        return true;
    if (!size_of(theirs, name, &size, err))
        return false;
    memcpy(theirs, ours, size < our_size ? size : our_size);
    memcpy(theirs, &size, sizeof(size));
    return true;
}
