/*
 * PostgreSQL's own dump archives: the custom format (one file), the directory format, and plain SQL
 * made from the same entries. Written so that the pg_restore of the source's own major takes them
 * for its own, and read back for list and verify.
 *
 * Versions: 1.14 (what PostgreSQL 13 to 15 write), 1.15 (16: lz4 and zstd) and 1.16 (17, 18:
 * relkind in every entry). There is no specification of the format; what is stated here was found
 * by experiment with stock tools and files of theirs.
 */
#ifndef PGCASK_ARCHIVE_ARCHIVE_H
#define PGCASK_ARCHIVE_ARCHIVE_H

#include "base/buffer.h"
#include "base/compress.h"
#include "record/record.h"

#include <time.h>

/* A statement can have up to 1 GiB. Buffers that hold one at a time are not kept beyond this. */
#define ARCHIVE_TEXT_KEPT ((size_t)1 << 20)

/* ---- What is in an archive ---- */

enum archive_section { SECTION_NONE = 1, SECTION_PRE_DATA, SECTION_DATA, SECTION_POST_DATA };

struct archive_header {
    int minor;                    /* of the archive's version: 14, 15 or 16 */
    enum compression compression; /* gzip: a zlib stream in a custom file, a gzip file in a
                                     directory; lz4 and zstd: 1.15 and later */
    time_t created;               /* stored as local time */
    const char *database;         /* as the server names it */
    const char *server_version;   /* "15.20 (Debian …)" */
    const char *dumper_version;   /* "pgcask 1.0" */
    uint32_t entry_count;
};

/* An entry of the table of contents. NULL and "" differ, and both occur. */
struct archive_entry {
    int32_t dump_id;                  /* from 1, unique */
    bool has_data;                    /* TABLE DATA, BLOBS */
    uint32_t catalog_oid, object_oid; /* 0 where the catalogs have no row for it */
    const char *tag;
    const char *desc; /* "TABLE", "TABLE DATA", … decides how pg_restore treats the entry */
    enum archive_section section;
    const char *definition; /* SQL that ends in a line feed, or NULL */
    const char *drop;       /* the same; it holds "DROP " and desc. "": nothing to drop */
    const char *copy;       /* "COPY s.t (a, b) FROM stdin;\n"; TABLE DATA only */
    const char *schema;     /* unquoted; NULL: belongs to none */
    const char *tablespace; /* NULL: does not apply; "": the database's */
    const char *access_method;
    char relkind;      /* 0: not a relation that restoring asks about */
    const char *owner; /* unquoted; NULL: the kind has none */
    const int32_t *dependencies;
    size_t dependency_count;
    const char *file; /* reading a directory only: that of its data, without suffix; "": none */
};

static inline bool archive_has_text(const char *text)
{
    return text != NULL && text[0] != '\0';
}

/* The archive version that the tools of a server's major write. */
int archive_minor_of_server(int server_version_num);

/* False with a hint if that version knows the method only later. */
bool archive_compression_check(int minor, enum compression compression, struct error *err);

/* ---- Writing ---- */

/* Where the entries and their data come from, pulled in the order they are written: all entries,
 * then the data of those that have some, in the same order. (A plain script asks for entries
 * several times, and for an entry's data right behind it.) */
struct archive_content {
    void *context;
    /* The entry with that number (0 … entry_count - 1). Borrowed until the next call. */
    bool (*entry)(void *context, uint32_t number, struct archive_entry *entry, struct error *err);
    /* The next bytes of the data of that entry: an empty slice at their end. Borrowed until the
     * next call. COPY text comes without its end mark "\.", which the archive adds. Of large
     * objects: the bytes of one after the other, with an empty slice behind each. Without a COPY
     * statement they are SQL. */
    bool (*data)(void *context, uint32_t number, struct slice *bytes, struct error *err);
    /* Of an entry that holds large objects ("BLOBS"): the number of the one with that index (from
     * 0); 0 behind the last. NULL: there are no such entries. */
    bool (*object)(void *context, uint32_t number, uint32_t index, uint32_t *oid,
                   struct error *err);
};

