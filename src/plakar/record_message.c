/* A record's metadata in Plakar's terms: Go's mode bits, names as Plakar splits paths, and numbers
 * by which it sees that no file is one of an older snapshot. */
#include "plakar/record_message.h"

#include "base/utf8.h"
#include "plakar/importer.pb-c.h"

#define GO_DIRECTORY (UINT32_C(1) << 31)
#define GO_LINK (UINT32_C(1) << 27)
#define GO_SETUID (UINT32_C(1) << 23)
#define GO_SETGID (UINT32_C(1) << 22)
#define GO_STICKY (UINT32_C(1) << 20)

uint32_t record_message_mode(const struct record *record)
{
    uint32_t mode = record->mode & 0777;

    if ((record->mode & 04000) != 0)
        mode |= GO_SETUID;
    if ((record->mode & 02000) != 0)
        mode |= GO_SETGID;
    if ((record->mode & 01000) != 0)
        mode |= GO_STICKY;
    switch (record->type) {
    case RECORD_DIRECTORY:
        return mode | GO_DIRECTORY;
    case RECORD_LINK:
        return mode | GO_LINK;
    case RECORD_FILE:
        break;
    }
    return mode;
}

enum record_type record_message_type(uint32_t mode)
{
    if ((mode & GO_DIRECTORY) != 0)
        return RECORD_DIRECTORY;
    return (mode & GO_LINK) != 0 ? RECORD_LINK : RECORD_FILE;
}

/* The last component; the root is called "/". */
static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash[1] == '\0' ? slash : slash + 1;
}

static bool check_text(const char *text, const char *path, struct error *err)
{
    struct buffer shown = {0};
    bool escaped = false;

    if (utf8_is_clean(slice_string(text), false))
        return true;
    if (utf8_append_escaped(&shown, slice_string(path), UTF8_IN_TEXT, false, &escaped, err)) {
        error_set(err, ERROR_UNSUPPORTED, "the name %.600s is not UTF-8, and Plakar holds no other",
                  buffer_text(&shown));
        error_hint(err, "If the file is not part of the cluster, remove it.");
    }
    buffer_free(&shown);
    return false;
}

static bool append_packed(struct buffer *out, const Importer__ImportResponse *response,
                          struct error *err)
{
    size_t len = importer__import_response__get_packed_size(response);

    if (!buffer_reserve(out, len, err))
        return false;
    importer__import_response__pack(response, out->data + out->len);
    out->len += len;
    return true;
}

/* The generated structures hold texts as char *; packing only reads them. */
static char *text(const char *constant)
{
    return (char *)(uintptr_t)constant;
}

bool record_message_append(struct buffer *out, const struct record *record,
                           const struct record_stamp *stamp, struct error *err)
{
    Connectors__Timestamp modified;
    Connectors__FileInfo info;
    Connectors__Record announced;
    Importer__ImportResponse response;

    if (!check_text(record->path, record->path, err))
        return false;
    connectors__timestamp__init(&modified);
    connectors__file_info__init(&info);
    connectors__record__init(&announced);
    importer__import_response__init(&response);
    modified.seconds = record->modified.tv_sec;
    modified.nanos = (int32_t)record->modified.tv_nsec;
    info.name = text(name_of(record->path));
    info.size = record->type == RECORD_FILE ? record->size : 0;
    info.mode = record_message_mode(record);
    info.mod_time = &modified;
    info.dev = stamp->backup;
    info.ino = stamp->position;
    info.uid = record->owner;
    info.gid = record->group;
    info.nlink = 1; /* more would make hard links of unrelated files */
    announced.has_reader = record->type == RECORD_FILE;
    announced.pathname = text(record->path);
    announced.file_info = &info;
    if (record->type == RECORD_LINK) {
        if (!check_text(record->link_target, record->path, err))
            return false;
        announced.target = text(record->link_target);
    }
    response.record = &announced;
    return append_packed(out, &response, err);
}
