/*
 * Taking what has not changed from the last snapshot. Plakar does that by itself for a file whose
 * metadata are those of the snapshot's, and asks nobody; so metadata must say whether the content
 * is the same, and sizes and times cannot: a page is written again within a second, a cluster comes
 * back from a copy with the times of another, a clock is set back.
 *
 * Here the content says it. A file that is not too large is read whole into the buffer before it is
 * announced, and its inode and device number are the SHA-256 of its bytes: equal numbers are equal
 * files, wherever they came from, and whatever clocks say. All others have the backup's own, unlike
 * in any other one.
 *
 * What Plakar acknowledges without having opened it may also be a record that it hides, because its
 * store has that path or one above. So the first file of each folder is never reusable, and where
 * it is not opened the backup fails.
 */
#include "plakar/import_queue.h"

#include "base/bytes.h"

/* Remembers the folder of the file. */
static bool is_first_of_folder(struct import_job *job, const char *path)
{
    size_t len = (size_t)(strrchr(path, '/') - path);

    if (strncmp(job->folder, path, len) == 0 && job->folder[len] == '\0')
        return false;
    memcpy(job->folder, path, len);
    job->folder[len] = '\0';
    return true;
}

bool import_may_reuse(struct import_job *job, const struct record *record)
{
    const struct connector *connector = job->options.connector;
    bool opened;

    if (record->type != RECORD_FILE || record->by_itself || record->size < 0 ||
        !connector->reusable(connector->context, record) || is_first_of_folder(job, record->path))
        return false;
    pthread_mutex_lock(&job->lock);
    opened = job->opened > 0;
    pthread_mutex_unlock(&job->lock);
    return opened && record->size <= REUSABLE_MAX;
}

static bool read_whole(struct import_entry *entry, struct record_stamp *stamp, struct error *err)
{
    uint8_t bytes[DIGEST_MAX];
    bool complete;

    entry->reusable = true;
    entry->digest = digest_new(DIGEST_SHA256, err);
    if (entry->digest == NULL)
        return false;
    digest_begin(entry->digest);
    import_read_content(entry);
    digest_end(entry->digest, bytes);
    stamp->backup = bytes_get_u64(bytes);
    stamp->position = bytes_get_u64(bytes + 8);
    pthread_mutex_lock(&entry->job->lock);
    complete = entry->content_ready;
    pthread_mutex_unlock(&entry->job->lock);
    return complete; /* else the job failed, and says why */
}

bool import_announce_read(struct import_job *job, struct record *record,
                          const struct record_source *source, struct error *err)
{
    struct import_entry *entry = import_entry_new(job, record, err);
    struct record_stamp stamp;

    record->reader = NULL;
    if (entry == NULL)
        return false;
    if (read_whole(entry, &stamp, err))
        return import_announce(entry, record, source, &stamp, err);
    import_free_entry(entry);
    return false;
}
