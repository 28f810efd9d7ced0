/* Where backups go to and come from: a directory, a .tar file, or a tar on standard input or
 * output. A tar may be compressed. */
#ifndef PGCASK_CLI_LOCATION_H
#define PGCASK_CLI_LOCATION_H

#include "cli/command.h"
#include "cli/progress.h"
#include "record/place.h"

/* What a target of that name is to be: "-"; a tar, which may be compressed, as its name says
 * (".tar", ".tar.gz", …); else a directory. A name that looks like a file of another format is
 * refused, unless it ends in a slash or such a directory is there; so is a URI. */
bool location_of_target(const char *name, struct record_place *place, enum compression *compression,
                        struct error *err);

/* Where a backup is, as the command was told. */
struct location {
    const char *name;
    struct record_place place;
};

bool location_of_source(struct location *location, const char *name, struct error *err);

/* Lets the progress know how much there is to read of it. */
void location_follow(const struct location *location, const struct command *command,
                     const struct record_source *source, struct progress *progress);

#endif
