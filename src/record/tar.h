/*
 * The tar format, without I/O: POSIX ustar with pax extended headers where ustar cannot hold a
 * name or a size, GNU base-256 numbers and GNU long names when reading.
 *
 * Sources: POSIX.1-2008 pax "Interchange Format"; PostgreSQL's BASE_BACKUP writes plain ustar with
 * base-256 sizes from 8 GiB on, '/' after directory and link names, and up to PostgreSQL 14 no
 * end-of-archive blocks.
 */
#ifndef PGCASK_RECORD_TAR_H
#define PGCASK_RECORD_TAR_H

#include "base/buffer.h"
#include "record/record.h"

#define TAR_BLOCK 512
#define TAR_TRAILER_SIZE 1024

struct tar_member {
    enum record_type type;
    char path[RECORD_PATH_MAX];        /* as written, less a leading "./" and trailing slashes; not
                                          otherwise judged: "" is the archive's root */
    char link_target[RECORD_PATH_MAX]; /* "" unless type is RECORD_LINK; less trailing slashes */
    uint32_t mode;                     /* permission bits */
    uint32_t owner, group;
    uint64_t size; /* bytes of content that follow */
    struct timespec modified;
};

enum tar_event {
    TAR_NEED_INPUT,  /* the input is used up */
    TAR_MEMBER,      /* decoder->member is a new member */
    TAR_DATA,        /* *data is a part of its content, lying in the input */
    TAR_MEMBER_END,  /* after the last content byte, also of a member without content; padding may
                        still be outstanding */
    TAR_ARCHIVE_END, /* the end blocks were read; whatever follows in the input is not touched.
                        Given again on each further call */
    TAR_FAILED
};

struct tar_decoder {
    struct tar_member member;
    /* private from here on */
    int state;
    uint64_t left;      /* bytes of the current part still to come */
    size_t padding;     /* zeros to skip behind it */
    size_t header_used; /* bytes in header */
    uint8_t header[TAR_BLOCK];
    struct buffer extended; /* text of a pax or GNU long-name member; bounded to 1 MiB */
    int extended_type;
    bool extended_pending;   /* an extended header came, its member not yet */
    unsigned extended_count; /* such headers since the last member */
    bool has_pax_path, has_pax_link, has_pax_size, has_pax_mtime, has_pax_owner, has_pax_group;
    uint64_t pax_size;
    struct timespec pax_mtime;
    uint32_t pax_owner, pax_group;
    char pax_path[RECORD_PATH_MAX], pax_link[RECORD_PATH_MAX];
    bool zero_block_seen;
};

void tar_decoder_init(struct tar_decoder *decoder);
void tar_decoder_reset(struct tar_decoder *decoder); /* frees; ready for another archive */

/* Takes what it needs off the front of *input and says what came of it; call until
 * TAR_NEED_INPUT. Header checksums, numbers and names are checked; member types other than file,
 * directory, symbolic link and the extended headers fail. */
enum tar_event tar_decoder_next(struct tar_decoder *decoder, struct slice *input,
                                struct slice *data, struct error *err);

/* Content bytes of the current member that have not been taken yet; and a way to say that so many
 * of them were passed over without being fed (a file can seek). */
uint64_t tar_decoder_content_left(const struct tar_decoder *decoder);
void tar_decoder_skip(struct tar_decoder *decoder, uint64_t bytes);

/* Called where the input ended: fails inside a member or header. With trailer_required, an archive
 * without its end blocks fails too. */
bool tar_decoder_finish(const struct tar_decoder *decoder, bool trailer_required,
                        struct error *err);

/* Appends the header block(s) of a member; its content, padded by tar_padding(size) zeros, follows.
 * member->path without a leading slash; a directory gets its '/' here. The last block appended is
 * always the member's own header. Nanoseconds are dropped. */
bool tar_encode_header(const struct tar_member *member, struct buffer *out, struct error *err);

/* Changes the size in a header block that was made with size 0. */
void tar_header_set_size(uint8_t header[TAR_BLOCK], uint64_t size);

/* Zeros behind a content of that size: 0 to 511. */
size_t tar_padding(uint64_t size);

#endif
