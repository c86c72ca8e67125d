/* A disk that fails, for the tests of the store: loaded before the C library (LD_PRELOAD), it counts the system calls on the
 * files of one folder and lets a chosen one fail. The files are real, SQLite is real; only the call is refused.
 *
 * The folder is any whose path contains "lockstep-failing-disk". A line written to its file `control` sets the next fault:
 *   KIND N MODE   KIND is full, io, short, busy or read; the N-th call (from 1) fails; MODE is once or always
 *   off           no more faults; `report` in the same folder then says how many calls were counted and how many failed
 * FAILING_DISK="KIND N MODE" in the environment sets it from the start. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

enum kind { NONE, FULL, IO, SHORT, BUSY, UNREAD };
enum call { WRITE = 1, READ = 2, SYNC = 4, TRUNCATE = 8, LOCK = 16 };

static int kind, always;
static long at, counted, failed;
/* A short write is followed by the refusal of the next one. */
static int torn;

static const int concerns[] = {
    [NONE] = 0,
    [FULL] = WRITE | TRUNCATE,
    [IO] = WRITE | SYNC | TRUNCATE,
    [SHORT] = WRITE,
    [BUSY] = LOCK,
    [UNREAD] = READ,
};
static const int number[] = { [NONE] = 0, [FULL] = ENOSPC, [IO] = EIO, [SHORT] = ENOSPC, [BUSY] = EAGAIN, [UNREAD] = EIO };

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static void set(const char *line) {
    char name[16] = "", mode[16] = "";
    long n = 0;
    kind = NONE;
    counted = failed = torn = 0;
    if (sscanf(line, "%15s %ld %15s", name, &n, mode) != 3) return;
    at = n;
    always = !strcmp(mode, "always");
    kind = !strcmp(name, "full") ? FULL : !strcmp(name, "io") ? IO : !strcmp(name, "short") ? SHORT : !strcmp(name, "busy") ? BUSY
        : !strcmp(name, "read") ? UNREAD : NONE;
}

__attribute__((constructor)) static void begin(void) {
    const char *line = getenv("FAILING_DISK");
    if (line) set(line);
}

/* The path of a file in a folder of ours, or nothing. */
static const char *ours(int fd, char *path, size_t size) {
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int before = errno;
    ssize_t length = readlink(link, path, size - 1);
    errno = before;
    if (length <= 0) return NULL;
    path[length] = 0;
    return strstr(path, "lockstep-failing-disk") ? path : NULL;
}

static int is_control(const char *path) {
    const char *name = strrchr(path, '/');
    return name && !strcmp(name, "/control");
}

/* Whether this call is to fail. */
static int fails(int fd, enum call call) {
    char path[4096];
    if (!(concerns[kind] & call) || !ours(fd, path, sizeof path) || is_control(path) || strstr(path, "/report")) return 0;
    long now = __atomic_add_fetch(&counted, 1, __ATOMIC_SEQ_CST);
    if (torn || now == at || (always && now > at)) {
        __atomic_add_fetch(&failed, 1, __ATOMIC_SEQ_CST);
        return 1;
    }
    return 0;
}

static void control(const char *path, const void *text, size_t size) {
    char line[64] = "", report[4096];
    memcpy(line, text, size < sizeof line ? size : sizeof line - 1);
    long calls = counted, refused = failed;
    set(line);
    snprintf(report, sizeof report, "%.*s/report", (int)(strrchr(path, '/') - path), path);
    FILE *file = fopen(report, "w");
    if (!file) return;
    fprintf(file, "%ld %ld\n", calls, refused);
    fclose(file);
}

/* Does a write, or fails it: -1, or the number of bytes that a short write still gets to the disk. */
#define WRITING(fd, data, size, half, whole)                                                     \
    char path[4096];                                                                             \
    if (ours(fd, path, sizeof path) && is_control(path)) {                                       \
        control(path, data, size);                                                               \
        return size;                                                                             \
    }                                                                                            \
    if (fails(fd, WRITE)) {                                                                      \
        if (kind == SHORT && !torn && size > 1) {                                                \
            torn = 1;                                                                            \
            return half;                                                                         \
        }                                                                                        \
        if (!always) torn = 0;                                                                   \
        errno = number[kind];                                                                    \
        return -1;                                                                               \
    }                                                                                            \
    return whole

ssize_t write(int fd, const void *data, size_t size) {
    REAL(write);
    WRITING(fd, data, size, real(fd, data, size / 2), real(fd, data, size));
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t place) {
    REAL(pwrite);
    WRITING(fd, data, size, real(fd, data, size / 2, place), real(fd, data, size, place));
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t place) {
    REAL(pwrite64);
    WRITING(fd, data, size, real(fd, data, size / 2, place), real(fd, data, size, place));
}

#define UNLESS(call, whole)              \
    if (fails(fd, call)) {               \
        errno = number[kind];            \
        return -1;                       \
    }                                    \
    return whole

ssize_t read(int fd, void *data, size_t size) {
    REAL(read);
    UNLESS(READ, real(fd, data, size));
}

ssize_t pread(int fd, void *data, size_t size, off_t place) {
    REAL(pread);
    UNLESS(READ, real(fd, data, size, place));
}

ssize_t pread64(int fd, void *data, size_t size, off64_t place) {
    REAL(pread64);
    UNLESS(READ, real(fd, data, size, place));
}

int fsync(int fd) {
    REAL(fsync);
    UNLESS(SYNC, real(fd));
}

int fdatasync(int fd) {
    REAL(fdatasync);
    UNLESS(SYNC, real(fd));
}

int ftruncate(int fd, off_t size) {
    REAL(ftruncate);
    UNLESS(TRUNCATE, real(fd, size));
}

int ftruncate64(int fd, off64_t size) {
    REAL(ftruncate64);
    UNLESS(TRUNCATE, real(fd, size));
}

static int takes_lock(int command, void *argument) {
    return command == F_SETLK && ((struct flock *)argument)->l_type != F_UNLCK;
}

int fcntl(int fd, int command, ...) {
    REAL(fcntl);
    va_list rest;
    va_start(rest, command);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    if (takes_lock(command, argument)) {
        UNLESS(LOCK, real(fd, command, argument));
    }
    return real(fd, command, argument);
}

int fcntl64(int fd, int command, ...) {
    REAL(fcntl64);
    va_list rest;
    va_start(rest, command);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    if (takes_lock(command, argument)) {
        UNLESS(LOCK, real(fd, command, argument));
    }
    return real(fd, command, argument);
}

/* Waiting for a lock that will not come need not take its time. */
int usleep(useconds_t time) {
    REAL(usleep);
    return kind == BUSY ? 0 : real(time);
}
