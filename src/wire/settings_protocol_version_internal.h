/* Which protocol versions the settings allow, and what the server makes of them. */
#ifndef PGCASK_WIRE_SETTINGS_PROTOCOL_VERSION_INTERNAL_H
#define PGCASK_WIRE_SETTINGS_PROTOCOL_VERSION_INTERNAL_H

#include "wire/message_internal.h"
#include "wire/wire.h"

struct protocol_versions {
    uint32_t least; /* min_protocol_version */
    uint32_t asked; /* max_protocol_version: what the startup message asks for */
};

/* By default 3.0 is asked for: older poolers close the connection on anything else. */
bool protocol_versions_read(const struct wire_settings *settings,
                            struct protocol_versions *versions, struct error *err);

/* The body of a NegotiateProtocolVersion message: *version is what the session will speak. */
bool protocol_version_settle(const struct protocol_versions *versions, struct slice body,
                             uint32_t *version, struct error *err);

#endif
