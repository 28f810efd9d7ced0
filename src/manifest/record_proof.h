/*
 * The proof of a record: how many bytes it has, and their digest as the backup's lists state it. It
 * is made while the bytes go by, when they are backed up and again whenever they are checked, and
 * here alone is said which digest a record has:
 *
 *     a file that backup_manifest lists   CRC-32C or SHA-256
 *     another file, of summary.json       XXH3-128 or SHA-256
 *     an archive, of summary.json         the same, of two digests behind each other: that of its
 *                                         header and table of contents, which a store may amend
 *                                         once all has come, and that of all that follows
 */
#ifndef PGCASK_MANIFEST_RECORD_PROOF_H
#define PGCASK_MANIFEST_RECORD_PROOF_H

#include "base/digest.h"
#include "manifest/physical_layout.h"
#include "record/record.h"

/* What backup_manifest has where summary.json has `summary`. */
enum digest_algorithm record_proof_listed_beside(enum digest_algorithm summary);

struct record_proof; /* reusable for any number of records, one after the other */

/* Without a choice yet, which must be made before a file that is listed, or an archive, begins. */
struct record_proof *record_proof_new(struct error *err);
void record_proof_free(struct record_proof *proof);

/* Chooses what backup_manifest and summary.json have; also while a record is being read. */
bool record_proof_choose(struct record_proof *proof, enum digest_algorithm listed,
                         enum digest_algorithm summary, struct error *err);

void record_proof_begin(struct record_proof *proof, enum layout_class of);
void record_proof_begin_archive(struct record_proof *proof);

/* Where an archive's table of contents ends: 0 as long as that is not known. To be told before the
 * bytes behind it are fed. */
void record_proof_contents_end(struct record_proof *proof, uint64_t end);

void record_proof_feed(struct record_proof *proof, struct slice data);

/* The table of contents was amended: it is read back from where it was written. */
bool record_proof_amended(struct record_proof *proof, const struct reader_amender *amender,
                          struct error *err);

/* How many bytes were fed since the record began. */
uint64_t record_proof_bytes(const struct record_proof *proof);

/* Ends the record, once: its digest, and the size of that, which is 0 where no list has one. */
size_t record_proof_end(struct record_proof *proof, uint8_t digest[DIGEST_MAX]);

#endif
