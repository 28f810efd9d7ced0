/*
 * A library to preload: it makes the n-th call of a kind fail, as the environment says.
 *
 *   PGCASK_FAULT=KIND:N:ACTION[:ARGUMENT]     PGCASK_FAULT_REPORT=FILE
 *
 * KIND      memory, read, write, sync, files, meta, close, net, process, random; "any" is all but
 *           memory
 * ACTION    none             only counts
 *           fail:ERRNO       the n-th call fails, and only that one
 *           forever:ERRNO    the n-th and all after it fail
 *           end              the n-th read finds the end
 *           short:BYTES      the n-th read or write does at most so much
 *           dribble:BYTES    all of them do at most so much, from the n-th on
 *           interrupt:EVERY  from the n-th on, every EVERY-th call that may fail by EINTR does
 *           signal:NUMBER    the process gets that signal at the n-th call
 *
 * Calls are counted from the beginning of main to its end, in all threads, but not in a process
 * that it forks. Writes to standard error are left alone, so that an error can be told, and so are
 * the pipe and event descriptors that the program makes for itself: a write to those cannot fail.
 *
 * FILE, of the size of struct report, is mapped, so that it is right even after a SIGKILL: the
 * counts so far, and what was hit, with the way there.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { MEMORY, READ, WRITE, SYNC, FILES, META, CLOSE, NET, PROCESS, RANDOM, ANY, KINDS };
enum action { NONE, FAIL, FOREVER, END, SHORT, DRIBBLE, INTERRUPT, SIGNAL };

static const char *const kind_names[KINDS] = {
    "memory", "read", "write", "sync", "files", "meta", "close", "net", "process", "random", "any"};
static const char *const action_names[] = {"none",  "fail",    "forever",   "end",
                                           "short", "dribble", "interrupt", "signal"};

#define FRAMES_MAX 24

/* What Python's struct calls "<11QQ24Q256s24Q256s". */
struct report {
    _Atomic uint64_t counts[KINDS];
    _Atomic uint64_t hits;
    uint64_t frames[FRAMES_MAX]; /* return addresses of the first hit, in their own objects */
    char what[256];              /* "fsync /path/of/it" */
    uint64_t inner[FRAMES_MAX];  /* 1 where the frame is in the program itself */
    char module[256];            /* what called: the program, or a library other than libc */
};

static struct {
    enum kind kind;
    enum action action;
    uint64_t n;
    long argument;
    struct report *report;
    atomic_bool on;
    atomic_bool own_fds[1024]; /* made by pipe2 or eventfd */
} shim;

static __thread bool inside; /* what the shim itself calls is not counted */

static void *next_function(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);

    if (found == NULL)
        _exit(99);
    return found;
}

/* ---- Setting up ---- */

static int find_name(const char *const *names, size_t count, const char *text, size_t len)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(names[i]) == len && memcmp(names[i], text, len) == 0)
            return (int)i;
    }
    _exit(98);
}

static void parse(const char *text)
{
    size_t len = strcspn(text, ":");
    char *end;

    shim.kind = (enum kind)find_name(kind_names, KINDS, text, len);
    shim.n = strtoull(text + len + 1, &end, 10);
    len = strcspn(end + 1, ":");
    shim.action = (enum action)find_name(action_names, sizeof(action_names) / sizeof(*action_names),
                                         end + 1, len);
    if (end[1 + len] == ':')
        shim.argument = strtol(end + len + 2, NULL, 10);
}

static void switch_off(void)
{
    atomic_store(&shim.on, false);
}

__attribute__((constructor)) static void set_up(void)
{
    const char *fault = getenv("PGCASK_FAULT"), *path = getenv("PGCASK_FAULT_REPORT");
    void *ignored[1];
    int fd;

    if (fault == NULL || path == NULL)
        return;
    parse(fault);
    fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
    shim.report = mmap(NULL, sizeof(*shim.report), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (shim.report == MAP_FAILED)
        _exit(97);
    syscall(SYS_close, fd);
    pthread_atfork(NULL, NULL, switch_off);
    backtrace(ignored, 1); /* loads what it needs */
}

static int (*real_main)(int, char **, char **);

static int counted_main(int argc, char **argv, char **env)
{
    int status;

    unsetenv("LD_PRELOAD");
    atomic_store(&shim.on, shim.report != NULL);
    status = real_main(argc, argv, env);
    switch_off();
    return status;
}

int __libc_start_main(int (*main_)(int, char **, char **), int argc, char **argv,
                      void (*init)(void), void (*fini)(void), void (*rtld_fini)(void),
                      void *stack_end);

int __libc_start_main(int (*main_)(int, char **, char **), int argc, char **argv,
                      void (*init)(void), void (*fini)(void), void (*rtld_fini)(void),
                      void *stack_end)
{
    int (*start)(int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void),
                 void (*)(void), void *) = next_function("__libc_start_main");

    real_main = main_;
    return start(counted_main, argc, argv, init, fini, rtld_fini, stack_end);
}

