#include "plakar/spelling.h"

#include "plakar/configuration.h"

#include <stdio.h>
#include <string.h>

/* The option that is the key for a setting; a setting without one is a parameter of the location,
 * with its own name. */
static const char *key_option(const char *setting)
{
    for (size_t i = 0; configuration_settings[i].option != NULL; i++) {
        if (strcmp(configuration_settings[i].setting, setting) == 0)
            return configuration_settings[i].option;
    }
    return setting;
}

static void spell(const void *context, enum error_word word, const char *name, char *out,
                  size_t size)
{
    char key[CONFIGURATION_KEY_SIZE];

    (void)context;
    configuration_key(word == ERROR_WORD_SETTING ? key_option(name) : name, key);
    snprintf(out, size, "%s", key);
}

const struct error_speller plakar_speller = {.spell = spell};
