/* Texts from below mark options and settings (base/error.h): for Plakar both are keys of the
 * source, or parameters of its location where there is no key. */
#include "plakar/spelling.h"

#include "plakar/configuration.h"

#include <stdio.h>
#include <string.h>

static bool names(const struct configuration_setting *entry, const char *setting, size_t len)
{
    return strlen(entry->setting) == len && strncmp(entry->setting, setting, len) == 0;
}

/* The option that is the key for a setting: the first of those that set it, or the last for a value
 * that is the text itself. A setting without one is a parameter of the location, with its own name.
 */
static const char *key_option(const char *setting)
{
    size_t len = error_setting_length(setting);
    bool is_text = setting[len] != '\0';
    const char *found = setting;

    for (size_t i = 0; configuration_settings[i].option != NULL; i++) {
        if (names(&configuration_settings[i], setting, len) && (found == setting || is_text))
            found = configuration_settings[i].option;
    }
    return found;
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
