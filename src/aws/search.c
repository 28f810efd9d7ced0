/* The order of the sources, and what they have in common. */
#include "aws/search.h"

#include "base/clock.h"
#include "base/error_names.h"
#include "wire/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* ---- What the sources share ---- */

const char *aws_variable(const struct aws_environment *environment, const char *name)
{
    const char *value = environment->ignored ? NULL : getenv(name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

const char *aws_profile(const struct aws_environment *environment)
{
    const char *profile = aws_variable(environment, "AWS_PROFILE");

    return profile == NULL ? "default" : profile;
}

void aws_file_path(const struct aws_environment *environment, const char *variable,
                   const char *name, char out[AWS_PATH_SIZE])
{
    const char *path = aws_variable(environment, variable);
    char home[AWS_PATH_SIZE / 2];

    if (path != NULL)
        snprintf(out, AWS_PATH_SIZE, "%s", path);
    else if (wire_home_folder(home, sizeof(home)))
        snprintf(out, AWS_PATH_SIZE, "%s/.aws/%s", home, name);
    else
        out[0] = '\0';
}

bool aws_search_pass(struct aws_search *search, struct error *err, const char *format, ...)
{
    char text[sizeof(err->message)];
    va_list args;

    va_start(args, format);
    error_format(text, sizeof(text), format, args);
    va_end(args);
    return buffer_printf(&search->tried, err, "%s%s", search->tried.len == 0 ? "" : "; ", text);
}

int64_t aws_search_limit(const struct aws_search *search, int64_t ms)
{
    int64_t limit = deadline_after_ms(ms);

    return limit < search->deadline ? limit : search->deadline;
}

bool aws_hint_other_ways(struct error *err)
{
    return error_hint(
        err, "Put keys into the environment (aws configure export-credentials), or use "
             "postgres:// with " SETTING_SSLMODE "=verify-full and " SETTING_PASSWORD_COMMAND
             "=\"aws rds generate-db-auth-token --hostname HOST --port 5432 --username USER\"");
}

/* ---- The search ---- */

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
