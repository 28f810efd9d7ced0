/*
 * What Plakar has sent and the restore has not taken yet: the I/O thread puts it in, and the
 * restore's thread takes records out of the source at its other end. It does not wait for room:
 * whoever puts in asks export_queue_full() before Plakar is given leave to send more.
 */
#ifndef PGCASK_PLAKAR_EXPORT_QUEUE_H
#define PGCASK_PLAKAR_EXPORT_QUEUE_H

#include "base/cancel.h"
#include "plakar/export_message.h"

struct export_queue;

/* wake_fd is written to when there is room again, and when everything was taken. */
struct export_queue *export_queue_new(int wake_fd, struct error *err);
void export_queue_free(struct export_queue *queue); /* NULL is allowed */

/* ---- The I/O thread's ---- */

/* Takes the record's texts over. */
bool export_queue_put_record(struct export_queue *queue, struct export_record *record,
                             struct error *err);
bool export_queue_put_content(struct export_queue *queue, struct slice bytes, struct error *err);
bool export_queue_put_content_end(struct export_queue *queue, struct error *err);
/* Nothing more comes; why: it is not all there is, and the source fails there. */
bool export_queue_end(struct export_queue *queue, const struct error *why, struct error *err);

bool export_queue_full(struct export_queue *queue);

/* ---- The restore's thread's ---- */

/* One source; it ends before the queue does. */
struct record_source *export_queue_source(struct export_queue *queue, struct cancel *cancel,
                                          struct error *err);

/* Whether the source was taken to its end. */
bool export_queue_was_taken(struct export_queue *queue);

/* Nobody takes any more: what is in it goes, and what is put in. */
void export_queue_drop(struct export_queue *queue);

#endif
