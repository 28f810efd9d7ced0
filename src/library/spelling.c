/* How the library's structures call the options that texts from below name. */
#include "library/library_internal.h"
#include "library/members_internal.h"

#include <stdio.h>

static void spell_member(const char *name, char *out, size_t size)
{
    const char *member = library_member_name(name);

    if (strcmp(name, "tablespace-mapping") == 0)
        member = "mappings";
    snprintf(out, size, "%s", member == NULL ? name : member);
    for (; *out != '\0'; out++) {
        if (*out == '-')
            *out = '_';
    }
}

/* Settings have libpq's names here; only a password command is another thing, because the library
 * starts no process. */
static void spell(const void *context, enum error_word word, const char *name, char *out,
                  size_t size)
{
    (void)context;
    if (word == ERROR_WORD_OPTION)
        spell_member(name, out, size);
    else if (strcmp(name, "password_command") == 0)
        snprintf(out, size, "pgcask_settings_set_password_callback");
    else
        snprintf(out, size, "%.*s", (int)error_setting_length(name), name);
}

const struct error_speller library_speller = {.spell = spell};
