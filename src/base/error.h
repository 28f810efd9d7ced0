/*
 * Errors are values. A function that can fail returns bool (or a negative count) and fills the
 * caller's struct error: what failed and on what, the server's own words, and a hint that says
 * what to do. The struct holds its texts itself, so that reporting an error cannot fail.
 *
 * Style follows PostgreSQL: the message is a phrase without capital or full stop; detail and
 * hint are sentences or commands. No secret may ever be put into an error.
 *
 * A text that names an option or a connection setting does not spell it: the command, Plakar and
 * the library each have a name of their own for it. It has ERROR_OPTION("lock-timeout") or
 * ERROR_SETTING("sslmode") in its format, and the face that shows the text spells what they mark
 * (error_spell). Marks count only where the format has them. In what a conversion brings (names,
 * the server's words) they are nothing but control characters, and are written out as such, unless
 * ERROR_OURS("%s") says that the text is our own.
 */
#ifndef PGCASK_BASE_ERROR_H
#define PGCASK_BASE_ERROR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

enum error_code {
    ERROR_NONE = 0,
    ERROR_USAGE,           /* an option, URI or setting that makes no sense */
    ERROR_MEMORY,          /* an allocation failed */
    ERROR_IO,              /* a local file, folder or pipe */
    ERROR_CONNECT,         /* no connection could be made */
    ERROR_AUTHENTICATION,  /* the server does not believe us, or we do not believe the server */
    ERROR_TLS,             /* certificates, handshake */
    ERROR_CONNECTION_LOST, /* an established connection ended */
    ERROR_TIMEOUT,         /* a wait reached its deadline */
    ERROR_CANCELLED,       /* the user, a signal or a failure elsewhere ended the work */
    ERROR_PROTOCOL,        /* the other side broke a format or protocol rule */
    ERROR_SERVER,          /* an ErrorResponse; sqlstate is set */
    ERROR_CORRUPT,         /* a backup that is not what it says it is */
    ERROR_UNSUPPORTED,     /* a version or feature we do not know */
    ERROR_REFUSED          /* we will not: the target is not empty, the cluster runs, … */
};

struct error {
    enum error_code code;
    char sqlstate[6]; /* "" unless code is ERROR_SERVER */
    char message[1024];
    char detail[1024]; /* "" if none */
    char hint[2048];   /* "" if none */
    int errno_value;   /* of the call that failed; 0 if it was none */
    char reason[32];   /* a word of error_reason; "" if the other members tell it */
};

#define ERROR_PRINTF(text, first) __attribute__((format(printf, text, first)))

/* In a format: an option of the table in src/cli, and a connection setting by libpq's name. */
#define ERROR_OPTION(name) "\x1c" name "\x1f"
#define ERROR_SETTING(name) "\x1d" name "\x1f"
/* The bytes that such marks begin and end with. */
#define ERROR_MARKS "\x1c\x1d\x1f"
/* In a format: a conversion whose text is our own and may have marks. */
#define ERROR_OURS(conversion) "\x1e" conversion "\x1e"

/* Makes *err "no error". */
void error_clear(struct error *err);

/* Replaces whatever *err held. Always returns false, so that `return error_set(…);` reads well. */
bool error_set(struct error *err, enum error_code code, const char *format, ...) ERROR_PRINTF(3, 4);

/* The same with ": <text of errno_value>" at the end; code is ERROR_IO (ERROR_MEMORY for ENOMEM).
 * ENOSPC, EACCES and the like get a hint. */
bool error_set_errno(struct error *err, int errno_value, const char *format, ...)
    ERROR_PRINTF(3, 4);

/* "out of memory"; false, which a reader of code that tests for it is to see here. */
void error_fill_memory(struct error *err);
static inline bool error_set_memory(struct error *err)
{
    error_fill_memory(err);
    return false;
}

/* Sets detail or hint of an error that is already set. Return false, as above. */
bool error_detail(struct error *err, const char *format, ...) ERROR_PRINTF(2, 3);
bool error_hint(struct error *err, const char *format, ...) ERROR_PRINTF(2, 3);

/* The hint to make a folder that is not there. False. */
bool error_hint_mkdir(struct error *err, const char *folder);

/* Says more exactly than the code what an error that is already set is, for programs: a stable
 * lower-case word such as "target_not_empty". Returns false, as above. */
bool error_reason(struct error *err, const char *word);

/* The word that was set; without one what the SQLSTATE or errno_value means ("disk_full"), or the
 * code's name. Never "" but for ERROR_NONE, which is "none". */
const char *error_reason_word(const struct error *err);

/* Puts "<text>: " before the message: what was being done when it happened. Returns false. */
bool error_prefix(struct error *err, const char *format, ...) ERROR_PRINTF(2, 3);

/* What the functions above format with, for texts that are kept elsewhere: marks count as described
 * at the top. */
void error_format(char *out, size_t size, const char *format, va_list args) ERROR_PRINTF(3, 0);

enum error_word { ERROR_WORD_OPTION, ERROR_WORD_SETTING };

/* How a face calls things. */
struct error_speller {
    void (*spell)(const void *context, enum error_word word, const char *name, char *out,
                  size_t size);
    const void *context;
};

/* "sslkey-data" marks a setting whose value was the text itself where a file's name may stand, for
 * which a face may have a name of its own: how long the setting's own name is. */
size_t error_setting_length(const char *name);

/* For a text that is about to be shown: replaces its marks, and cuts off what no longer fits.
 * Without a speller the names are those of the marks. */
void error_spell_copy(char *out, size_t size, const char *text,
                      const struct error_speller *speller);
void error_spell_text(char *text, size_t size, const struct error_speller *speller);
void error_spell(struct error *err, const struct error_speller *speller);

/* A stable lower-case word for JSON output: "usage", "connection_lost", … */
const char *error_code_name(enum error_code code);

#endif
