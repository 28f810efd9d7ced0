/* How the library's structures call the options that texts from below name. */
#include "library/library_internal.h"

#include <stdio.h>

/* Members that are not called as the option is. */
static const char *const members[][2] = {
    {"lock-timeout", "lock_timeout_ms"},   {"lock-timeout-total", "lock_timeout_total_ms"},
    {"stall-timeout", "stall_timeout_ms"}, {"max-rate", "max_rate_kib"},
    {"compress", "compression"},           {"tablespace-mapping", "mappings"},
};

static void spell_member(const char *name, char *out, size_t size)
{
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        if (strcmp(members[i][0], name) == 0)
            name = members[i][1];
    }
    snprintf(out, size, "%s", name);
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
