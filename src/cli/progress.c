/*
 * The worker counts, a thread of its own draws: so a wait within a library shows too, and counting
 * costs the worker a load and a store. What is said is laid out by pure functions, with the most
 * important first, because a terminal may be narrow.
 */
#include "cli/progress.h"

#include "base/clock.h"
#include "cli/format.h"
#include "record/store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DRAW_MS 200
#define LINE_MS 30000
#define SHORTEST_LEFT 2 /* seconds */

/* Only the worker adds, so a load and a store do; a locked instruction a slice would cost more
 * than everything else here. */
static void count_bytes(void *context, size_t bytes)
{
    struct progress *progress = context;
    uint64_t so_far = atomic_load_explicit(&progress->bytes, memory_order_relaxed);

    atomic_store_explicit(&progress->bytes, so_far + bytes, memory_order_relaxed);
    if (progress->measure != NULL)
        atomic_store_explicit(&progress->done, progress->measure(progress->measured),
                              memory_order_relaxed);
    if (progress->followed != NULL)
        progress_set_total(progress, tar_source_expected(progress->followed));
}

static void count_record(void *context, const struct record *record)
{
    struct progress *progress = context;

    atomic_fetch_add_explicit(&progress->records, 1, memory_order_relaxed);
    if (record->type == RECORD_FILE)
        atomic_fetch_add_explicit(&progress->files, 1, memory_order_relaxed);
}

static void count_synced(void *context)
{
    struct progress *progress = context;

    atomic_fetch_add_explicit(&progress->synced, 1, memory_order_relaxed);
}

static void append(char out[PROGRESS_LINE], const char *format, ...) ERROR_PRINTF(2, 3);

static void append(char out[PROGRESS_LINE], const char *format, ...)
{
    size_t used = strlen(out);
    va_list args;

    va_start(args, format);
    vsnprintf(out + used, PROGRESS_LINE - used, format, args);
    va_end(args);
}

/* What matters most comes first: a narrow terminal cuts the end off. Totals are estimates: one that
 * has run out says nothing any more, and the last second may be a long one. */
static void append_estimate(char out[PROGRESS_LINE], uint64_t done, uint64_t total, uint64_t rate)
{
    char text[FORMAT_SIZE];

    if (total <= done)
        return;
    append(out, "%u%%, ", (unsigned)((double)done * 100.0 / (double)total));
    if (rate > 0 && (total - done) / rate >= SHORTEST_LEFT) {
        format_duration((total - done) / rate, text);
        append(out, "%s left, ", text);
    }
}

void progress_format(char out[PROGRESS_LINE], const char *phase, uint64_t bytes, uint64_t total,
                     uint64_t rate)
{
    char text[FORMAT_SIZE];

    snprintf(out, PROGRESS_LINE, "%s", phase);
    if (bytes == 0)
        return;
    append(out, ": ");
    append_estimate(out, bytes, total, rate);
    format_size(bytes, text);
    append(out, "%s", text);
    if (total > bytes) {
        format_size(total, text);
        append(out, " of %s", text);
    }
    if (rate > 0) {
        format_size(rate, text);
        append(out, ", %s/s", text);
    }
}

void progress_format_measured(char out[PROGRESS_LINE], const char *phase, uint64_t bytes,
                              uint64_t done, uint64_t total, uint64_t rate)
{
    char text[FORMAT_SIZE];

    snprintf(out, PROGRESS_LINE, "%s", phase);
    if (bytes == 0 && done == 0)
        return;
    append(out, ": ");
    append_estimate(out, done, total, rate);
    format_size(done, text);
    append(out, "%s read, ", text);
    format_size(bytes, text);
    append(out, "%s written", text);
}

void progress_format_sync(char out[PROGRESS_LINE], uint64_t synced, uint64_t files, uint64_t rate)
{
    uint64_t shown = files > synced ? files : synced;

    snprintf(out, PROGRESS_LINE, "writing to disk: ");
    append_estimate(out, synced, files, rate);
    append(out, "%" PRIu64 " of %" PRIu64 " files", synced, shown);
}

void progress_format_restore(char out[PROGRESS_LINE], const char *phase, uint64_t bytes,
                             uint64_t total, uint64_t rate, uint64_t objects, uint64_t all)
{
    progress_format(out, phase, bytes, total, rate);
    if (all == 0)
        return;
    append(out, bytes == 0 ? ": " : ", ");
    append(out, "%" PRIu64 " of %" PRIu64 " objects", objects < all ? objects : all, all);
}

/* What the rate is of. */
static uint64_t counted(struct progress *progress)
{
    if (atomic_load(&progress->synced) > 0)
        return atomic_load(&progress->synced);
    if (progress->measure != NULL)
        return atomic_load(&progress->done);
    return progress_bytes(progress) + atomic_load(&progress->restored.bytes);
}

