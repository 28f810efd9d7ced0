/* The bytes of large objects, which have been made already. */
#ifndef PGCASK_RESTORE_RESTORE_OBJECTS_H
#define PGCASK_RESTORE_RESTORE_OBJECTS_H

#include "restore/restore_data.h"

bool restore_object_begin(struct restore_data *data, uint32_t oid, struct error *err);
bool restore_object_bytes(struct restore_data *data, struct slice bytes, struct error *err);
bool restore_object_end(struct restore_data *data, struct error *err);

/* Queues what waits for more. */
bool restore_objects_flush(struct restore_data *data, struct error *err);

#endif
