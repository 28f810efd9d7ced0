/*
 * The codec of the protocol's versions 3.0 and 3.2: bytes to values and back, without any I/O.
 * Builders append one message to a buffer and leave it as it was when they fail; parsers take a
 * message's body and lend pointers into it. Source: PostgreSQL documentation, "Message Formats".
 */
#ifndef PGCASK_WIRE_MESSAGE_INTERNAL_H
#define PGCASK_WIRE_MESSAGE_INTERNAL_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

#define MESSAGE_HEADER_SIZE 5 /* type byte, length word */

/* What is held whole; CopyData has no limit of ours. A server makes no row longer than the second,
 * which is its own limit for anything in memory. */
#define MESSAGE_BODY_MAX ((size_t)64 << 20)
#define MESSAGE_ROW_MAX ((size_t)1 << 30)

#define PROTOCOL_VERSION_3_0 0x00030000u
#define PROTOCOL_VERSION_3_2 0x00030002u
#define REQUEST_CANCEL 80877102u
#define REQUEST_TLS 80877103u

enum authentication_code {
    AUTHENTICATION_OK = 0,
    AUTHENTICATION_KERBEROS_V4 = 1,
    AUTHENTICATION_KERBEROS_V5 = 2,
    AUTHENTICATION_CLEARTEXT = 3,
    AUTHENTICATION_CRYPT = 4,
    AUTHENTICATION_MD5 = 5,
    AUTHENTICATION_SCM = 6,
    AUTHENTICATION_GSS = 7,
    AUTHENTICATION_GSS_CONTINUE = 8,
    AUTHENTICATION_SSPI = 9,
    AUTHENTICATION_SASL = 10,
    AUTHENTICATION_SASL_CONTINUE = 11,
    AUTHENTICATION_SASL_FINAL = 12
};

/* ---- What we send ---- */

struct message_parameter {
    const char *name;
    const char *value;
};

bool message_append_startup(struct buffer *out, uint32_t version,
                            const struct message_parameter *parameters, size_t count,
                            struct error *err);
bool message_append_tls_request(struct buffer *out, struct error *err);
bool message_append_cancel_request(struct buffer *out, uint32_t pid, struct slice key,
                                   struct error *err);

/* A password, an MD5 answer: text with its NUL. */
bool message_append_password(struct buffer *out, const char *text, struct error *err);
bool message_append_sasl_initial(struct buffer *out, const char *mechanism, struct slice response,
                                 struct error *err);
bool message_append_sasl_response(struct buffer *out, struct slice response, struct error *err);

bool message_append_query(struct buffer *out, const char *sql, struct error *err);
bool message_append_parse(struct buffer *out, const char *statement, const char *sql,
                          struct error *err);
bool message_append_bind(struct buffer *out, const char *portal, const char *statement,
                         size_t count, const char *const *values, struct error *err);
bool message_append_describe_portal(struct buffer *out, const char *portal, struct error *err);
bool message_append_execute(struct buffer *out, const char *portal, uint32_t max_rows,
                            struct error *err);
bool message_append_close_statement(struct buffer *out, const char *statement, struct error *err);
bool message_append_sync(struct buffer *out, struct error *err);
bool message_append_copy_data(struct buffer *out, struct slice data, struct error *err);
bool message_append_copy_done(struct buffer *out, struct error *err);
bool message_append_copy_fail(struct buffer *out, const char *reason, struct error *err);
bool message_append_terminate(struct buffer *out, struct error *err);

/* The header alone of a CopyData message with len bytes; len is at most INT32_MAX - 4. */
void message_put_copy_data_header(uint8_t out[MESSAGE_HEADER_SIZE], size_t len);

/* ---- What we receive ---- */

struct message_header {
    char type;
    size_t body_len;
};

/* Fails on a length below 4 or beyond what the type may have: 2 GiB for CopyData, MESSAGE_ROW_MAX
 * for DataRow and ErrorResponse, MESSAGE_BODY_MAX for others. */
bool message_parse_header(const uint8_t bytes[MESSAGE_HEADER_SIZE], struct message_header *header,
                          struct error *err);

/* The same for CopyData alone, of which there is one a row: nothing else is looked at, and where it
 * cannot be, message_parse_header says why. */
bool message_is_copy_data(const uint8_t bytes[MESSAGE_HEADER_SIZE], size_t *body_len);

/* Fields of ErrorResponse and NoticeResponse; "" where the server sent none. */
struct message_report {
    const char *severity; /* ERROR, FATAL, PANIC, WARNING, …: never translated */
    const char *sqlstate;
    const char *message;
    const char *detail;
    const char *hint;
    const char *where;
    const char *position; /* decimal */
};

bool message_parse_report(struct slice body, struct message_report *report, struct error *err);

/* Severities that end the session. */
bool message_report_is_fatal(const struct message_report *report);

struct message_column {
    const char *name;
    uint32_t type;
};

/* *columns is an array of at least *capacity elements; both are the caller's to keep and free and
 * grow as needed. */
bool message_parse_row_description(struct slice body, struct message_column **columns,
                                   size_t *capacity, size_t *count, struct error *err);
bool message_parse_data_row(struct slice body, struct slice **values, size_t *capacity,
                            size_t *count, struct error *err);

bool message_parse_copy_response(struct slice body, struct error *err);
bool message_parse_parameter_description(struct slice body, struct error *err);
bool message_parse_command_complete(struct slice body, const char **tag, struct error *err);
bool message_parse_ready(struct slice body, char *transaction_status, struct error *err);
bool message_parse_parameter_status(struct slice body, const char **name, const char **value,
                                    struct error *err);
bool message_parse_backend_key(struct slice body, uint32_t *pid, struct slice *key,
                               struct error *err);
bool message_parse_negotiate_version(struct slice body, uint32_t *version, struct slice *names,
                                     struct error *err);

/* The body has to be empty: CopyDone, ParseComplete, … */
bool message_parse_empty(char type, struct slice body, struct error *err);

/* *rest: salt, mechanism list or SASL data. */
bool message_parse_authentication(struct slice body, uint32_t *code, struct slice *rest,
                                  struct error *err);

/* "DataRow", for messages to people. */
const char *message_type_name(char type);

/* ---- What the server says, for people (message_report.c) ---- */

#define REPORT_TEXT_SIZE 1024

/* Copies text that came from outside: control characters and what is not UTF-8 become '?', and it
 * is cut, at a character, if it does not fit. */
void report_clean(const char *text, char *out, size_t out_size);

/* A report that quotes what was sent may be as long as that. Of each field its beginning is kept:
 * more than anybody tells. */
#define REPORT_LONG ((size_t)64 * 1024)

struct report_shortener {
    struct buffer body; /* so far */
    size_t kept;        /* of the field at hand */
    bool full;          /* there are too many of them: the others are left out */
};

/* The next bytes of the report's body. */
bool report_shortener_feed(struct report_shortener *shortener, struct slice bytes,
                           struct error *err);

/* That was its body: shortener->body is one now, if it was. */
bool report_shortener_finish(struct report_shortener *shortener, struct error *err);

/* The server's error as ours, with a hint of ours if it sent none. False. */
bool report_to_error(const struct message_report *report, struct error *err);

#endif
