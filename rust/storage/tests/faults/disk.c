/*
 * A disk that loses its power, or refuses to write, at a chosen moment: a shim that is loaded in front of the C library
 * (LD_PRELOAD) and sees what a program does to the files of one directory.
 *
 * Of each file it keeps in memory what the disk really has: only what was there at the start and what was synced since,
 * as POSIX promises. Names count as written when their directory was synced. When the power goes, of the rest each
 * sector of each write is on the disk or not, and of the changes of names the first few, as a seed decides. The outcome
 * is written to another directory, and the process ends with SIGKILL.
 *
 * Not modelled: memory maps (of SQLite's files only *-shm is mapped, which nobody needs after a loss of power), files in
 * subdirectories, and programs that call the kernel past the C library.
 *
 *   DISK_DIR        the directory, as an absolute path without links
 *   DISK_OUT        where the outcome is written: an empty directory
 *   DISK_SEED       decides what reached the disk
 *   DISK_CRASH_AT   the power goes instead of this operation, counted from 1; 0 or more than there are: at the exit
 *   DISK_FAIL_AT    from this operation on, counted from 1, ...
 *   DISK_FAIL_COUNT ... so many fail ...
 *   DISK_FAIL_ERRNO ... with this error number
 *   DISK_COUNT      a file that gets the number of operations at the exit
 *
 * Operations are: a write, a truncation, a sync, and making, renaming, linking and removing a name.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define SECTOR 512
#define WRITTEN 1
#define CUT 2

/* What was done to a file since it was last synced. */
struct change {
    struct change *next;
    int kind;
    uint64_t at; /* the offset of a write, the new size of a truncation */
    size_t length;
    unsigned char data[];
};

/* A file: what the disk has of it, and what was done since. */
struct file {
    ino_t inode;
    unsigned char *data;
    uint64_t size;
    struct change *first, **last;
};

