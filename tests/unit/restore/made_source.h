/* A record source from a table in memory, which can fail, be changed, or do something midway. */
#ifndef PGCASK_TESTS_RESTORE_MADE_SOURCE_H
#define PGCASK_TESTS_RESTORE_MADE_SOURCE_H

#include "record/record.h"

struct made_record {
    enum record_type type;
    const char *path;
    const char *content; /* of a file, or the target of a link */
    size_t content_size; /* 0: strlen(content) */
};

struct made_source {
    struct record_source source;
    const struct made_record *records; /* up to one without a path */
    size_t next;
    bool closed;
    size_t fail_at;                /* the source fails instead of giving that record; 0: never */
    void (*at_end)(void *context); /* called before SOURCE_END is given; may be NULL */
    void *context;
};

/* The caller's memory; closing it only sets `closed`. */
void made_source_init(struct made_source *made, const struct made_record *records);

#define MADE_FILE(path, content)                                                                   \
    {                                                                                              \
        RECORD_FILE, path, content, 0                                                              \
    }
#define MADE_BYTES(path, bytes, size)                                                              \
    {                                                                                              \
        RECORD_FILE, path, bytes, size                                                             \
    }
#define MADE_FOLDER(path)                                                                          \
    {                                                                                              \
        RECORD_DIRECTORY, path, NULL, 0                                                            \
    }
#define MADE_LINK(path, target)                                                                    \
    {                                                                                              \
        RECORD_LINK, path, target, 0                                                               \
    }
#define MADE_END                                                                                   \
    {                                                                                              \
        RECORD_FILE, NULL, NULL, 0                                                                 \
    }

#endif
