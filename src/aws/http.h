/*
 * One HTTP request and its answer: for the endpoints that give out credentials. Nothing is kept
 * open, no redirection is followed, and an answer has at most HTTP_ANSWER_MAX bytes.
 */
#ifndef PGCASK_AWS_HTTP_H
#define PGCASK_AWS_HTTP_H

#include "base/buffer.h"
#include "base/cancel.h"
#include "base/error.h"

#define HTTP_ANSWER_MAX ((size_t)64 * 1024)

/* ---- URLs (http_url.c) ---- */

#define HTTP_HOST_SIZE 256
#define HTTP_PATH_SIZE 2048

struct http_url {
    bool tls;
    char host[HTTP_HOST_SIZE]; /* an IPv6 address without its brackets */
    char port[8];
    char path[HTTP_PATH_SIZE]; /* with its query; at least "/" */
};

/* "http://…" or "https://…", without user and fragment. name: what has the URL, for messages. */
bool http_url_parse(struct http_url *url, const char *text, const char *name, struct error *err);

/* ---- A request ---- */

struct http_request {
    const char *method;
    const struct http_url *url;
    const char *header, *header_value; /* one more; NULL: none */
    const char *body;                  /* a form; NULL: none */
    const char *ca_file;               /* whom TLS trusts; NULL: the system's authorities */
    int64_t connect_by, deadline;      /* base/clock.h */
    const struct cancel *cancel;
};

struct http_answer {
    unsigned status;
    struct buffer body;
};

/* False where there was no whole answer; what an answer of another status than 200 means is the
 * caller's to say. Whatever came of it, http_answer_reset wipes it. */
bool http_ask(const struct http_request *request, struct http_answer *answer, struct error *err);
void http_answer_reset(struct http_answer *answer);

#endif
