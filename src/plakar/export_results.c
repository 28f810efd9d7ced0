/*
 * Records are restored in the order in which they came, or sorted: the next one to be looked for
 * is mostly behind the last one found, and the search goes on from there.
 */
#include "plakar/export_results.h"

#include "base/utf8.h"
#include "plakar/export_message.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define HELD_MOST ((size_t)24 << 20) /* of records whose results are not said yet */
#define TEXT_SIZE 1000               /* of what is wrong with one */
#define NOT_RESTORED "not restored"
#define NOT_RESTORED_MOST                                                                          \
    10 /* records of which that is said: the reason is said once, and last                         \
        */

struct entry {
    struct entry *previous, *next;
    char *wrong;   /* TEXT_SIZE bytes; NULL: nothing */
    size_t failed; /* how much */
    size_t len;    /* of the record's bytes; its path is behind them */
    uint8_t bytes[];
};

struct export_results {
    int wake_fd;
    pthread_mutex_t lock;
    struct entry *open, *open_last; /* not settled */
    struct entry *current;          /* of these: what is being restored */
    struct entry *cursor;           /* of these: where a search begins */
    struct entry *said, **said_last;
    size_t held;
    bool settled, failed; /* what still comes is not restored */
    size_t not_restored;  /* records of which that was said */
};

static void wake(const struct export_results *results)
{
    const uint64_t one = 1;
    ssize_t written = write(results->wake_fd, &one, sizeof(one));

    (void)written;
}

static const char *path_of(const struct entry *entry)
{
    return (const char *)entry->bytes + entry->len;
}

static size_t entry_size(const struct entry *entry)
{
    return sizeof(*entry) + entry->len + strlen(path_of(entry)) + 1;
}

/* ---- Lists ---- */

static void append_open(struct export_results *results, struct entry *entry)
{
    entry->previous = results->open_last;
    if (results->open_last != NULL)
        results->open_last->next = entry;
    else
        results->open = entry;
    results->open_last = entry;
}

static void remove_open(struct export_results *results, struct entry *entry)
{
    if (entry->previous != NULL)
        entry->previous->next = entry->next;
    else
        results->open = entry->next;
    if (entry->next != NULL)
        entry->next->previous = entry->previous;
    else
        results->open_last = entry->previous;
    if (results->current == entry)
        results->current = NULL;
    if (results->cursor == entry)
        results->cursor = entry->next;
    entry->next = entry->previous = NULL;
}

static void say(struct export_results *results, struct entry *entry)
{
    *results->said_last = entry;
    results->said_last = &entry->next;
}

/* A backup may lie in a folder of the snapshot, or be one of its own folders. */
static bool ends_with(const char *path, const char *end)
{
    size_t len = strlen(path), end_len = strlen(end);

    return len >= end_len && strcmp(path + len - end_len, end) == 0;
}

static bool is_of(const struct entry *entry, const char *path)
{
    return ends_with(path_of(entry), path) || ends_with(path, path_of(entry));
}

static struct entry *find_between(struct entry *from, const struct entry *to, const char *path)
{
    for (struct entry *entry = from; entry != to; entry = entry->next) {
        if (is_of(entry, path))
            return entry;
    }
    return NULL;
}

static struct entry *find(struct export_results *results, const char *path)
{
    struct entry *found = find_between(results->cursor, NULL, path);

    if (found == NULL)
        found = find_between(results->open, results->cursor, path);
    if (found != NULL)
        results->cursor = found;
    return found;
}

/* ---- What is wrong ---- */

/* Plakar shows it to a terminal as it is. */
static void flatten(struct buffer *text)
{
    for (size_t i = 0; i < text->len; i++) {
        if (text->data[i] < ' ' || text->data[i] == 0x7f)
            text->data[i] = ' ';
    }
}

/* Without memory the result says less. */
static void note(struct entry *entry, const char *text)
{
    struct buffer clean = {0};
    struct error ignored;
    bool escaped = false;
    size_t len;

    entry->failed++;
    if (entry->wrong == NULL && (entry->wrong = calloc(1, TEXT_SIZE)) == NULL)
        return;
    len = strlen(entry->wrong);
    if (len + 40 < TEXT_SIZE &&
        utf8_append_escaped(&clean, slice_string(text), UTF8_IN_TEXT, false, &escaped, &ignored)) {
        flatten(&clean);
        snprintf(entry->wrong + len, TEXT_SIZE - len, "%s%s", len > 0 ? "; " : "",
                 buffer_text(&clean));
        utf8_cut(entry->wrong, TEXT_SIZE - 40);
    }
    buffer_free(&clean);
}

