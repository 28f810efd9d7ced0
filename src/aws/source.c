/* What the sources share: where they look, and what they say. */
#include "aws/search.h"

#include "base/clock.h"
#include "base/error_names.h"
#include "wire/wire.h"

#include <stdio.h>
#include <stdlib.h>

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
