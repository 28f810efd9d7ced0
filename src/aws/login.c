/* What wire asks for a password makes a token. The keys that it is signed with are kept as long as
 * they are good, and for several sessions: an endpoint is not asked once for each. */
#include "aws/login.h"

#include "aws/rds_token.h"
#include "aws/region.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define FRESH_SECONDS 300 /* keys that end earlier are looked for again */

struct aws_login {
    struct wire_password_source face;
    struct aws_environment environment;
    const struct log *log;
    char region[AWS_REGION_SIZE];
    pthread_mutex_t lock; /* of the keys: one search at a time */
    struct aws_keys keys;
};

/* Keys of files and variables are read each time: somebody may have renewed them. */
static bool are_fresh(const struct aws_keys *keys, int64_t seconds)
{
    return keys->access_key.len > 0 && keys->expires != AWS_KEYS_NEVER_EXPIRE &&
           keys->expires > (int64_t)time(NULL) + seconds;
}

/* Where the search fails, what is left of the old ones will do. */
static bool renew(struct aws_login *login, const struct wire_password_request *request,
                  struct error *err)
{
    struct aws_search search = {
        .environment = login->environment,
        .region = login->region,
        .cancel = request->cancel,
        .deadline = request->deadline,
    };
    struct aws_keys keys = {.expires = 0};

    if (are_fresh(&login->keys, FRESH_SECONDS))
        return true;
    if (aws_search_run(&search, &keys, err)) {
        aws_keys_reset(&login->keys);
        login->keys = keys;
        return true;
    }
    if (err->code == ERROR_CANCELLED || !are_fresh(&login->keys, 0))
        return false;
    log_message(login->log, LOG_WARNING, "the AWS credentials were not renewed, and soon end: %s",
                err->message);
    return true;
}

static bool append_token(struct aws_login *login, const struct wire_password_request *request,
                         struct buffer *token, struct error *err)
{
    const struct rds_token_request what = {
        .host = request->host,
        .port = request->port,
        .user = request->user,
        .region = login->region,
        .now = time(NULL),
    };
    const struct sigv4_keys keys = {
        .access_key = buffer_text(&login->keys.access_key),
        .secret_key = buffer_text(&login->keys.secret_key),
        .session_token =
            login->keys.session_token.len == 0 ? NULL : buffer_text(&login->keys.session_token),
    };

    /* In one piece, because growing would leave copies of the token behind. */
    if (!buffer_reserve(token, 1024 + 3 * login->keys.session_token.len + 3 * strlen(what.user),
                        err) ||
        !rds_token_append(token, &what, &keys, err))
        return false;
    log_message(login->log, LOG_DEBUG, "a token for %s:%s was made with the credentials of %s",
                what.host, what.port, login->keys.source);
    return true;
}

static bool give_token(void *context, const struct wire_password_request *request,
                       struct buffer *token, bool *found, struct error *err)
{
    struct aws_login *login = context;
    bool done;

    pthread_mutex_lock(&login->lock);
    done = renew(login, request, err) && append_token(login, request, token, err);
    pthread_mutex_unlock(&login->lock);
    *found = done;
    return done;
}

bool aws_login_new(struct aws_login **login, struct wire_settings *settings, const struct log *log,
                   struct error *err)
{
    struct aws_login *new_login;

    *login = NULL;
    if (!wire_settings_want_tokens(settings))
        return true;
    new_login = calloc(1, sizeof(*new_login));
    if (new_login == NULL)
        return error_set_memory(err);
    new_login->face = (struct wire_password_source){new_login, give_token};
    new_login->environment.ignored = wire_settings_ignores_environment(settings);
    new_login->log = log;
    pthread_mutex_init(&new_login->lock, NULL);
    if (aws_region_find(&new_login->environment, wire_settings_get(settings, "region"),
                        new_login->region, err) &&
        wire_settings_set(settings, "region", new_login->region, err)) {
        wire_settings_set_token_source(settings, &new_login->face);
        *login = new_login;
        return true;
    }
    aws_login_free(new_login);
    return false;
}

void aws_login_free(struct aws_login *login)
{
    if (login == NULL)
        return;
    aws_keys_reset(&login->keys);
    pthread_mutex_destroy(&login->lock);
    free(login);
}
