/*
 * Of each member there is kept where its header is, and a number made of its name: its header is
 * read again when it is asked for, so that a tar of a million large objects costs no million names.
 */
#include "record/tar_index.h"

#include "base/array.h"
#include "record/tar.h"
#include "record/tar_part_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define WINDOW_SIZE ((size_t)64 * 1024)
#define LOOKUP_SIZE ((size_t)4 * 1024)
#define SAME_NUMBER_MAX 64 /* members whose names make one number: chance gives no two */

struct member {
    uint64_t number, position;
};

struct tar_index {
    int fd;
    char name[RECORD_PATH_MAX + 2];
    struct member *members; /* files alone; by number */
    size_t count, capacity;
};

/* FNV-1a. */
static uint64_t number_of(const char *path)
{
    uint64_t number = 0xcbf29ce484222325u;

    for (; *path != '\0'; path++)
        number = (number ^ (uint8_t)*path) * 0x100000001b3u;
    return number;
}

/* ---- Reading headers ---- */

/* A walk over a tar's members. */
struct walk {
    const struct tar_index *index;
    struct tar_decoder decoder;
    uint8_t *buffer;
    size_t size;
    uint64_t position; /* of what is not decoded yet */
    struct slice input;
};

static bool walk_fill(struct walk *walk, struct error *err)
{
    ssize_t n;

    do
        n = pread(walk->index->fd, walk->buffer, walk->size, (off_t)walk->position);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return error_set_errno(err, errno, "cannot read %s", walk->index->name);
    walk->input = slice_make(walk->buffer, (size_t)n);
    return true;
}

/* The next member's header, or the end. Its content is passed over by the call after that. */
static enum tar_event walk_next(struct walk *walk, struct error *err)
{
    for (;;) {
        uint64_t left = tar_decoder_content_left(&walk->decoder);
        size_t before = walk->input.len;
        struct slice ignored;
        enum tar_event event;

        if (left > before) {
            tar_decoder_skip(&walk->decoder, left);
            walk->position += left;
            walk->input.len = before = 0;
        }
        event = tar_decoder_next(&walk->decoder, &walk->input, &ignored, err);
        walk->position += before - walk->input.len;
        if (event == TAR_MEMBER || event == TAR_ARCHIVE_END)
            return event;
        if (event == TAR_NEED_INPUT) {
            if (!walk_fill(walk, err))
                return TAR_FAILED;
            if (walk->input.len > 0)
                continue;
            if (tar_decoder_finish(&walk->decoder, true, err))
                error_set(err, ERROR_CORRUPT, "the archive ended unexpectedly");
            event = TAR_FAILED;
        }
        if (event == TAR_FAILED) {
            error_prefix(err, "%s", walk->index->name);
            return event;
        }
    }
}

static bool walk_init(struct walk *walk, const struct tar_index *index, uint64_t position,
                      size_t size, struct error *err)
{
    walk->index = index;
    walk->position = position;
    walk->input = (struct slice){0};
    walk->size = size;
    walk->buffer = malloc(size);
    tar_decoder_init(&walk->decoder);
    return walk->buffer != NULL || error_set_memory(err);
}

static void walk_reset(struct walk *walk)
{
    tar_decoder_reset(&walk->decoder);
    free(walk->buffer);
}

/* ---- Making it ---- */

static bool add_member(struct tar_index *index, const struct walk *walk, uint64_t position,
                       struct error *err)
{
    const struct tar_member *member = &walk->decoder.member;

    if (member->type != RECORD_FILE)
        return true;
    if (index->count == index->capacity) {
        struct member *grown = array_grow(index->members, &index->capacity, sizeof(*grown), err);

        if (grown == NULL)
            return false;
        index->members = grown;
    }
    index->members[index->count++] = (struct member){number_of(member->path), position};
    return true;
}

static bool read_members(struct tar_index *index, struct walk *walk, const struct cancel *cancel,
                         struct error *err)
{
    uint64_t header = 0;

    for (;;) {
        enum tar_event event = walk_next(walk, err);
        const struct tar_member *member = &walk->decoder.member;

        if (event != TAR_MEMBER)
            return event == TAR_ARCHIVE_END;
        if (!cancel_check(cancel, err) || !add_member(index, walk, header, err))
            return false;
        header = walk->position + member->size + tar_padding(member->size);
    }
}

