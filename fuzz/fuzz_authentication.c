/*
 * A whole conversation from the startup message to ReadyForQuery with a server that nobody has
 * proved yet. The first byte chooses what the user allows, the second the pieces; the rest is what
 * the server says. The client's nonce and the password are known, so that a recorded exchange gets
 * through.
 *
 * Holds: the pieces do not matter; with require_auth=scram-sha-256 the password is never sent, and
 * nobody gets in who has not shown a signature; no error has the password in it or is unfit for a
 * terminal.
 *
 * Before the server is known to be one, a message has at most 30,000 bytes, afterwards 64 MiB.
 * Limits: -malloc_limit_mb=66 -max_len=4096
 */
#include "support/fake_server.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PASSWORD "pencil"

static struct wire_settings *settings_of(uint8_t choice)
{
    static const char *const require_auth[] = {NULL, "scram-sha-256", "!password,!md5", "none"};
    static const char *const channel_binding[] = {NULL, "disable", "require", "prefer"};
    struct error err;
    struct wire_settings *settings = wire_settings_clone(fake_server_settings(), &err);

    must(settings != NULL);
    must(wire_settings_set(settings, "require_auth", require_auth[choice & 3], &err));
    must(wire_settings_set(settings, "channel_binding", channel_binding[(choice >> 2) & 3], &err));
    if ((choice & 16) == 0)
        must(wire_settings_set(settings, "password", PASSWORD, &err));
    return settings;
}

/* Each is slow by design and bounded by the client; that is not what is looked for here. */
static bool has_many_iterations(struct slice says)
{
    for (size_t i = 0; i + 8 < says.len; i++) {
        size_t digits = 0;

        if (memcmp(says.data + i, ",i=", 3) != 0)
            continue;
        while (i + 3 + digits < says.len && says.data[i + 3 + digits] >= '0' &&
               says.data[i + 3 + digits] <= '9')
            digits++;
        if (digits > 4)
            return true;
    }
    return false;
}

static bool has_text(struct slice where, const char *text)
{
    return where.len > 0 && memmem(where.data, where.len, text, strlen(text)) != NULL;
}

static struct trace run(struct slice says, uint8_t choice, size_t piece)
{
    const struct wire_connect_options options = {.kind =
                                                     (enum wire_session_kind)((choice >> 5) % 3)};
    struct fake_server server = {.says = says, .piece = piece};
    struct wire_settings *settings = settings_of(choice);
    struct wire_conn *conn;
    struct trace trace = {0};
    struct error err;
    bool ok;

    fake_server_begin(&server);
    ok = wire_connect(&conn, settings, &options, &err);
    must(ok == (conn != NULL));
    trace_end(&trace, ok, &err);
    if (ok)
        trace_number(&trace, (uint64_t)wire_server_version(conn));
    else
        must_be_shown(&err);
    if ((choice & 3) == 1) {
        must(!has_text(buffer_slice(&server.told), PASSWORD) || has_text(says, PASSWORD));
        must(!ok || has_text(says, "v="));
    }
    must(ok || has_text(says, PASSWORD) || strstr(err.message, PASSWORD) == NULL);
    trace_data(&trace, buffer_slice(&server.told));
    wire_close(conn);
    fake_server_end(&server);
    wire_settings_free(settings);
    return trace;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = {data, size};
    uint8_t choice = feed_choice(&input);
    size_t piece = (size_t)feed_choice(&input) + 1;
    struct trace whole, pieces;

    if (has_many_iterations(input))
        return 0;
    whole = run(input, choice, 0);
    pieces = run(input, choice, piece);
    must(trace_equals(&whole, &pieces));
    return 0;
}
