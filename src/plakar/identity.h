/* Who a source is in Plakar's eyes. */
#ifndef PGCASK_PLAKAR_IDENTITY_H
#define PGCASK_PLAKAR_IDENTITY_H

#include "plakar/connector.h"
#include "wire/wire.h"

/*
 * Fills type and origin. Plakar prunes and groups snapshots by them and looks there for the parent
 * of the next one, so that two sources must not share them, and one must keep them.
 *
 * A physical backup is of type "postgres+bin", and its origin the cluster's address without user or
 * password: "db.example.org:5432". A logical one is of type "postgresql" ("postgresql+aws" with
 * tokens of AWS IAM), and the database comes behind: "db.example.org:5432/shop", encoded as in a
 * record's path (record_path_encode). One of all databases ends in the slash:
 * "db.example.org:5432/".
 *
 * It is made of what was configured, not of what was found: of several hosts the one that answers
 * may be another each time, so all of them are named, sorted, with commas between them. Names of
 * hosts are in lower case, addresses in their usual form. A loopback address or a socket's folder
 * is another cluster on each machine, so that the machine's name stands for it or before it:
 * "backup01:5432", "backup01:/run/postgresql:5432".
 *
 * Settings are complete; hostname may be "": the machine is asked then.
 */
enum identity_of { IDENTITY_CLUSTER, IDENTITY_DATABASE, IDENTITY_ALL_DATABASES };

bool identity_make(const struct wire_settings *settings, enum identity_of of, const char *hostname,
                   struct connector_identity *identity, struct error *err);

#endif
