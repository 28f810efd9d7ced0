/*
 * Standard error has several writers and a live line: every message takes the line away, is one
 * write, and lets it be drawn again. Texts from below are spelled as the command spells them,
 * foreign bytes escaped, and a warning that was said already is not said twice.
 */
#include "cli/console.h"

#include "cli/format.h"
#include "cli/result.h"
#include "cli/spelling.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WARNINGS_MAX CONSOLE_WARNINGS_KNOWN
#define CLEAR_LINE "\r\033[K"

static void write_all(const char *text, size_t len)
{
    while (len > 0) {
        ssize_t written = write(STDERR_FILENO, text, len);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return; /* nowhere left to complain to */
        text += written;
        len -= (size_t)written;
    }
}

/* Appends prefix and text, escaped, further lines indented. */
static bool append_message(struct buffer *out, const char *prefix, const char *text)
{
    struct error ignored;

    if (!buffer_append_string(out, prefix, &ignored))
        return false;
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");

        if (!format_escape(out, slice_make(text, len), FORMAT_FOR_TERMINAL, &ignored) ||
            !buffer_append_byte(out, '\n', &ignored))
            return false;
        text += len;
        if (*text == '\n' && *++text != '\0' && !buffer_append_string(out, "    ", &ignored))
            return false;
    }
    return true;
}

static void begin_print(struct console *console)
{
    pthread_mutex_lock(&console->lock);
    if (console->line_shown)
        write_all(CLEAR_LINE, strlen(CLEAR_LINE));
    console->line_shown = false;
}

/* One write for the whole text, so that lines of several threads never mix. */
static void print(struct console *console, struct buffer *text)
{
    begin_print(console);
    write_all((const char *)text->data, text->len);
    pthread_mutex_unlock(&console->lock);
    buffer_free(text);
}

/* The same as append_message and print, where there is no memory left. */
static void print_plainly(struct console *console, const char *prefix, const char *text)
{
    begin_print(console);
    write_all(prefix, strlen(prefix));
    for (; *text != '\0'; text++)
        write_all(*text >= ' ' && *text <= '~' ? text : "?", 1);
    write_all("\n", 1);
    pthread_mutex_unlock(&console->lock);
}

/* A text that is all that is said, whatever memory there is. */
static void print_message(struct console *console, const char *prefix, const char *text)
{
    struct buffer line = {0};

    if (append_message(&line, prefix, text)) {
        print(console, &line);
        return;
    }
    buffer_free(&line);
    print_plainly(console, prefix, text);
}

/* FNV-1a */
static uint64_t hash_of(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325;

    for (; *text != '\0'; text++)
        hash = (hash ^ (uint8_t)*text) * 0x100000001b3;
    return hash;
}

/* Also notes that it is being said. */
static bool is_said_already(struct console *console, const char *text)
{
    uint64_t hash = hash_of(text);
    bool found = false;

    pthread_mutex_lock(&console->lock);
    for (size_t i = 0; i < console->said_count && !found; i++)
        found = console->said[i] == hash;
    if (!found && console->said_count < CONSOLE_WARNINGS_KNOWN)
        console->said[console->said_count++] = hash;
    pthread_mutex_unlock(&console->lock);
    return found;
}

static void keep_warning(struct console *console, const char *text)
{
    pthread_mutex_lock(&console->lock);
    console->warning_count++;
    if (console->warnings != NULL && json_array_size(console->warnings) < WARNINGS_MAX)
        json_array_append_new(console->warnings, result_message(text));
    pthread_mutex_unlock(&console->lock);
}

static bool append_spelled(const struct console *console, struct buffer *out, const char *prefix,
                           const char *text)
{
    char spelled[4096];

    error_spell_copy(spelled, sizeof(spelled), text, console->speller);
    return append_message(out, prefix, spelled);
}

