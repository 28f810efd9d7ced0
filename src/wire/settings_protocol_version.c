/*
 * min_protocol_version and max_protocol_version, and what a server may answer to them. 3.2 is asked
 * for only by those who want it: older poolers close the connection on anything but 3.0.
 */
#include "base/error_names.h"
#include "wire/settings_protocol_version_internal.h"

static bool read_version(const struct wire_settings *settings, const char *setting,
                         uint32_t when_missing, uint32_t *version, struct error *err)
{
    const char *value = wire_settings_get(settings, setting);

    if (value == NULL || value[0] == '\0')
        *version = when_missing;
    else if (strcmp(value, "3.0") == 0)
        *version = PROTOCOL_VERSION_3_0;
    else if (strcmp(value, "3.2") == 0 || strcmp(value, "latest") == 0)
        *version = PROTOCOL_VERSION_3_2;
    else {
        error_set(err, ERROR_USAGE, "bad %s \"%.50s\"", setting, value);
        return error_hint(err, "It can be one of: 3.0 3.2 latest");
    }
    return true;
}

bool protocol_versions_read(const struct wire_settings *settings,
                            struct protocol_versions *versions, struct error *err)
{
    if (!read_version(settings, "min_protocol_version", PROTOCOL_VERSION_3_0, &versions->least,
                      err) ||
        /* Whoever asks for more than 3.0 at least may as well have the latest. */
        !read_version(settings, "max_protocol_version", versions->least, &versions->asked, err))
        return false;
    if (versions->least <= versions->asked)
        return true;
    error_set(err, ERROR_USAGE,
              SETTING_MIN_PROTOCOL_VERSION " is above " SETTING_MAX_PROTOCOL_VERSION);
    return error_hint(err, "Leave one of them out.");
}

static bool is_nonsense(struct error *err)
{
    return error_set(err, ERROR_PROTOCOL,
                     "the server's answer about the protocol version makes no sense");
}

bool protocol_version_settle(const struct protocol_versions *versions, struct slice body,
                             uint32_t *version, struct error *err)
{
    struct slice names;

    if (!message_parse_negotiate_version(body, version, &names, err))
        return false;
    /* The names would be those of extensions that we had asked for: there are none. 3.1 was never
     * a version, and who is content with what was asked for has nothing to say here. */
    if (names.len > 0 || *version >= versions->asked || *version < PROTOCOL_VERSION_3_0 ||
        *version == PROTOCOL_VERSION_3_0 + 1)
        return is_nonsense(err);
    if (*version >= versions->least)
        return true;
    error_set(err, ERROR_UNSUPPORTED,
              "the server speaks the protocol version %u.%u, which " SETTING_MIN_PROTOCOL_VERSION
              " forbids",
              *version >> 16, *version & 0xffffu);
    return error_hint(
        err, "Protocol 3.2 came with PostgreSQL 18. Leave " SETTING_MIN_PROTOCOL_VERSION " out.");
}
