/* What the program tells its guardian, and the guardian's own work. */
#ifndef PGCASK_PROCESS_GUARDIAN_INTERNAL_H
#define PGCASK_PROCESS_GUARDIAN_INTERNAL_H

#include <stdint.h>
#include <sys/socket.h>

enum guardian_note_kind { GUARDIAN_OPENED = 1, GUARDIAN_CLOSED = 2 };

#define GUARDIAN_KEY_MAX 256
#define GUARDIAN_NAME_SIZE 256

struct guardian_note {
    uint32_t kind;
    uint32_t backend_pid;
    uint32_t address_len, key_len;
    uint32_t encryption; /* enum wire_encryption */
    struct sockaddr_storage address;
    uint8_t key[GUARDIAN_KEY_MAX];
    char announced[GUARDIAN_NAME_SIZE]; /* "": no name goes into the TLS handshake */
};

/* Reads notes until the pipe ends, then cancels the sessions that were not closed. */
void guardian_main(int pipe_fd);

#endif
