/* Texts from below mark options and settings (base/error.h): here an option is --one, and a
 * setting a parameter of the URI, but for passwords. */
#include "cli/spelling.h"

#include <stdio.h>
#include <string.h>

/* Settings are parameters of the URI. A password had better not be in one. */
static void spell(const void *context, enum error_word word, const char *name, char *out,
                  size_t size)
{
    size_t len = error_setting_length(name);

    (void)context;
    if (word == ERROR_WORD_OPTION)
        snprintf(out, size, "--%s", name);
    else if (strcmp(name, "password") == 0)
        snprintf(out, size, "PGPASSWORD");
    else if (strcmp(name, "password_command") == 0)
        snprintf(out, size, "--password-command");
    else
        snprintf(out, size, "%.*s", (int)len, name);
}

const struct error_speller command_speller = {.spell = spell};
