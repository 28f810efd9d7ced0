/* What comes through a pipe, or is compressed as a whole, is read once and kept. */
#include "restore/spooled_place.h"

#include "base/error_names.h"
#include "base/nameless_file.h"
#include "restore/archive_input.h"
#include "restore/backup_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct spooling {
    struct spooled_place *spooled;
    struct record_place *place;
    const char *name;
    const struct restore_request *request;
};

static bool put_away(struct spooling *spooling, struct slice bytes, struct error *err)
{
    while (bytes.len > 0) {
        ssize_t len = write(spooling->spooled->fd, bytes.data, bytes.len);

        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0) {
            error_set_errno(err, errno, "cannot keep %s in \"%s\" meanwhile", spooling->name,
                            nameless_file_directory(spooling->request->spool_directory));
            return error_hint(err, "Another place: " OPTION_SPOOL_DIR);
        }
        slice_take(&bytes, (size_t)len);
    }
    return cancel_check(spooling->request->cancel, err);
}

static bool put_all_away(struct spooling *spooling, struct reader *reader, struct error *err)
{
    enum reader_status status;
    struct slice bytes;

    while ((status = reader_next(reader, &bytes, err)) == READER_DATA) {
        if (!put_away(spooling, bytes, err))
            return false;
    }
    return status == READER_END;
}

/* A custom archive that is not compressed as a whole can be read by position, too. */
static bool can_seek(const struct record_place *place)
{
    static const char magic[] = "PGDMP";
    char begin[sizeof(magic) - 1];
    struct stat status;
    bool can;
    int fd;

    if (place->kind != PLACE_TAR_FILE || archive_input_place_can_seek(place))
        return place->kind != PLACE_TAR_STREAM;
    fd = open(place->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    can = fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
          pread(fd, begin, sizeof(begin), 0) == (ssize_t)sizeof(begin) &&
          memcmp(begin, magic, sizeof(begin)) == 0;
    if (fd >= 0)
        close(fd);
    return can;
}

/* From then on the place is that file. */
static bool spool(struct spooling *spooling, struct error *err)
{
    struct record_source *source =
        backup_source_open(spooling->place, spooling->request->cancel, err);
    struct slice ignored;
    bool done = false;

    if (source == NULL)
        return false;
    spooling->spooled->fd = nameless_file_open(spooling->request->spool_directory, err);
    if (spooling->spooled->fd >= 0)
        done = tar_source_peek(source, 1, &ignored, err) &&
               put_all_away(spooling, tar_source_raw_reader(source), err);
    source_close(source);
    snprintf(spooling->spooled->path, sizeof(spooling->spooled->path), "/proc/self/fd/%d",
             spooling->spooled->fd);
    *spooling->place =
        (struct record_place){.kind = PLACE_TAR_FILE, .path = spooling->spooled->path, .fd = -1};
    return done;
}

bool spooled_place_make(struct spooled_place *spooled, struct record_place *place, const char *name,
                        const struct restore_request *request, struct error *err)
{
    struct spooling spooling = {spooled, place, name, request};

    return can_seek(place) || spool(&spooling, err);
}

void spooled_place_close(struct spooled_place *spooled)
{
    if (spooled->fd >= 0)
        close(spooled->fd);
    spooled->fd = -1;
}