/* A name, and the file it leads to: NULL if it was removed. */
struct entry {
    struct entry *next;
    char *name;
    char *away; /* a name that goes in the same moment: of a rename */
    struct file *file;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *directory;
static ino_t directory_inode;
static struct file **files; /* by inode as of now; the last one of an inode counts */
static size_t file_count;
static struct entry *names;                                /* that the disk has */
static struct entry *renames, **last_rename = &renames;    /* changes of names since the directory was synced */
static uint64_t operations, crash_at, fail_at, fail_count, seed;
static int fail_errno;

static void power_off(void);

static void give_up(const char *why) {
    dprintf(2, "disk shim: %s\n", why);
    _exit(70);
}

static void *reserve(void *old, size_t size) {
    void *memory = realloc(old, size ? size : 1);
    if (!memory) give_up("no memory");
    return memory;
}

/* xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled". */
static uint64_t chance(uint64_t below) {
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return ((seed * 2685821657736338717ull) >> 33) % below;
}

/* ---- files ---- */

static struct file *known(ino_t inode) {
    for (size_t i = file_count; i > 0; i--)
        if (files[i - 1]->inode == inode) return files[i - 1];
    return NULL;
}

static struct file *begin(ino_t inode) {
    struct file *file = reserve(NULL, sizeof *file);
    memset(file, 0, sizeof *file);
    file->inode = inode;
    file->last = &file->first;
    files = reserve(files, (file_count + 1) * sizeof *files);
    files[file_count++] = file;
    return file;
}

static struct file *behind(int descriptor) {
    struct stat found;
    if (!directory || syscall(SYS_fstat, descriptor, &found)) return NULL;
    return S_ISREG(found.st_mode) ? known(found.st_ino) : NULL;
}

static void resize(struct file *file, uint64_t size) {
    if (size > file->size) {
        file->data = reserve(file->data, size);
        memset(file->data + file->size, 0, size - file->size);
    }
    file->size = size;
}

static void note(struct file *file, int kind, uint64_t at, const void *data, size_t length) {
    struct change *change = reserve(NULL, sizeof *change + length);
    *change = (struct change){.kind = kind, .at = at, .length = length};
    if (length) memcpy(change->data, data, length);
    *file->last = change;
    file->last = &change->next;
}

/* Brings changes to the disk: all of them, or of each sector what the coin says. */
static void apply(struct file *file, int (*coin)(void)) {
    for (struct change *change = file->first, *next; change; change = next) {
        next = change->next;
        if (change->kind == CUT) {
            if (!coin || coin()) resize(file, change->at);
        } else {
            uint64_t from = change->at, end = change->at + change->length;
            while (from < end) {
                uint64_t to = (from / SECTOR + 1) * SECTOR;
                if (to > end) to = end;
                if (!coin || coin()) {
                    if (to > file->size) resize(file, to);
                    memcpy(file->data + from, change->data + (from - change->at), to - from);
                }
                from = to;
            }
        }
        free(change);
    }
    file->first = NULL;
    file->last = &file->first;
}

/* ---- names ---- */

/* The name inside the directory, NULL if the path leads elsewhere or to what needs no copy. */
static const char *inside(int at, const char *path) {
    size_t length = directory ? strlen(directory) : 0;
    if (!length || !path || (at != AT_FDCWD && path[0] != '/')) return NULL;
    if (strncmp(path, directory, length) || path[length] != '/') return NULL;
    const char *name = path + length + 1, *end = name + strlen(name);
    if (!*name || strchr(name, '/')) return NULL;
    return end - name > 4 && !strcmp(end - 4, "-shm") ? NULL : name;
}

static struct file *named(const char *path) {
    struct stat found;
    if (syscall(SYS_newfstatat, AT_FDCWD, path, &found, AT_SYMLINK_NOFOLLOW)) return NULL;
    return S_ISREG(found.st_mode) ? known(found.st_ino) : NULL;
}

static void note_name(const char *name, const char *away, struct file *file) {
    struct entry *entry = reserve(NULL, sizeof *entry);
    *entry = (struct entry){.name = strdup(name), .away = away ? strdup(away) : NULL, .file = file};
    *last_rename = entry;
    last_rename = &entry->next;
}

static void set_name(const char *name, struct file *file) {
    for (struct entry *entry = names; entry; entry = entry->next)
        if (!strcmp(entry->name, name)) {
            entry->file = file;
            return;
        }
    struct entry *entry = reserve(NULL, sizeof *entry);
    *entry = (struct entry){.next = names, .name = strdup(name), .file = file};
    names = entry;
}

/* Brings the first changes of names to the disk. */
static void apply_names(size_t count) {
    while (renames && count--) {
        struct entry *entry = renames;
        renames = entry->next;
        set_name(entry->name, entry->file);
        if (entry->away) set_name(entry->away, NULL);
    }
    if (!renames) last_rename = &renames;
}

/* ---- operations ---- */

/* Counts an operation. True if it has to fail; errno says with what. */
static int refused(void) {
    operations++;
    if (crash_at && operations == crash_at) power_off();
    if (fail_at && operations >= fail_at && operations < fail_at + fail_count) {
        errno = fail_errno;
        return 1;
    }
    return 0;
}

static int open_file(int at, const char *path, int flags, mode_t mode) {
    const char *name = inside(at, path);
    if (!name) return syscall(SYS_openat, at, path, flags, mode);
    pthread_mutex_lock(&lock);
    struct stat found;
    int there = !syscall(SYS_newfstatat, AT_FDCWD, path, &found, 0);
    int result = -1;
    if (there || !(flags & O_CREAT) || !refused()) {
        result = syscall(SYS_openat, at, path, flags, mode);
        if (result >= 0 && !syscall(SYS_fstat, result, &found) && S_ISREG(found.st_mode)) {
            struct file *file = there ? known(found.st_ino) : NULL;
            if (!file) {
                file = begin(found.st_ino);
                note_name(name, NULL, file);
            }
            if (flags & O_TRUNC) note(file, CUT, 0, NULL, 0);
        }
    }
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

#define MODE(flags, last)                     \
    mode_t mode = 0;                          \
    if ((flags) & (O_CREAT | O_TMPFILE)) {    \
        va_list more;                         \
        va_start(more, last);                 \
        mode = va_arg(more, mode_t);          \
        va_end(more);                         \
    }

int open(const char *path, int flags, ...) {
    MODE(flags, flags)
    return open_file(AT_FDCWD, path, flags, mode);
}
int open64(const char *path, int flags, ...) {
    MODE(flags, flags)
    return open_file(AT_FDCWD, path, flags, mode);
}
int openat(int at, const char *path, int flags, ...) {
    MODE(flags, flags)
    return open_file(at, path, flags, mode);
}
int openat64(int at, const char *path, int flags, ...) {
    MODE(flags, flags)
    return open_file(at, path, flags, mode);
}

/* offset < 0: at the descriptor's own offset. */
static ssize_t write_file(int descriptor, const void *data, size_t length, off_t offset) {
    pthread_mutex_lock(&lock);
    struct file *file = behind(descriptor);
    ssize_t result = -1;
    if (!file || !refused()) {
        off_t at = offset;
        if (file && offset < 0) {
            struct stat found;
            int append = syscall(SYS_fcntl, descriptor, F_GETFL) & O_APPEND;
            at = append && !syscall(SYS_fstat, descriptor, &found) ? found.st_size : syscall(SYS_lseek, descriptor, 0, SEEK_CUR);
        }
        result = offset < 0 ? syscall(SYS_write, descriptor, data, length)
                            : syscall(SYS_pwrite64, descriptor, data, length, offset);
        if (file && result > 0) note(file, WRITTEN, at, data, result);
    }
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

ssize_t write(int descriptor, const void *data, size_t length) { return write_file(descriptor, data, length, -1); }
ssize_t pwrite(int descriptor, const void *data, size_t length, off_t at) {
    return write_file(descriptor, data, length, at);
}
ssize_t pwrite64(int descriptor, const void *data, size_t length, off_t at) {
    return write_file(descriptor, data, length, at);
}

int ftruncate(int descriptor, off_t size) {
    pthread_mutex_lock(&lock);
    struct file *file = behind(descriptor);
    int result = file && refused() ? -1 : (int)syscall(SYS_ftruncate, descriptor, size);
    if (file && !result) note(file, CUT, size, NULL, 0);
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}
int ftruncate64(int descriptor, off_t size) { return ftruncate(descriptor, size); }

/* Nothing is brought to the real disk: it takes long, and the real power stays on. */
int fsync(int descriptor) {
    struct stat found;
    pthread_mutex_lock(&lock);
    struct file *file = behind(descriptor);
    int is_directory = directory && !syscall(SYS_fstat, descriptor, &found) && found.st_ino == directory_inode;
    int result = (file || is_directory) && refused() ? -1 : 0;
    if (file && !result) apply(file, NULL);
    if (is_directory && !result) apply_names(SIZE_MAX);
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}
int fdatasync(int descriptor) { return fsync(descriptor); }

int rename(const char *from, const char *to) {
    const char *from_name = inside(AT_FDCWD, from), *to_name = inside(AT_FDCWD, to);
    pthread_mutex_lock(&lock);
    struct file *file = from_name ? named(from) : NULL;
    int result = to_name && refused() ? -1 : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
    if (to_name && !result) note_name(to_name, from_name, file);
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

int linkat(int from_at, const char *from, int to_at, const char *to, int flags) {
    const char *to_name = inside(to_at, to);
    pthread_mutex_lock(&lock);
    struct file *file = to_name ? named(from) : NULL;
    int result = to_name && refused() ? -1 : (int)syscall(SYS_linkat, from_at, from, to_at, to, flags);
    if (to_name && !result) note_name(to_name, NULL, file);
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}
int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

int unlink(const char *path) {
    const char *name = inside(AT_FDCWD, path);
    pthread_mutex_lock(&lock);
    int result = name && refused() ? -1 : (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    if (name && !result) note_name(name, NULL, NULL);
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

/* ---- the end ---- */

static int heads(void) { return chance(2) == 0; }

static void write_out(const char *out) {
    size_t waiting = 0;
    for (struct entry *entry = renames; entry; entry = entry->next) waiting++;
    int most = (int)chance(4); /* 0: nothing more reached the disk; 1: everything did; else as the coin says */
    apply_names(most == 0 ? 0 : most == 1 ? waiting : chance(waiting + 1));
    for (size_t i = 0; i < file_count; i++)
        if (most) apply(files[i], most == 1 ? NULL : heads);
    for (struct entry *entry = names; entry; entry = entry->next) {
        if (!entry->file) continue;
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", out, entry->name);
        int descriptor = syscall(SYS_openat, AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
        if (descriptor < 0) give_up("cannot write the outcome");
        for (uint64_t at = 0; at < entry->file->size;) {
            ssize_t done = syscall(SYS_pwrite64, descriptor, entry->file->data + at, entry->file->size - at, at);
            if (done <= 0) give_up("cannot write the outcome");
            at += done;
        }
        syscall(SYS_close, descriptor);
    }
}

/* Called with the lock held: no other thread does anything any more. */
static void power_off(void) {
    const char *out = getenv("DISK_OUT");
    if (out) write_out(out);
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

static uint64_t setting(const char *name) {
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : 0;
}

/* What is there at the start is on the disk. */
static void load(const char *name) {
    char path[4096];
    struct stat found;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    if (!inside(AT_FDCWD, path)) return;
    int descriptor = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    if (descriptor < 0 || syscall(SYS_fstat, descriptor, &found)) give_up("cannot read a file");
    if (S_ISREG(found.st_mode)) {
        struct file *file = known(found.st_ino);
        if (!file) {
            file = begin(found.st_ino);
            resize(file, found.st_size);
            for (uint64_t at = 0; at < file->size;) {
                ssize_t done = syscall(SYS_pread64, descriptor, file->data + at, file->size - at, at);
                if (done <= 0) give_up("cannot read a file");
                at += done;
            }
        }
        set_name(name, file);
    }
    syscall(SYS_close, descriptor);
}

__attribute__((constructor)) static void start(void) {
    struct stat found;
    const char *path = getenv("DISK_DIR");
    if (!path) return;
    crash_at = setting("DISK_CRASH_AT");
    fail_at = setting("DISK_FAIL_AT");
    fail_count = setting("DISK_FAIL_COUNT");
    fail_errno = (int)setting("DISK_FAIL_ERRNO");
    seed = setting("DISK_SEED") * 0x9E3779B97F4A7C15ull + 1;
    if (stat(path, &found)) give_up("DISK_DIR is not there");
    directory_inode = found.st_ino;
    DIR *opened = opendir(path);
    if (!opened) give_up("cannot read DISK_DIR");
    directory = path;
    for (struct dirent *entry; (entry = readdir(opened));) load(entry->d_name);
    closedir(opened);
}

__attribute__((destructor)) static void end(void) {
    const char *count = getenv("DISK_COUNT"), *out = getenv("DISK_OUT");
    if (!directory) return;
    pthread_mutex_lock(&lock);
    if (count) {
        char text[32];
        int length = snprintf(text, sizeof text, "%llu\n", (unsigned long long)operations);
        int descriptor = syscall(SYS_openat, AT_FDCWD, count, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
        if (descriptor < 0 || syscall(SYS_write, descriptor, text, length) != length) give_up("cannot write DISK_COUNT");
        syscall(SYS_close, descriptor);
    }
    if (out) write_out(out);
    directory = NULL;
    pthread_mutex_unlock(&lock);
}