/* ---- Deciding ---- */

enum verdict { PASS, REFUSE, AT_END, SHORTEN };

static void note_frames(struct report *report)
{
    void *frames[FRAMES_MAX + 2];
    int count = backtrace(frames, FRAMES_MAX + 2);

    for (int i = 2; i < count; i++) {
        Dl_info info;

        if (dladdr(frames[i], &info) == 0)
            continue;
        report->frames[i - 2] = (uint64_t)frames[i] - (uint64_t)info.dli_fbase;
        if (report->module[0] == '\0' && strstr(info.dli_fname, "libc.so") == NULL &&
            strstr(info.dli_fname, "/shim") == NULL)
            snprintf(report->module, sizeof(report->module), "%s", info.dli_fname);
        report->inner[i - 2] =
            dlsym(info.dli_fname == NULL ? NULL : RTLD_DEFAULT, "main") == NULL &&
            strstr(info.dli_fname, ".so") == NULL;
    }
}

static void note_hit(const char *function, const char *path, int fd)
{
    struct report *report = shim.report;
    char link[64], target[200] = "";

    if (atomic_fetch_add(&report->hits, 1) > 0)
        return;
    if (path == NULL && fd >= 0) {
        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        if (syscall(SYS_readlink, link, target, sizeof(target) - 1) >= 0)
            path = target;
    }
    snprintf(report->what, sizeof(report->what), "%s %.200s", function, path == NULL ? "" : path);
    note_frames(report);
}

static bool is_own(int fd)
{
    return fd == 2 || (fd >= 0 && fd < 1024 && atomic_load(&shim.own_fds[fd]));
}

/* Whether the call with this number is one that the action is about. */
static bool is_due(uint64_t number)
{
    switch (shim.action) {
    case NONE:
        return false;
    case FOREVER:
    case DRIBBLE:
        return number >= shim.n;
    case INTERRUPT:
        return number >= shim.n && (number - shim.n) % (uint64_t)shim.argument == 0;
    default:
        return number == shim.n;
    }
}

/* Of what a program of ours calls, a signal without SA_RESTART may interrupt only these. */
static bool may_be_interrupted(enum kind kind, const char *function)
{
    return ((kind == READ || kind == WRITE) && strcmp(function, "readdir64") != 0) ||
           strcmp(function, "poll") == 0;
}

static enum verdict act(void)
{
    switch (shim.action) {
    case FAIL:
    case FOREVER:
        errno = (int)shim.argument;
        return REFUSE;
    case INTERRUPT:
        errno = EINTR;
        return REFUSE;
    case END:
        return AT_END;
    case SHORT:
    case DRIBBLE:
        return SHORTEN;
    case SIGNAL:
        syscall(SYS_kill, syscall(SYS_getpid), shim.argument);
        return PASS;
    default:
        return PASS;
    }
}

static enum verdict decide(enum kind kind, const char *function, const char *path, int fd)
{
    uint64_t number, overall = 0;
    enum verdict verdict = PASS;
    int saved_errno = errno;

    if (!atomic_load_explicit(&shim.on, memory_order_relaxed) || inside ||
        (kind == WRITE && is_own(fd)) || (kind == READ && is_own(fd)))
        return PASS;
    inside = true;
    number = atomic_fetch_add(&shim.report->counts[kind], 1) + 1;
    if (kind != MEMORY)
        overall = atomic_fetch_add(&shim.report->counts[ANY], 1) + 1;
    if (((kind == shim.kind && is_due(number)) ||
         (shim.kind == ANY && kind != MEMORY && is_due(overall))) &&
        (shim.action != INTERRUPT || may_be_interrupted(kind, function))) {
        note_hit(function, path, fd);
        errno = saved_errno;
        verdict = act();
    }
    inside = false;
    return verdict;
}

/* ---- Memory ---- */

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