static void say_how_many(struct entry *entry)
{
    size_t len = entry->wrong == NULL ? 0 : strlen(entry->wrong);

    if (len > 0 && entry->failed > 1)
        snprintf(entry->wrong + len, TEXT_SIZE - len, " (%zu failed)", entry->failed);
}

static void drop(struct export_results *results, struct entry *entry)
{
    results->held -= entry_size(entry);
    free(entry->wrong);
    free(entry);
}

/* Thousands of lines would hide the one that matters. */
static void say_not_restored(struct export_results *results, struct entry *entry)
{
    if (results->not_restored++ >= NOT_RESTORED_MOST) {
        drop(results, entry);
        return;
    }
    note(entry, NOT_RESTORED);
    say(results, entry);
}

/* ---- The I/O thread's ---- */

bool export_results_add(struct export_results *results, struct slice bytes, const char *path,
                        bool plain, struct error *err)
{
    size_t path_size = strlen(path) + 1;
    size_t size = sizeof(struct entry) + bytes.len + path_size;
    struct entry *entry;

    if (results->held + size > HELD_MOST)
        return error_set(err, ERROR_UNSUPPORTED,
                         "Plakar has sent too many files that are still to be restored");
    entry = malloc(size);
    if (entry == NULL)
        return error_set_memory(err);
    *entry = (struct entry){.len = bytes.len};
    memcpy(entry->bytes, bytes.data, bytes.len);
    memcpy(entry->bytes + bytes.len, path, path_size);
    pthread_mutex_lock(&results->lock);
    results->held += size;
    if (results->failed && !plain)
        say_not_restored(results, entry);
    else if (plain || results->settled)
        say(results, entry);
    else
        append_open(results, entry);
    pthread_mutex_unlock(&results->lock);
    return true;
}

bool export_results_next(struct export_results *results, struct buffer *message, struct error *err)
{
    struct entry *entry;
    bool done;

    error_clear(err);
    pthread_mutex_lock(&results->lock);
    entry = results->said;
    if (entry != NULL) {
        results->said = entry->next;
        if (results->said == NULL)
            results->said_last = &results->said;
        results->held -= entry_size(entry);
    }
    pthread_mutex_unlock(&results->lock);
    if (entry == NULL)
        return false;
    say_how_many(entry);
    done = export_result_append(message, slice_make(entry->bytes, entry->len),
                                entry->failed == 0     ? ""
                                : entry->wrong == NULL ? "out of memory"
                                                       : entry->wrong,
                                err);
    free(entry->wrong);
    free(entry);
    return done;
}

void export_results_settle(struct export_results *results, const char *why)
{
    pthread_mutex_lock(&results->lock);
    results->settled = true;
    results->failed = why != NULL;
    if (why != NULL && results->open != NULL)
        note(results->current != NULL ? results->current : results->open, why);
    while (results->open != NULL) {
        struct entry *entry = results->open;

        remove_open(results, entry);
        if (why != NULL && entry->failed == 0)
            say_not_restored(results, entry);
        else
            say(results, entry);
    }
    pthread_mutex_unlock(&results->lock);
    wake(results);
}

/* ---- Any thread's ---- */

void export_results_begun(struct export_results *results, const char *path)
{
    pthread_mutex_lock(&results->lock);
    results->current = find(results, path);
    pthread_mutex_unlock(&results->lock);
}

void export_results_failed(struct export_results *results, const char *path, const char *text)
{
    struct entry *entry;

    pthread_mutex_lock(&results->lock);
    entry = path == NULL ? results->current : find_between(results->open, NULL, path);
    if (entry != NULL)
        note(entry, text);
    pthread_mutex_unlock(&results->lock);
}

void export_results_done(struct export_results *results, const char *path)
{
    struct entry *entry;

    pthread_mutex_lock(&results->lock);
    entry = find(results, path);
    if (entry != NULL) {
        remove_open(results, entry);
        say(results, entry);
    }
    pthread_mutex_unlock(&results->lock);
    if (entry != NULL)
        wake(results);
}

/* ---- Making and ending it ---- */

struct export_results *export_results_new(int wake_fd, struct error *err)
{
    struct export_results *results = calloc(1, sizeof(*results));

    if (results == NULL) {
        error_set_memory(err);
        return NULL;
    }
    results->wake_fd = wake_fd;
    results->said_last = &results->said;
    pthread_mutex_init(&results->lock, NULL);
    return results;
}

void export_results_free(struct export_results *results)
{
    struct buffer message = {0};
    struct error ignored;

    if (results == NULL)
        return;
    export_results_settle(results, NULL);
    while (export_results_next(results, &message, &ignored))
        buffer_clear(&message);
    buffer_free(&message);
    pthread_mutex_destroy(&results->lock);
    free(results);
}
