/*
 * The parts of the server's configuration: configuration.c gathers it, configuration_report.c tells
 * what became of it.
 */
#ifndef PGCASK_BACKUP_CONFIGURATION_INTERNAL_H
#define PGCASK_BACKUP_CONFIGURATION_INTERNAL_H

#include "backup/configuration.h"

/* An item that was not read yet. It stays where it is only until the next one is added. */
struct configuration_item *configuration_add_item(struct configuration *configuration,
                                                  const char *setting, const char *path,
                                                  struct error *err);

#endif
