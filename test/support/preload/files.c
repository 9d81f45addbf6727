// The calls with which SQLite (open64, pwrite64, ftruncate64, fdatasync, unlink …) and Node change files. Only what lies below
// PRELOAD_DIRECTORY is looked at; SQLite's -shm files are no part of a journal, because nothing in them outlives a crash.
#define _GNU_SOURCE
#include "preload.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define MOST_FDS 65536

// Each open file below the directory: its path, relative to it, and which file it is; the path is NULL for every other.
static char *paths[MOST_FDS];
static struct {
  dev_t device;
  ino_t number;
} files[MOST_FDS];

// glibc's own function, looked up at first use.
#define REAL(name) ((typeof(&name))found(&real[INDEX_##name], #name))
enum {
  INDEX_open64, INDEX_close, INDEX_write, INDEX_writev, INDEX_pwrite64, INDEX_pwritev, INDEX_ftruncate64, INDEX_fsync, INDEX_fdatasync,
  INDEX_rename, INDEX_link, INDEX_unlink, INDEX_mkdir, INDEX_copy_file_range, INDEX_sendfile64, FUNCTIONS
};
static void *real[FUNCTIONS];
static void *found(void **slot, const char *name) {
  if (*slot == NULL) *slot = dlsym(RTLD_NEXT, name);
  return *slot;
}

// The part of `path` below the directory, "." for the directory itself; NULL when it is elsewhere. Fieldgate's paths are absolute.
static const char *below(const char *path) {
  static const char *directory;
  static size_t length;
  if (directory == NULL) {
    const char *given = getenv("PRELOAD_DIRECTORY");
    length = given == NULL ? 0 : strlen(given);
    directory = given == NULL ? "" : given;
  }
  if (length == 0 || strncmp(path, directory, length) != 0) return NULL;
  if (path[length] == '\0') return ".";
  return path[length] == '/' ? path + length + 1 : NULL;
}

// Node closes by system call, unseen, and the number goes to another file or a socket: what it is now is asked each time.
static const char *watched(int fd) {
  if (fd < 0 || fd >= MOST_FDS || paths[fd] == NULL) return NULL;
  struct stat facts;
  int error = errno;
  if (fstat(fd, &facts) == 0 && facts.st_dev == files[fd].device && facts.st_ino == files[fd].number) return paths[fd];
  errno = error;
  paths[fd] = NULL;
  return NULL;
}

static int is_journalled(const char *path) {
  size_t length = strlen(path);
  return length < 4 || strcmp(path + length - 4, "-shm") != 0;
}

static int fail(int error) {
  errno = error;
  return -1;
}

static void add_names(uint8_t op, const char *from, const char *to, struct record **record) {
  char names[2 * PATH_MAX];
  int bytes = to == NULL ? snprintf(names, sizeof names, "%s", from) : snprintf(names, sizeof names, "%s%c%s", from, '\n', to);
  *record = journal_add(op, 0, -1, 0, names, (size_t)bytes);
}

// Journal first, then the act: a process that is killed in between may have journalled one call more than it made, never one less.
static int change_name(uint8_t op, const char *from, const char *to, int (*act)(const char *, const char *)) {
  const char *first = below(from);
  const char *second = to == NULL ? NULL : below(to);
  if (first == NULL && second == NULL) return act(from, to);
  int error = fault_of(KIND_CHANGE, second != NULL ? second : first);
  if (error != 0) return fail(error);
  if (first == NULL || (to != NULL && second == NULL)) say_and_abort("preload: a name crossed the border of the directory\n");
  journal_lock();
  struct record *record = NULL;
  if (is_journalled(first)) add_names(op, first, second, &record);
  int result = act(from, to);
  if (result != 0 && record != NULL) record->flags |= FLAG_VOID;
  journal_unlock();
  return result;
}

static int act_rename(const char *from, const char *to) { return REAL(rename)(from, to); }
static int act_link(const char *from, const char *to) { return REAL(link)(from, to); }
static int act_unlink(const char *path, const char *none) {
  (void)none;
  return REAL(unlink)(path);
}

int rename(const char *from, const char *to) { return change_name(OP_RENAME, from, to, act_rename); }
int link(const char *from, const char *to) { return change_name(OP_LINK, from, to, act_link); }
int unlink(const char *path) { return change_name(OP_UNLINK, path, NULL, act_unlink); }
int remove(const char *path) {
  struct stat facts;
  if (lstat(path, &facts) == 0 && S_ISDIR(facts.st_mode)) return rmdir(path);
  return unlink(path);
}

int mkdir(const char *path, mode_t mode) {
  const char *name = below(path);
  if (name == NULL) return REAL(mkdir)(path, mode);
  int error = fault_of(KIND_CHANGE, name);
  if (error != 0) return fail(error);
  journal_lock();
  struct record *record = NULL;
  add_names(OP_MAKE_DIRECTORY, name, NULL, &record);
  int result = REAL(mkdir)(path, mode);
  if (result != 0 && record != NULL) record->flags |= FLAG_VOID;
  journal_unlock();
  return result;
}

static int open_watched(const char *path, const char *name, int flags, mode_t mode) {
  int is_writing = (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)) != 0;
  int error = is_writing ? fault_of(KIND_OPEN, name) : 0;
  if (error != 0) return fail(error);
  journal_lock();
  uint8_t facts = 0;
  struct stat before;
  if (lstat(path, &before) != 0) facts |= FLAG_CREATED;
  else if ((flags & O_TRUNC) != 0) facts |= FLAG_EMPTIED;
  int fd = REAL(open64)(path, flags, mode);
  if (fd >= 0) {
    if (fd >= MOST_FDS) say_and_abort("preload: too many open files\n");
    struct stat after;
    fstat(fd, &after);
    files[fd].device = after.st_dev;
    files[fd].number = after.st_ino;
    paths[fd] = strdup(name);
    if (is_journalled(name)) journal_add(OP_OPEN, facts, fd, 0, name, strlen(name));
  }
  journal_unlock();
  return fd;
}

