/*
 * Where an SQL script goes: standard output, or a file that does not exist yet. The file is written
 * under another name, and has its own only once it is whole and on the disk.
 */
#ifndef PGCASK_CLI_SQL_TARGET_H
#define PGCASK_CLI_SQL_TARGET_H

#include "base/buffer.h"
#include "cli/command.h"

struct sql_target {
    const char *path; /* NULL: standard output */
    const struct cancel *cancel;
    char partial[4200];
    int fd;
    struct buffer waiting;
};

/* Whether --to of a restore names one: "-", or a name that ends in .sql. */
bool sql_target_is(const char *name);

/* Refuses a file that is there. */
bool sql_target_open(struct sql_target *target, const char *name, const struct cancel *cancel,
                     struct error *err);
/* context: the target. */
bool sql_target_write(void *context, struct slice bytes, struct error *err);
bool sql_target_finish(struct sql_target *target, struct error *err);
/* What was not finished is removed. */
void sql_target_reset(struct sql_target *target);

#endif
