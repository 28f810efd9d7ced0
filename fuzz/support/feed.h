/*
 * What the targets share: input that comes in pieces, and traces of what came out of it.
 *
 * A decoder must do the same whatever the pieces. So most targets run their input twice, whole and
 * in pieces of a size that its first byte chooses, and compare the two traces.
 */
#ifndef PGCASK_FUZZ_SUPPORT_FEED_H
#define PGCASK_FUZZ_SUPPORT_FEED_H

#include "base/error.h"
#include "base/slice.h"

/* What must hold, or it is a finding. */
static inline void must(bool condition)
{
    if (!condition)
        __builtin_trap();
}

/* Takes a byte that chooses something; 0 at the end. */
uint8_t feed_choice(struct slice *input);

/* Each piece lies in memory of its own, so that a sanitizer sees a byte read past its end, or read
 * after the next piece was asked for. */
struct feed {
    struct slice rest;
    size_t piece; /* bytes; 0: all in one */
    uint8_t *held;
};

bool feed_next(struct feed *feed, struct slice *piece); /* false at the end */
void feed_end(struct feed *feed);

/* Everything that came out, as a hash: data may be cut anywhere, the rest may not. */
struct trace {
    uint64_t hash;
    uint64_t data_bytes;
};

void trace_data(struct trace *trace, struct slice data);
void trace_number(struct trace *trace, uint64_t number);
void trace_text(struct trace *trace, const char *text); /* NULL is another text than "" */

/* How a run ended: its error's code and message count too. With $FUZZ_TELL set it is also printed,
 * so that one sees what a seed does: FUZZ_TELL=1 build/fuzz/fuzz/fuzz_session
 * fuzz/seeds/session/fatal */
void trace_end(struct trace *trace, bool ok, const struct error *err);
bool trace_equals(const struct trace *a, const struct trace *b);

/* An error that was set says something, in text that ends. */
void must_be_told(const struct error *err);

/* Text that is fit for a terminal: whatever a server sent. */
void must_be_clean(const char *text);

/* The error is told, and clean once its marks are spelled: what a person gets to see of it. */
void must_be_shown(const struct error *err);

#endif
