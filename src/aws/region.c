/* A token is good in one region, and a wrong one is only ever "authentication failed": so none is
 * guessed. */
#include "aws/region.h"

#include "aws/shared_file.h"
#include "base/error_names.h"

#include <stdio.h>

static bool put(char out[AWS_REGION_SIZE], const char *region, const char *where, struct error *err)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789-";

    if (region[0] == '\0' || strlen(region) >= AWS_REGION_SIZE ||
        strspn(region, plain) != strlen(region)) {
        error_set(err, ERROR_USAGE, ERROR_OURS("%s") " is no region: \"%.40s\"", where, region);
        return error_hint(err, "A region is written as in eu-central-1.");
    }
    snprintf(out, AWS_REGION_SIZE, "%s", region);
    return true;
}

/* "" where the file or the profile has none. */
static bool from_file(const struct aws_environment *environment, char out[AWS_REGION_SIZE],
                      struct error *err)
{
    const char *profile = aws_profile(environment);
    char path[AWS_PATH_SIZE], section[256], region[AWS_REGION_SIZE];
    struct buffer text = {0};
    struct slice value;
    bool there, done;

    out[0] = '\0';
    aws_file_path(environment, "AWS_CONFIG_FILE", "config", path);
    if (path[0] == '\0')
        return true;
    snprintf(section, sizeof(section), "%s%s", strcmp(profile, "default") == 0 ? "" : "profile ",
             profile);
    done = shared_file_read(path, &text, &there, err);
    if (done && there && shared_file_find(buffer_slice(&text), section, "region", &value)) {
        snprintf(region, sizeof(region), "%.*s",
                 (int)(value.len < sizeof(region) ? value.len : sizeof(region)),
                 (const char *)value.data);
        done = put(out, region, path, err);
    }
    buffer_free_secret(&text);
    return done;
}

bool aws_region_find(const struct aws_environment *environment, const char *given,
                     char out[AWS_REGION_SIZE], struct error *err)
{
    static const char *const variables[] = {"AWS_REGION", "AWS_DEFAULT_REGION"};

    if (given != NULL && given[0] != '\0')
        return put(out, given, SETTING_REGION, err);
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        const char *value = aws_variable(environment, variables[i]);

        if (value != NULL)
            return put(out, value, variables[i], err);
    }
    if (!from_file(environment, out, err))
        return false;
    if (out[0] != '\0')
        return true;
    error_set(err, ERROR_USAGE, "no AWS region is set");
    return error_hint(err,
                      "Set " SETTING_REGION " to the database's (eu-central-1), as a parameter of "
                      "the URI: postgres+aws://USER@HOST/DATABASE?region=REGION; or AWS_REGION.");
}