static void format_restore(struct progress *progress, char line[PROGRESS_LINE], uint64_t done,
                           uint64_t speed)
{
    struct restore_progress *restored = &progress->restored;

    /* A script of no database has no plan that would begin it. */
    progress_format_restore(line,
                            atomic_load(&restored->checking) ? "checking the backup"
                            : done > 0                       ? "restoring"
                                                             : atomic_load(&progress->phase),
                            done, atomic_load(&restored->total_bytes), speed,
                            atomic_load(&restored->objects), atomic_load(&restored->all_objects));
}

static void draw(struct progress *progress, const struct rate *rate, int64_t now, bool live)
{
    char line[PROGRESS_LINE];
    uint64_t done = counted(progress), total = atomic_load(&progress->total);
    uint64_t speed = rate_per_second(rate, now, done);
    const char *phase = atomic_load(&progress->phase);

    if (atomic_load(&progress->synced) > 0)
        progress_format_sync(line, done, atomic_load(&progress->files), speed);
    else if (progress->restores)
        format_restore(progress, line, done, speed);
    else if (progress->measure != NULL)
        progress_format_measured(line, phase, progress_bytes(progress), done, total, speed);
    else
        progress_format(line, phase, done, total, speed);
    if (live)
        console_live_line(progress->console, line);
    else
        console_message(progress->console, "%s", line);
}

/* Waits until told to stop (true), woken, or for DRAW_MS. */
static bool wait_for_stop(struct progress *progress)
{
    struct timespec until;
    bool stopping;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += DRAW_MS * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    pthread_mutex_lock(&progress->lock);
    if (!progress->stopping)
        pthread_cond_timedwait(&progress->wake, &progress->lock, &until);
    stopping = progress->stopping;
    pthread_mutex_unlock(&progress->lock);
    return stopping;
}

static void *run(void *argument)
{
    struct progress *progress = argument;
    struct rate rate = {0};
    const char *shown_phase = NULL;
    int64_t shown_ms = 0;
    bool syncing = false;

    do {
        const char *phase = atomic_load(&progress->phase);
        int64_t now = clock_now_ms();

        bool synced = atomic_load(&progress->synced) > 0;

        if (synced && !syncing)
            rate = (struct rate){0};
        syncing = synced;
        rate_note(&rate, now, counted(progress));
        if (progress->console->terminal) {
            draw(progress, &rate, now, true);
        } else if (phase != shown_phase || now - shown_ms >= LINE_MS) {
            draw(progress, &rate, now, false);
            shown_phase = phase;
            shown_ms = now;
        }
    } while (!wait_for_stop(progress));
    return NULL;
}

bool progress_start(struct progress *progress, struct console *console, bool silent,
                    const char *phase, struct error *err)
{
    pthread_condattr_t attributes;
    int failed;

    *progress = (struct progress){
        .observer = {progress, count_record, count_bytes, count_synced},
        .console = console,
        .silent = silent,
        .started_ms = clock_now_ms(),
    };
    atomic_init(&progress->phase, phase);
    if (silent)
        return true;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&progress->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&progress->lock, NULL);
    failed = pthread_create(&progress->thread, NULL, run, progress);
    if (failed != 0)
        return error_set_errno(err, failed, "cannot start the progress thread");
    progress->running = true;
    return true;
}

void progress_stop(struct progress *progress)
{
    if (!progress->running)
        return;
    pthread_mutex_lock(&progress->lock);
    progress->stopping = true;
    pthread_cond_signal(&progress->wake);
    pthread_mutex_unlock(&progress->lock);
    pthread_join(progress->thread, NULL);
    progress->running = false;
    pthread_cond_destroy(&progress->wake);
    pthread_mutex_destroy(&progress->lock);
    console_live_line(progress->console, "");
}

void progress_set_phase(struct progress *progress, const char *phase)
{
    atomic_store(&progress->phase, phase);
}

void progress_measure(struct progress *progress, uint64_t (*measure)(void *context), void *context)
{
    progress->measured = context;
    progress->measure = measure;
}

void progress_follow_restore(struct progress *progress)
{
    progress->restores = true;
}

void progress_follow(struct progress *progress, const struct record_source *source)
{
    progress->followed = source;
}

void progress_set_total(struct progress *progress, uint64_t bytes)
{
    atomic_store_explicit(&progress->total, bytes, memory_order_relaxed);
}

uint64_t progress_bytes(const struct progress *progress)
{
    return atomic_load_explicit(&progress->bytes, memory_order_relaxed);
}

double progress_seconds(const struct progress *progress)
{
    return (double)(clock_now_ms() - progress->started_ms) / 1000.0;
}