/* What such an entry is called. */
#define ARCHIVE_LARGE_OBJECTS "BLOBS"

/* A custom archive as a reader for a record of unknown size. Offsets of data are left unset, which
 * is legal; a store that can seek amends them afterwards: see reader_ops.amend. level: of the
 * compression, or COMPRESSION_LEVEL_DEFAULT. Data goes into chunks of 64 KiB whatever sizes it came
 * in: the archive's bytes depend on its content alone. Header and content are borrowed until the
 * close.
 */
struct reader *custom_stream_new(const struct archive_header *header,
                                 const struct archive_content *content, int level,
                                 struct error *err);

/* Bytes of header and table of contents, which are all that amending changes; 0 while they are not
 * all written. Only for readers made by custom_stream_new. */
uint64_t custom_stream_contents_size(const struct reader *reader);

/* toc.dat of a directory archive (the header says tar there, as stock tools have it), and the file
 * of one entry's data: of rows. */
struct reader *directory_toc_stream_new(const struct archive_header *header,
                                        const struct archive_content *content, struct error *err);
struct reader *directory_data_stream_new(const struct archive_content *content, uint32_t number,
                                         enum compression compression, int level,
                                         struct error *err);
/* "123.dat" with the suffix of the compression. */
void directory_data_name(int32_t dump_id, enum compression compression, char out[32]);

/* An entry of large objects has a file for each of them, whose streams are read one after the
 * other, in their order; and a list of them. */
struct reader *directory_object_stream_new(const struct archive_content *content, uint32_t number,
                                           enum compression compression, int level,
                                           struct error *err);
struct reader *directory_object_list_stream_new(const struct archive_content *content,
                                                uint32_t number, struct error *err);
/* "blob_70001.dat" with the suffix of the compression. */
void directory_object_name(uint32_t oid, enum compression compression, char out[32]);
/* "blobs.toc"; from 1.16 on "blobs_123.toc". */
void directory_object_list_name(int32_t dump_id, int minor, char out[32]);

/* Which database a script is for. */
enum plain_database {
    PLAIN_INTO_ANY, /* the one that psql is connected to: the database's own entries are left out */
    PLAIN_INTO_ITS_OWN, /* one that is there, to which it connects itself; its owner, properties,
                           comment and privileges are set */
    PLAIN_CREATES,      /* that one, which it creates */
    PLAIN_GOES_THERE    /* one that is there, to which it connects itself; nothing of it is set */
};

/* What a script has beside its entries. All zeros: nothing of it. */
struct plain_wishes {
    enum plain_database database;
    bool drops;            /* first of all everything is dropped that is there, the last first */
    bool one_transaction;  /* around all of it */
    bool without_triggers; /* they are off while rows come */
    bool row_security;     /* rows as policies let them through, instead of an error */
    const char *role;      /* that it is run as (SET ROLE); NULL: whoever is logged in */
    const char *restrict_word; /* letters and digits that nobody can guess: from the first line to
                                  the last, psql takes no meta-command but for those that are
                                  written here (\restrict); NULL: it may. psql older than August
                                  2025 does not know that */
};

/* The same as an SQL script for psql. What comes of a call has been lent before the next thing is
 * asked for: so whoever takes the script may also write data to where it goes, when he is asked for
 * them, and give none. Its only other meta-command is \connect: of a name that is letters,
 * digits, _ and . as it is, else of -reuse-previous=on "postgresql:///NAME", percent-encoded. */
struct reader *plain_stream_new(const struct archive_header *header,
                                const struct archive_content *content, enum plain_database database,
                                struct error *err);
/* The wishes' texts are borrowed until the close. */
struct reader *plain_stream_of_wishes(const struct archive_header *header,
                                      const struct archive_content *content,
                                      const struct plain_wishes *wishes, struct error *err);

/* Appends what drops the entry's object if it is there: its own statement, with IF EXISTS where it
 * belongs, and what the archive has behind it. Nothing of what is never dropped. */
bool archive_append_drop(struct buffer *out, const struct archive_entry *entry, struct error *err);

/* Large objects as statements, for who has their bytes as they come: `waiting` holds what is not
 * yet a statement, and is empty at first. */
