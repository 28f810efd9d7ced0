/*
 * pgcask: backs up and restores PostgreSQL by speaking its protocols. This header includes all
 * others; docs/library.md is a short tour.
 *
 * The library has no global state, installs no signal handlers, starts no process, never ends the
 * process, and writes nothing to standard output or error. Objects belong to one thread at a time
 * unless their comment says otherwise; different objects can be used by different threads at once.
 */
#ifndef PGCASK_H
#define PGCASK_H

#include "backup.h"
#include "common.h"
#include "control.h"
#include "error.h"
#include "list.h"
#include "logical.h"
#include "logical_restore.h"
#include "restore.h"
#include "settings.h"
#include "source.h"
#include "store.h"
#include "version.h"

#endif
