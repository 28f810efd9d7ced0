/* AWS_ACCESS_KEY_ID and its like. */
#include "aws/search.h"

#include <stdio.h>

bool aws_source_environment(struct aws_search *search, struct aws_keys *keys, bool *found,
                            struct error *err)
{
    const char *access_key = aws_variable(&search->environment, "AWS_ACCESS_KEY_ID");
    const char *secret_key = aws_variable(&search->environment, "AWS_SECRET_ACCESS_KEY");
    const char *session_token = aws_variable(&search->environment, "AWS_SESSION_TOKEN");

    if (access_key == NULL && secret_key == NULL)
        return aws_search_pass(search, err, "AWS_ACCESS_KEY_ID is not set");
    if (access_key == NULL || secret_key == NULL)
        return error_set(err, ERROR_AUTHENTICATION, "%s is set, and %s is not",
                         access_key == NULL ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID",
                         access_key == NULL ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY");
    keys->expires = AWS_KEYS_NEVER_EXPIRE;
    snprintf(keys->source, sizeof(keys->source), "AWS_ACCESS_KEY_ID");
    *found = aws_keys_put(&keys->access_key, access_key, "AWS_ACCESS_KEY_ID", err) &&
             aws_keys_put(&keys->secret_key, secret_key, "AWS_SECRET_ACCESS_KEY", err) &&
             (session_token == NULL ||
              aws_keys_put(&keys->session_token, session_token, "AWS_SESSION_TOKEN", err));
    return *found;
}
