/* The JSON schemas of the Plakar package, from the option table. */
#ifndef PGCASK_PLAKAR_SCHEMA_H
#define PGCASK_PLAKAR_SCHEMA_H

#include "base/buffer.h"
#include "base/options.h"

/* The keys that the importer takes: the options of the command in the table. */
bool schema_write_importer(const struct option_program *program, size_t command, struct buffer *out,
                           struct error *err);

/* The exporter's: where to, and how to connect. */
bool schema_write_exporter(const struct option_program *program, size_t command, struct buffer *out,
                           struct error *err);

#endif
