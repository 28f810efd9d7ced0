/* The one table of them. What the server does not know is not sent. */
#include "restore/target_settings.h"

struct setting {
    int since; /* server_version_num */
    const char *statement;
};

static const struct setting settings[] = {
    {0, "SET ROLE NONE"},
    {0, "SET statement_timeout = 0"},
    {0, "SET lock_timeout = 0"},
    {0, "SET idle_in_transaction_session_timeout = 0"},
    {140000, "SET idle_session_timeout = 0"},
    {170000, "SET transaction_timeout = 0"},
    {0, "SET default_transaction_read_only = off"},
    {0, "SET default_transaction_isolation = 'read committed'"},
    {0, "SET default_transaction_deferrable = off"},
    {0, "SET check_function_bodies = off"},
    {0, "SET xmloption = content"},
    {0, "SET client_min_messages = warning"},
    {0, "SET escape_string_warning = off"},
    {0, "SET array_nulls = on"},
    {0, "SET transform_null_equals = off"},
    {0, "SET quote_all_identifiers = off"},
    {0, "SET DateStyle = ISO"},
    {0, "SET IntervalStyle = postgres"},
};

bool target_settings_append(struct buffer *sql, int version, struct error *err)
{
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        if (settings[i].since <= version && !buffer_printf(sql, err, "%s;", settings[i].statement))
            return false;
    }
    return true;
}