static int compare(const void *a, const void *b)
{
    const struct member *left = a, *right = b;

    return (left->number > right->number) - (left->number < right->number);
}

struct tar_index *tar_index_new(int fd, const char *name, const struct cancel *cancel,
                                struct error *err)
{
    struct tar_index *index = calloc(1, sizeof(*index));
    struct walk walk;
    bool done;

    if (index == NULL) {
        error_set_memory(err);
        return NULL;
    }
    index->fd = fd;
    snprintf(index->name, sizeof(index->name), "%s", name);
    done = walk_init(&walk, index, 0, WINDOW_SIZE, err) && read_members(index, &walk, cancel, err);
    walk_reset(&walk);
    if (!done) {
        tar_index_free(index);
        return NULL;
    }
    if (index->count > 1)
        qsort(index->members, index->count, sizeof(*index->members), compare);
    return index;
}

void tar_index_free(struct tar_index *index)
{
    if (index == NULL)
        return;
    free(index->members);
    free(index);
}

/* ---- Asking ---- */

static const struct member *find_first(const struct tar_index *index, uint64_t number)
{
    size_t low = 0, high = index->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (index->members[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return index->members + low;
}

/* Reads the header again: is it the one? */
static bool look(const struct tar_index *index, const struct member *member, const char *path,
                 struct tar_extent *extent, bool *is_it, struct error *err)
{
    struct walk walk;
    bool done = walk_init(&walk, index, member->position, LOOKUP_SIZE, err) &&
                walk_next(&walk, err) == TAR_MEMBER;

    if (done) {
        *is_it = strcmp(walk.decoder.member.path, path) == 0;
        *extent = (struct tar_extent){walk.position, walk.decoder.member.size};
    }
    walk_reset(&walk);
    return done;
}

static bool find_member(const struct tar_index *index, const char *path, struct tar_extent *extent,
                        bool *found, struct error *err)
{
    uint64_t number = number_of(path);
    const struct member *end = index->members + index->count;
    const struct member *first = find_first(index, number);

    *found = false;
    for (const struct member *at = first; at < end && at->number == number; at++) {
        struct tar_extent one = {0};
        bool is_it = false;

        if (at - first >= SAME_NUMBER_MAX)
            return error_set(err, ERROR_CORRUPT, "%s: too many members of one name", index->name);
        if (!look(index, at, path, &one, &is_it, err))
            return false;
        if (is_it && *found)
            return error_set(err, ERROR_CORRUPT, "%s: \"%.300s\" is there twice", index->name,
                             path);
        if (is_it)
            *extent = one;
        *found = *found || is_it;
    }
    return true;
}

/* Every part but the last is full: so few are many bytes. */
static bool find_parts(const struct tar_index *index, const char *name, struct tar_extent **extents,
                       size_t *count, struct error *err)
{
    size_t capacity = 0;

    for (;;) {
        char part[RECORD_PATH_MAX];
        struct tar_extent extent;
        struct error ignored;
        bool found;

        if (!tar_part_name(name, (unsigned)*count + 1, part, &ignored))
            return true;
        if (!find_member(index, part, &extent, &found, err))
            return false;
        if (!found)
            return true;
        if (*count == capacity) {
            struct tar_extent *grown = array_grow(*extents, &capacity, sizeof(*grown), err);

            if (grown == NULL)
                return false;
            *extents = grown;
        }
        (*extents)[(*count)++] = extent;
    }
}

static bool find_extents(const struct tar_index *index, const char *name,
                         struct tar_extent **extents, size_t *count, struct error *err)
{
    struct tar_extent extent;
    bool found = false;

    /* What is called as a part is one, and no record of its own. */
    if (!tar_part_parse(name, NULL, NULL) && !find_member(index, name, &extent, &found, err))
        return false;
    if (!found)
        return find_parts(index, name, extents, count, err);
    *extents = malloc(sizeof(extent));
    if (*extents == NULL)
        return error_set_memory(err);
    **extents = extent;
    *count = 1;
    return true;
}

bool tar_index_find(const struct tar_index *index, const char *path, struct tar_extent **extents,
                    size_t *count, struct error *err)
{
    *extents = NULL;
    *count = 0;
    if (find_extents(index, path[0] == '/' ? path + 1 : path, extents, count, err))
        return true;
    free(*extents);
    *extents = NULL;
    *count = 0;
    return false;
}
