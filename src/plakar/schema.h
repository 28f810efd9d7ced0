/* The JSON schemas of the Plakar package, from the option table. */
#ifndef PGCASK_PLAKAR_SCHEMA_H
#define PGCASK_PLAKAR_SCHEMA_H

#include "base/buffer.h"
#include "plakar/configuration.h"

/* The keys that a connector of manifest.yaml takes: "importer", "exporter", and with tokens of AWS
 * IAM "importer-aws", "exporter-aws". */
bool schema_write(const struct configuration_table *table, const char *name, struct buffer *out,
                  struct error *err);

#endif
