/* What the tests of src/record share: temporary folders, a source made of an array, a plain text
 * description of whatever a source gives. */
#ifndef PGCASK_TEST_RECORD_SUPPORT_H
#define PGCASK_TEST_RECORD_SUPPORT_H

#include "base/buffer.h"
#include "record/store.h"
#include "record/tar.h"
#include "support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* The folder of scratch_setup + "/" + name, in one of a few buffers taken in turn. */
const char *in_folder(void **state, const char *name);

void write_file(const char *path, const void *data, size_t len);
struct buffer read_file(const char *path);
bool exists(const char *path); /* links are not followed */

/* Runs a program; returns its exit status. Standard output and error are thrown away. */
int run(const char *const *arguments);

/* A source over an array. */
struct sample {
    enum record_type type;
    const char *path;
    const char *content; /* NULL: none */
    const char *target;
    size_t repeat; /* the content this many times more */
    uint32_t mode; /* 0: 0600, 0700, 0777 by type */
    bool unknown_size;
    int64_t lie;  /* added to the announced size */
    size_t piece; /* bytes a pull; 0: all */
    bool fails;   /* the reader fails after its content */
};

struct record_source *sample_source_new(const struct sample *samples, size_t count);

/* Makes the source fail where its records end. */
void sample_source_fail_at_end(struct record_source *source);

/* One line a record: type, mode, path, target, content size and checksum; unless the source fails,
 * then the error's message after "failed: ". Closes the source. */
struct buffer describe(struct record_source *source, bool with_mode);

void assert_same_text(const struct buffer *actual, const struct buffer *expected);
void assert_mentions(const char *text, const char *part);

#endif
