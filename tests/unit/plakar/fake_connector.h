/* A connector without a server: records by a list, failures on demand. */
#ifndef PGCASK_TESTS_FAKE_CONNECTOR_H
#define PGCASK_TESTS_FAKE_CONNECTOR_H

#include "plakar/connector.h"

#include <stdatomic.h>

struct fake_record {
    const char *path;
    enum record_type type;
    size_t size;
    size_t fails_after; /* bytes until its reader fails; 0: it does not */
};

struct fake_connector {
    const struct fake_record *records; /* ends with path NULL */
    bool sequential;
    bool start_fails, ping_fails, endless_start;
    bool reuses;         /* what is no .json */
    bool needs_all;      /* no record may be left out */
    atomic_size_t given; /* records asked for */
    atomic_size_t read;  /* bytes pulled from readers */
    atomic_int open_readers, open_sources, completed;
};

/* Byte number `at` of any record's content. */
uint8_t fake_byte(size_t at);

void fake_connector_init(struct fake_connector *fake, const struct fake_record *records,
                         struct connector *connector);

#endif
