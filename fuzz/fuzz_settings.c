/* Connection strings: URIs and key=value texts. */
#include "wire/wire.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err;
    struct wire_settings *settings = wire_settings_new(&err);
    char *text = malloc(size + 1);

    memcpy(text, data, size);
    text[size] = '\0';
    if (wire_settings_parse(settings, text, &err))
        wire_settings_complete(settings, &err);
    free(text);
    wire_settings_free(settings);
    return 0;
}