/* A program with the address sanitizer has these instead. */
extern void *__interceptor_malloc(size_t size) __attribute__((weak));
extern void *__interceptor_calloc(size_t count, size_t size) __attribute__((weak));
extern void *__interceptor_realloc(void *old, size_t size) __attribute__((weak));
extern void *__interceptor_memalign(size_t alignment, size_t size) __attribute__((weak));

void *malloc(size_t size)
{
    if (decide(MEMORY, "malloc", NULL, -1) != PASS)
        return NULL;
    return __interceptor_malloc != NULL ? __interceptor_malloc(size) : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    if (decide(MEMORY, "calloc", NULL, -1) != PASS)
        return NULL;
    return __interceptor_calloc != NULL ? __interceptor_calloc(count, size)
                                        : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    if (size > 0 && decide(MEMORY, "realloc", NULL, -1) != PASS)
        return NULL;
    return __interceptor_realloc != NULL ? __interceptor_realloc(old, size)
                                         : __libc_realloc(old, size);
}

void *reallocarray(void *old, size_t count, size_t size)
{
    size_t total;

    if (__builtin_mul_overflow(count, size, &total)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(old, total);
}

void *memalign(size_t alignment, size_t size)
{
    if (decide(MEMORY, "memalign", NULL, -1) != PASS)
        return NULL;
    return __interceptor_memalign != NULL ? __interceptor_memalign(alignment, size)
                                          : __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size)
{
    int saved_errno = errno;

    *result = memalign(alignment, size);
    errno = saved_errno;
    return *result == NULL ? ENOMEM : 0;
}

/* ---- Reading and writing ---- */

#define NEXT(type, name, parameters)                                                               \
    static type(*next) parameters;                                                                 \
    if (next == NULL)                                                                              \
    next = (type(*) parameters)next_function(name)

static size_t fewer(size_t size)
{
    return size < (size_t)shim.argument ? size : (size_t)shim.argument;
}

/* Functions that move bytes: (fd, buffer, size, …) -> bytes. */
#define MOVES(name, kind, buffer_type, more_parameters, more_arguments)                            \
    ssize_t name(int fd, buffer_type buffer, size_t size more_parameters)                          \
    {                                                                                              \
        enum verdict verdict = decide(kind, #name, NULL, fd);                                      \
        NEXT(ssize_t, #name, (int, buffer_type, size_t more_parameters));                          \
        if (verdict == REFUSE)                                                                     \
            return -1;                                                                             \
        if (verdict == AT_END)                                                                     \
            return 0;                                                                              \
        return next(fd, buffer, verdict == SHORTEN ? fewer(size) : size more_arguments);           \
    }

#define _ ,
MOVES(read, READ, void *, , )
MOVES(recv, READ, void *, _ int flags, _ flags)
MOVES(pread64, READ, void *, _ off64_t at, _ at)
MOVES(__read_chk, READ, void *, _ size_t room, _ room)
MOVES(__recv_chk, READ, void *, _ size_t room _ int flags, _ room _ flags)
MOVES(__pread64_chk, READ, void *, _ off64_t at _ size_t room, _ at _ room)
MOVES(write, WRITE, const void *, , )
MOVES(send, WRITE, const void *, _ int flags, _ flags)
MOVES(pwrite64, WRITE, const void *, _ off64_t at, _ at)

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    enum verdict verdict = decide(WRITE, "writev", NULL, fd);
    struct iovec first;
    NEXT(ssize_t, "writev", (int, const struct iovec *, int));

    if (verdict == REFUSE)
        return -1;
    if (verdict == PASS || count == 0)
        return next(fd, parts, count);
    first = (struct iovec){parts[0].iov_base, fewer(parts[0].iov_len)};
    return next(fd, &first, 1);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    enum verdict verdict = decide(WRITE, "sendmsg", NULL, fd);
    struct msghdr shorter = *message;
    struct iovec first;
    NEXT(ssize_t, "sendmsg", (int, const struct msghdr *, int));

    if (verdict == REFUSE)
        return -1;
    if (verdict == PASS || message->msg_iovlen == 0)
        return next(fd, message, flags);
    first = (struct iovec){message->msg_iov[0].iov_base, fewer(message->msg_iov[0].iov_len)};
    shorter.msg_iov = &first;
    shorter.msg_iovlen = 1;
    return next(fd, &shorter, flags);
}

struct dirent64 *readdir64(DIR *stream)
{
    NEXT(struct dirent64 *, "readdir64", (DIR *));

    if (decide(READ, "readdir64", NULL, dirfd(stream)) == REFUSE)
        return NULL;
    return next(stream);
}

/* ---- The rest: each fails or is done ---- */

/* A disturbance that only reading and writing know leaves these alone: a fault that turns out to be
 * one of those (short, end) is a PASS here. */
#define FAILS(type, failure, name, kind, path, fd, parameters, arguments)                          \
    type name parameters                                                                           \
    {                                                                                              \
        NEXT(type, #name, parameters);                                                             \
        if (decide(kind, #name, path, fd) == REFUSE)                                               \
            return failure;                                                                        \
        return next arguments;                                                                     \
    }

FAILS(int, -1, fsync, SYNC, NULL, fd, (int fd), (fd))
FAILS(int, -1, fdatasync, SYNC, NULL, fd, (int fd), (fd))
FAILS(int, -1, syncfs, SYNC, NULL, fd, (int fd), (fd))
FAILS(int, -1, sync_file_range, SYNC, NULL, fd, (int fd, off64_t at, off64_t len, unsigned flags),
      (fd, at, len, flags))

#define OPENS(name, path, parameters, arguments, last)                                             \
    int name parameters                                                                            \
    {                                                                                              \
        mode_t mode = 0;                                                                           \
        va_list rest;                                                                              \
        NEXT(int, #name, parameters);                                                              \
        va_start(rest, last);                                                                      \
        if ((flags & (O_CREAT | O_TMPFILE)) != 0)                                                  \
            mode = va_arg(rest, mode_t);                                                           \
        va_end(rest);                                                                              \
        return decide(FILES, #name, path, -1) == REFUSE ? -1 : next arguments;                     \
    }

OPENS(open, path, (const char *path, int flags, ...), (path, flags, mode), flags)
OPENS(open64, path, (const char *path, int flags, ...), (path, flags, mode), flags)
OPENS(openat, path, (int fd, const char *path, int flags, ...), (fd, path, flags, mode), flags)
OPENS(openat64, path, (int fd, const char *path, int flags, ...), (fd, path, flags, mode), flags)
FAILS(int, -1, __open64_2, FILES, path, -1, (const char *path, int flags), (path, flags))
FAILS(FILE *, NULL, fopen64, FILES, path, -1, (const char *path, const char *mode), (path, mode))
FAILS(FILE *, NULL, fopen, FILES, path, -1, (const char *path, const char *mode), (path, mode))
FAILS(DIR *, NULL, opendir, FILES, path, -1, (const char *path), (path))
FAILS(DIR *, NULL, fdopendir, FILES, NULL, fd, (int fd), (fd))
FAILS(int, -1, mkdir, FILES, path, -1, (const char *path, mode_t mode), (path, mode))
FAILS(int, -1, mkdirat, FILES, path, -1, (int fd, const char *path, mode_t mode), (fd, path, mode))
FAILS(int, -1, rename, FILES, to, -1, (const char *from, const char *to), (from, to))
FAILS(int, -1, renameat, FILES, to, -1, (int from_fd, const char *from, int to_fd, const char *to),
      (from_fd, from, to_fd, to))
FAILS(int, -1, renameat2, FILES, to, -1,
      (int from_fd, const char *from, int to_fd, const char *to, unsigned flags),
      (from_fd, from, to_fd, to, flags))
FAILS(int, -1, rmdir, FILES, path, -1, (const char *path), (path))
FAILS(int, -1, symlinkat, FILES, path, -1, (const char *to, int fd, const char *path),
      (to, fd, path))
FAILS(int, -1, unlink, FILES, path, -1, (const char *path), (path))
FAILS(int, -1, unlinkat, FILES, path, -1, (int fd, const char *path, int flags), (fd, path, flags))
FAILS(ssize_t, -1, readlink, FILES, path, -1, (const char *path, char *out, size_t size),
      (path, out, size))
FAILS(ssize_t, -1, readlinkat, FILES, path, -1, (int fd, const char *path, char *out, size_t size),
      (fd, path, out, size))
FAILS(char *, NULL, realpath, FILES, path, -1, (const char *path, char *out), (path, out))
FAILS(char *, NULL, __realpath_chk, FILES, path, -1, (const char *path, char *out, size_t room),
      (path, out, room))

FAILS(int, -1, stat64, META, path, -1, (const char *path, struct stat64 *st), (path, st))
FAILS(int, -1, lstat64, META, path, -1, (const char *path, struct stat64 *st), (path, st))
FAILS(int, -1, fstat64, META, NULL, fd, (int fd, struct stat64 *st), (fd, st))
FAILS(int, -1, fstatat64, META, path, -1, (int fd, const char *path, struct stat64 *st, int flags),
      (fd, path, st, flags))
FAILS(int, -1, statvfs64, META, path, -1, (const char *path, struct statvfs64 *st), (path, st))
FAILS(int, -1, statfs64, META, path, -1, (const char *path, struct statfs64 *st), (path, st))
FAILS(int, -1, access, META, path, -1, (const char *path, int mode), (path, mode))
FAILS(int, -1, faccessat, META, path, -1, (int fd, const char *path, int mode, int flags),
      (fd, path, mode, flags))
FAILS(int, -1, chdir, META, path, -1, (const char *path), (path))
FAILS(int, -1, chmod, META, path, -1, (const char *path, mode_t mode), (path, mode))
FAILS(int, -1, fchmod, META, NULL, fd, (int fd, mode_t mode), (fd, mode))
FAILS(int, -1, futimens, META, NULL, fd, (int fd, const struct timespec times[2]), (fd, times))
FAILS(int, -1, flock, META, NULL, fd, (int fd, int operation), (fd, operation))
FAILS(off64_t, -1, lseek64, META, NULL, fd, (int fd, off64_t at, int whence), (fd, at, whence))

int fcntl64(int fd, int command, ...)
{
    void *argument;
    va_list rest;
    NEXT(int, "fcntl64", (int, int, ...));

    va_start(rest, command);
    argument = va_arg(rest, void *);
    va_end(rest);
    return decide(META, "fcntl64", NULL, fd) == REFUSE ? -1 : next(fd, command, argument);
}

/* Linux has closed the descriptor even when close says that it failed. */
int close(int fd)
{
    bool refused = decide(CLOSE, "close", NULL, fd) == REFUSE;
    int failure = errno, done;
    NEXT(int, "close", (int));

    if (fd >= 0 && fd < 1024)
        atomic_store(&shim.own_fds[fd], false);
    done = next(fd);
    if (!refused)
        return done;
    errno = failure;
    return -1;
}

FAILS(int, -1, socket, NET, NULL, -1, (int domain, int type, int protocol),
      (domain, type, protocol))
FAILS(int, -1, connect, NET, NULL, fd, (int fd, const struct sockaddr *address, socklen_t len),
      (fd, address, len))
FAILS(int, -1, poll, NET, NULL, -1, (struct pollfd * fds, nfds_t count, int timeout),
      (fds, count, timeout))
FAILS(int, -1, getsockopt, NET, NULL, fd,
      (int fd, int level, int name, void *value, socklen_t *len), (fd, level, name, value, len))
FAILS(int, -1, setsockopt, NET, NULL, fd,
      (int fd, int level, int name, const void *value, socklen_t len),
      (fd, level, name, value, len))
FAILS(int, -1, getsockname, NET, NULL, fd, (int fd, struct sockaddr *address, socklen_t *len),
      (fd, address, len))
FAILS(int, EAI_SYSTEM, getaddrinfo, NET, host, -1,
      (const char *host, const char *service, const struct addrinfo *hints,
       struct addrinfo **found),
      (host, service, hints, found))

FAILS(int, errno, pthread_create, PROCESS, NULL, -1,
      (pthread_t * thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument),
      (thread, attributes, run, argument))
FAILS(pid_t, -1, fork, PROCESS, NULL, -1, (void), ())
FAILS(ssize_t, -1, getrandom, RANDOM, NULL, -1, (void *buffer, size_t size, unsigned flags),
      (buffer, size, flags))

static void own(int fd)
{
    if (fd >= 0 && fd < 1024)
        atomic_store(&shim.own_fds[fd], true);
}

int pipe2(int ends[2], int flags)
{
    int done;
    NEXT(int, "pipe2", (int *, int));

    if (decide(PROCESS, "pipe2", NULL, -1) == REFUSE)
        return -1;
    done = next(ends, flags);
    if (done == 0) {
        own(ends[0]);
        own(ends[1]);
    }
    return done;
}

int eventfd(unsigned value, int flags)
{
    int fd;
    NEXT(int, "eventfd", (unsigned, int));

    if (decide(PROCESS, "eventfd", NULL, -1) == REFUSE)
        return -1;
    fd = next(value, flags);
    own(fd);
    return fd;
}
