/*
 * The files that AWS's tools keep in ~/.aws: sections with a name, in them "key = value". Source:
 * AWS SDKs and Tools Reference Guide, "Shared config and credentials files".
 */
#ifndef PGCASK_AWS_SHARED_FILE_H
#define PGCASK_AWS_SHARED_FILE_H

#include "base/buffer.h"
#include "base/error.h"

/* Reads the file, which is a secret. *found is false where there is none. */
bool shared_file_read(const char *path, struct buffer *text, bool *found, struct error *err);

/* Whether the text has that section. In ~/.aws/config a profile's is "profile NAME", but for
 * "default". */
bool shared_file_has(struct slice text, const char *section);

/* The value of a key in that section, of several the last: it lies in the text. False: there is
 * none. Lines that are indented belong to what is above them, and are passed over. */
bool shared_file_find(struct slice text, const char *section, const char *key, struct slice *value);

#endif