static int open_any(const char *path, int flags, mode_t mode) {
  const char *name = below(path);
  return name == NULL ? REAL(open64)(path, flags, mode) : open_watched(path, name, flags, mode);
}

static mode_t mode_of(int flags, va_list rest) { return (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0; }

#define OPENS(name)                                  \
  int name(const char *path, int flags, ...) {       \
    va_list rest;                                    \
    va_start(rest, flags);                           \
    mode_t mode = mode_of(flags, rest);              \
    va_end(rest);                                    \
    return open_any(path, flags, mode);              \
  }
OPENS(open)
OPENS(open64)

int close(int fd) {
  if (watched(fd) == NULL) return REAL(close)(fd);
  journal_lock();
  if (is_journalled(paths[fd])) journal_add(OP_CLOSE, 0, fd, 0, NULL, 0);
  paths[fd] = NULL;
  int result = REAL(close)(fd);
  journal_unlock();
  return result;
}

// One write; `offset` < 0: at the file's own place.
static ssize_t write_watched(int fd, const void *bytes, size_t count, off64_t offset) {
  int error = fault_of(KIND_WRITE, paths[fd]);
  if (error != 0) return fail(error);
  journal_lock();
  off64_t at = offset;
  if (offset < 0) at = lseek64(fd, 0, (fcntl(fd, F_GETFL) & O_APPEND) != 0 ? SEEK_END : SEEK_CUR);
  struct record *record = NULL;
  if (is_journalled(paths[fd])) record = journal_add(OP_WRITE, 0, fd, (uint64_t)at, bytes, count);
  ssize_t done = offset < 0 ? REAL(write)(fd, bytes, count) : REAL(pwrite64)(fd, bytes, count, offset);
  if (record != NULL && done != (ssize_t)count) {
    record->flags |= FLAG_VOID;
    if (done > 0) journal_add(OP_WRITE, 0, fd, (uint64_t)at, bytes, (size_t)done);
  }
  journal_unlock();
  return done;
}

ssize_t write(int fd, const void *bytes, size_t count) {
  return watched(fd) == NULL ? REAL(write)(fd, bytes, count) : write_watched(fd, bytes, count, -1);
}
ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) {
  return watched(fd) == NULL ? REAL(pwrite64)(fd, bytes, count, offset) : write_watched(fd, bytes, count, offset);
}
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) { return pwrite64(fd, bytes, count, offset); }

// Part by part: as allowed as any short write.
static ssize_t write_parts(int fd, const struct iovec *parts, int count, off64_t offset) {
  ssize_t total = 0;
  for (int i = 0; i < count; i++) {
    if (parts[i].iov_len == 0) continue;
    ssize_t done = write_watched(fd, parts[i].iov_base, parts[i].iov_len, offset < 0 ? -1 : offset + total);
    if (done < 0) return total > 0 ? total : done;
    total += done;
    if ((size_t)done < parts[i].iov_len) break;
  }
  return total;
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
  return watched(fd) == NULL ? REAL(writev)(fd, parts, count) : write_parts(fd, parts, count, -1);
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
  return watched(fd) == NULL ? REAL(pwritev)(fd, parts, count, offset) : write_parts(fd, parts, count, offset);
}

// Refused, so that the caller copies by reading and writing.
ssize_t copy_file_range(int in, off64_t *in_at, int out, off64_t *out_at, size_t count, unsigned int flags) {
  return watched(out) == NULL ? REAL(copy_file_range)(in, in_at, out, out_at, count, flags) : fail(EINVAL);
}
ssize_t sendfile64(int out, int in, off64_t *in_at, size_t count) {
  return watched(out) == NULL ? REAL(sendfile64)(out, in, in_at, count) : fail(EINVAL);
}

int ftruncate64(int fd, off64_t size) {
  if (watched(fd) == NULL) return REAL(ftruncate64)(fd, size);
  int error = fault_of(KIND_CHANGE, paths[fd]);
  if (error != 0) return fail(error);
  journal_lock();
  struct record *record = NULL;
  if (is_journalled(paths[fd])) record = journal_add(OP_TRUNCATE, 0, fd, (uint64_t)size, NULL, 0);
  int result = REAL(ftruncate64)(fd, size);
  if (result != 0 && record != NULL) record->flags |= FLAG_VOID;
  journal_unlock();
  return result;
}
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

// What was written before the begin is on disk at the end. Not under the lock: other threads go on meanwhile, as without this library.
static int sync_watched(int fd, int (*act)(int)) {
  static uint64_t counter;
  uint64_t number = __atomic_add_fetch(&counter, 1, __ATOMIC_SEQ_CST);
  int error = fault_of(KIND_SYNC, paths[fd]);
  int is_kept = is_journalled(paths[fd]);
  journal_lock();
  if (is_kept) journal_add(OP_SYNC_BEGIN, 0, fd, number, NULL, 0);
  journal_unlock();
  int result = error != 0 ? fail(error) : act(fd);
  error = errno;
  journal_lock();
  if (is_kept) journal_add(OP_SYNC_END, result == 0 ? 0 : FLAG_FAILED, fd, number, NULL, 0);
  journal_unlock();
  errno = error;
  return result;
}
int fsync(int fd) { return watched(fd) == NULL ? REAL(fsync)(fd) : sync_watched(fd, REAL(fsync)); }
int fdatasync(int fd) { return watched(fd) == NULL ? REAL(fdatasync)(fd) : sync_watched(fd, REAL(fdatasync)); }
