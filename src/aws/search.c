/* The order of the sources, and what becomes of what they find. */
#include "aws/search.h"

#include "base/clock.h"

#include <time.h>

static bool fail_absent(const struct aws_search *search, struct error *err)
{
    error_set(err, ERROR_AUTHENTICATION, "there are no AWS credentials: %.800s",
              buffer_text(&search->tried));
    return error_hint(err,
                      "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give "
                      "the machine or container a role that has rds-db:connect.");
}

static bool check_expiry(const struct aws_keys *keys, struct error *err)
{
    char then[CLOCK_TEXT_SIZE], now[CLOCK_TEXT_SIZE];
    time_t when = time(NULL);

    if (keys->expires > (int64_t)when)
        return true;
    clock_format_utc((time_t)keys->expires, then);
    clock_format_utc(when, now);
    error_set(err, ERROR_AUTHENTICATION, "the AWS credentials of %s have expired, at %s",
              keys->source, then);
    return error_hint(err, "By the clock of this machine it is %s.", now);
}

/* It is the login that failed, whatever the endpoint did: another address of the server, or another
 * way of encryption, would not mend it. */
static bool fail_login(struct error *err)
{
    if (err->code == ERROR_CONNECT || err->code == ERROR_TIMEOUT || err->code == ERROR_TLS ||
        err->code == ERROR_CONNECTION_LOST || err->code == ERROR_PROTOCOL)
        err->code = ERROR_AUTHENTICATION;
    return false;
}

bool aws_search_run(struct aws_search *search, struct aws_keys *keys, struct error *err)
{
    static aws_source *const sources[] = {aws_source_environment, aws_source_web_identity,
                                          aws_source_files, aws_source_container,
                                          aws_source_instance};
    bool found = false, done = true;

    for (size_t i = 0; done && !found && i < sizeof(sources) / sizeof(sources[0]); i++)
        done = cancel_check(search->cancel, err) && sources[i](search, keys, &found, err);
    if (done)
        done = found ? check_expiry(keys, err) : fail_absent(search, err);
    buffer_free(&search->tried);
    if (done)
        return true;
    aws_keys_reset(keys);
    return fail_login(err);
}