bool plain_object_begin(struct buffer *out, uint32_t oid, struct error *err);
bool plain_object_bytes(struct buffer *waiting, struct slice bytes, struct buffer *out,
                        struct error *err);
bool plain_object_end(struct buffer *waiting, struct buffer *out, struct error *err);

/* ---- Reading ---- */

/* What a decoder of an archive finds, as a codec without I/O. Strings are valid during the call.
 * Each may be NULL; each returns false with *err set to stop. */
struct archive_handler {
    void *context;
    bool (*header)(void *context, const struct archive_header *header, struct error *err);
    bool (*entry)(void *context, uint32_t number, const struct archive_entry *entry,
                  struct error *err);
    /* Unpacked bytes of an entry's data, with the end mark of COPY text. dump_id 0: of a large
     * object in a directory. */
    bool (*data)(void *context, int32_t dump_id, struct slice bytes, struct error *err);
    /* That was all of it. rows: lines of COPY text; 0 for anything else. */
    bool (*data_end)(void *context, int32_t dump_id, uint64_t rows, struct error *err);
    /* Of a directory alone, for who restores: the same bytes, without the end mark. */
    bool (*content)(void *context, int32_t dump_id, struct slice bytes, struct error *err);
};

struct archive_decoder;

/* A custom archive, fed as it streams by. Memory: the strings of one entry of the table of
 * contents, at most 256 MiB of them, taken only as they come; 8 bytes for each entry that has data.
 * A handler that fails, or a decoder that failed, fails with the same error from then on. */
struct archive_decoder *archive_decoder_new(const struct archive_handler *handler,
                                            struct error *err);
/* toc.dat of a directory archive (or of one that pg_dump wrote as tar). */
struct archive_decoder *archive_toc_decoder_new(const struct archive_handler *handler,
                                                struct error *err);
void archive_decoder_free(struct archive_decoder *decoder);
bool archive_decoder_feed(struct archive_decoder *decoder, struct slice bytes, struct error *err);

/* Bytes of header and table of contents; 0 until they were all read. */
uint64_t archive_decoder_contents_size(const struct archive_decoder *decoder);

/* Rows of COPY text in all the data read so far. */
uint64_t archive_decoder_rows(const struct archive_decoder *decoder);

/* Fails unless the archive is whole: every entry that has data has had its block, unpacked to its
 * end, with the end mark of COPY text. */
bool archive_decoder_finish(struct archive_decoder *decoder, struct error *err);

/* A copy of toc.dat that a directory archive may have, whose name sorts before all others. Stock
 * tools do not look at it. */
#define ARCHIVE_CONTENTS_COPY "0.toc"

/* A directory archive, file by file: toc.dat first (it may be compressed, too) or 0.toc, the others
 * in any order. The members of an archive that pg_dump wrote as tar are the same files. data_end
 * tells the rows of an entry, as above. Memory: as above, and 8 bytes for each large object. */
struct archive_folder;

/* Whether a file of that name is the table of contents, or its copy. */
bool archive_folder_is_contents(const char *name);

struct archive_folder *archive_folder_new(const struct archive_handler *handler, struct error *err);
void archive_folder_free(struct archive_folder *folder);

/* "toc.dat", "123.dat.gz", … A file that does not belong to the archive is an error. Messages do
 * not name the file. After a failure the next file may be begun. */
bool archive_folder_begin(struct archive_folder *folder, const char *name, struct error *err);
bool archive_folder_feed(struct archive_folder *folder, struct slice bytes, struct error *err);

/* Of the file that was begun last: the dump id of the entry whose rows it has, or the number of a
 * large object; both 0 if it is another file. */
void archive_folder_file(const struct archive_folder *folder, int32_t *dump_id, uint32_t *oid);
bool archive_folder_end(struct archive_folder *folder, struct error *err);

uint64_t archive_folder_rows(const struct archive_folder *folder);

/* Fails if the file of an entry or of a large object was missing. */
bool archive_folder_finish(struct archive_folder *folder, struct error *err);

/* Whether that was why it failed. */
bool archive_folder_lacks_data(const struct archive_folder *folder);

#endif
