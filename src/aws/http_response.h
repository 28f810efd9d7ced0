/* An answer of HTTP/1.1 taken apart, without I/O. Source: RFC 9112. */
#ifndef PGCASK_AWS_HTTP_RESPONSE_H
#define PGCASK_AWS_HTTP_RESPONSE_H

#include "aws/http.h"

enum http_progress { HTTP_MORE, HTTP_WHOLE, HTTP_BAD };

/* `bytes` are all that has come, `ended` says that no more will. Once it is whole, status and body
 * of the answer are set; answer->body has to be empty. HTTP_BAD: *err says what is wrong. */
enum http_progress http_response_parse(struct slice bytes, bool ended, struct http_answer *answer,
                                       struct error *err);

#endif
