/*
 * The program's answer to a server that wants a password: password_command, afresh for each
 * session, or what a person typed, once for each server and role, because a backup has several
 * sessions.
 */
#include "process/password_internal.h"

#include <pthread.h>
#include <stdlib.h>

/* What was typed serves all further sessions with the same server. */
struct typed {
    char *host, *port, *user;
    struct buffer password;
};

struct password_source {
    struct wire_password_source face;
    struct password_options options;
    pthread_mutex_t lock; /* one question at a time */
    struct typed typed;
};

static void typed_reset(struct typed *typed)
{
    free(typed->host);
    free(typed->port);
    free(typed->user);
    buffer_free_secret(&typed->password);
    *typed = (struct typed){.host = NULL};
}

static bool typed_fits(const struct typed *typed, const struct wire_password_request *request)
{
    return typed->host != NULL && strcmp(typed->host, request->host) == 0 &&
           strcmp(typed->port, request->port) == 0 && strcmp(typed->user, request->user) == 0;
}

static bool typed_keep(struct typed *typed, const struct wire_password_request *request,
                       struct slice password, struct error *err)
{
    typed_reset(typed);
    typed->host = strdup(request->host);
    typed->port = strdup(request->port);
    typed->user = strdup(request->user);
    if (typed->host != NULL && typed->port != NULL && typed->user != NULL &&
        buffer_append(&typed->password, password.data, password.len, err))
        return true;
    typed_reset(typed);
    return error_set_memory(err);
}

static bool ask(struct password_source *source, const struct wire_password_request *request,
                struct buffer *password, bool *found, struct error *err)
{
    size_t begin = password->len;
    bool done;

    pthread_mutex_lock(&source->lock);
    *found = typed_fits(&source->typed, request);
    if (*found) {
        done =
            buffer_append(password, source->typed.password.data, source->typed.password.len, err);
    } else {
        done = password_prompt(request, &source->options, password, found, err);
        if (done && *found)
            done = typed_keep(&source->typed, request,
                              slice_make(password->data + begin, password->len - begin), err);
    }
    pthread_mutex_unlock(&source->lock);
    return done;
}

static bool get_password(void *context, const struct wire_password_request *request,
                         struct buffer *password, bool *found, struct error *err)
{
    struct password_source *source = context;

    *found = false;
    if (request->command != NULL) {
        *found = password_command_run(request, password, err);
        return *found;
    }
    if (!request->last_resort || !source->options.may_ask)
        return true;
    return ask(source, request, password, found, err);
}

struct password_source *password_source_new(const struct password_options *options,
                                            struct error *err)
{
    struct password_source *source = calloc(1, sizeof(*source));

    if (source == NULL) {
        error_set_memory(err);
        return NULL;
    }
    source->options = *options;
    source->face = (struct wire_password_source){.context = source, .password = get_password};
    pthread_mutex_init(&source->lock, NULL);
    return source;
}

void password_source_free(struct password_source *source)
{
    if (source == NULL)
        return;
    typed_reset(&source->typed);
    pthread_mutex_destroy(&source->lock);
    free(source);
}

const struct wire_password_source *password_source_face(const struct password_source *source)
{
    return &source->face;
}
