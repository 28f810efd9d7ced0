/* What Plakar sends on Export, and what it is answered. */
#ifndef PGCASK_PLAKAR_EXPORT_MESSAGE_H
#define PGCASK_PLAKAR_EXPORT_MESSAGE_H

#include "base/buffer.h"
#include "record/record.h"

enum export_packet { EXPORT_RECORD, EXPORT_CHUNK };

/* Takes an ExportRequest apart: the bytes of its record, or of its chunk, where they lie. */
bool export_message_read(struct slice message, enum export_packet *packet, struct slice *bytes,
                         struct error *err);

/* A record as it comes. */
struct export_record {
    struct record record; /* its texts are below; without a reader */
    char *path, *target;
    bool has_content;  /* chunks follow, the last of them empty */
    bool is_attribute; /* of the file of that path, and no file */
};

/* Reads the record's bytes. A path that is none fails. */
bool export_record_read(struct export_record *record, struct slice bytes, struct error *err);
void export_record_reset(struct export_record *record);

/* Appends an ExportResponse: the record's bytes as they came, and what is wrong; "": nothing. */
bool export_result_append(struct buffer *out, struct slice record, const char *wrong,
                          struct error *err);

#endif