/* A message with what is known about it and what to do, in one piece. */
static void print_parts(struct console *console, const char *prefix, const char *message,
                        const char *detail, const char *hint)
{
    struct buffer lines = {0};

    if (append_spelled(console, &lines, prefix, message) &&
        (*detail == '\0' || append_spelled(console, &lines, "detail: ", detail)) &&
        (*hint == '\0' || append_spelled(console, &lines, "hint: ", hint))) {
        print(console, &lines);
        return;
    }
    buffer_free(&lines);
    print_plainly(console, prefix, message);
    if (*detail != '\0')
        print_plainly(console, "detail: ", detail);
}

static void print_warning(struct console *console, const char *text, const char *hint)
{
    if (is_said_already(console, text))
        return;
    print_parts(console, "pgcask: warning: ", text, "", hint);
    keep_warning(console, text);
}

static void write_log(void *context, enum log_level level, const char *message)
{
    struct console *console = context;

    if (level == LOG_WARNING)
        print_warning(console, message, "");
    else
        console_message(console, ERROR_OURS("%s"), message);
}

bool console_init(struct console *console, bool keep_warnings, struct error *err)
{
    const char *term = getenv("TERM");

    *console = (struct console){
        .terminal = isatty(STDERR_FILENO) && term != NULL && strcmp(term, "dumb") != 0,
        .speller = &command_speller,
        .log = {.write = write_log, .context = console, .threshold = LOG_WARNING},
    };
    pthread_mutex_init(&console->lock, NULL);
    if (keep_warnings && (console->warnings = json_array()) == NULL)
        return error_set_memory(err);
    return true;
}

void console_free(struct console *console)
{
    json_decref(console->warnings);
    pthread_mutex_destroy(&console->lock);
}

void console_message(struct console *console, const char *format, ...)
{
    char text[4096];
    va_list args;

    va_start(args, format);
    error_format(text, sizeof(text), format, args);
    va_end(args);
    error_spell_text(text, sizeof(text), console->speller);
    print_message(console, "pgcask: ", text);
}

void console_warning(struct console *console, const char *format, ...)
{
    char text[4096];
    va_list args;

    va_start(args, format);
    error_format(text, sizeof(text), format, args);
    va_end(args);
    print_warning(console, text, "");
}

void console_failure(struct console *console, const struct error *failure)
{
    print_parts(console, "pgcask: warning: ", failure->message, failure->detail, failure->hint);
    keep_warning(console, failure->message);
}

void console_finding(struct console *console, bool fatal, const char *message, const char *hint)
{
    if (fatal)
        print_parts(console, "pgcask: error: ", message, "", hint);
    else
        print_warning(console, message, hint);
}

void console_problem(struct console *console, const char *path, const char *problem)
{
    struct buffer text = {0};
    struct error ignored;
    char spelled[2048];

    error_spell_copy(spelled, sizeof(spelled), problem, console->speller);
    /* Without memory the path alone is said. */
    if (buffer_printf(&text, &ignored, "%s: %s", path, spelled))
        print_message(console, "pgcask: error: ", buffer_text(&text));
    else
        print_message(console, "pgcask: error: ", path);
    buffer_free(&text);
}

void console_error(struct console *console, const struct error *err)
{
    print_parts(console, "pgcask: error: ", err->message, err->detail, err->hint);
}

void console_hold(struct console *console)
{
    begin_print(console);
}

void console_release(struct console *console)
{
    pthread_mutex_unlock(&console->lock);
}

static size_t terminal_width(void)
{
    struct winsize size;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 20)
        return 79;
    return size.ws_col - 1U;
}

void console_live_line(struct console *console, const char *text)
{
    char line[512];
    int len;

    if (!console->terminal)
        return;
    len = snprintf(line, sizeof(line), CLEAR_LINE "%.*s", (int)terminal_width(), text);
    if (len < 0 || (size_t)len >= sizeof(line))
        return;
    pthread_mutex_lock(&console->lock);
    if (*text != '\0' || console->line_shown)
        write_all(line, (size_t)len);
    console->line_shown = *text != '\0';
    pthread_mutex_unlock(&console->lock);
}
