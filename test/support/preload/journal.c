// The journal is a mapped sparse file: no system call of its own, and what was added survives the death of the process.
#define _GNU_SOURCE
#include "preload.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct control *control;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *journal;
static size_t journal_size;

void say_and_abort(const char *sentence) {
  syscall(SYS_write, 2, sentence, strlen(sentence));
  abort();
}

// By system call: the functions of glibc are the ones that this library replaces.
static void *map_file(const char *variable, size_t *size) {
  const char *path = getenv(variable);
  if (path == NULL || *path == '\0') return NULL;
  int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
  struct stat facts;
  if (fd < 0 || fstat(fd, &facts) != 0) say_and_abort("preload: a file that it was given cannot be opened\n");
  void *mapped = mmap(NULL, (size_t)facts.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) say_and_abort("preload: a file that it was given cannot be mapped\n");
  syscall(SYS_close, fd);
  *size = (size_t)facts.st_size;
  return mapped;
}

__attribute__((constructor)) static void start(void) {
  size_t control_size = 0;
  control = map_file("PRELOAD_CONTROL", &control_size);
  if (control != NULL && control_size < sizeof *control) say_and_abort("preload: the control file is too short\n");
  journal = map_file("PRELOAD_JOURNAL", &journal_size);
}

void journal_lock(void) { pthread_mutex_lock(&lock); }
void journal_unlock(void) { pthread_mutex_unlock(&lock); }

struct record *journal_add(uint8_t op, uint8_t flags, int fd, uint64_t offset, const void *payload, size_t bytes) {
  if (journal == NULL) return NULL;
  _Atomic uint64_t *used = (_Atomic uint64_t *)journal;
  uint64_t at = atomic_load(used);
  uint64_t end = at + sizeof(struct record) + ((bytes + 7) & ~(uint64_t)7);
  if (end > journal_size) say_and_abort("preload: the journal is full\n");
  struct record *record = (struct record *)(journal + at);
  *record = (struct record){ .bytes = (uint32_t)bytes, .op = op, .flags = flags, .pid = (uint32_t)getpid(), .fd = fd, .offset = offset };
  if (bytes > 0) memcpy(record + 1, payload, bytes);
  atomic_store(used, end);
  return record;
}

int fault_of(uint32_t kind, const char *path) {
  if (control == NULL || (control->kinds & kind) == 0) return 0;
  const char *only = control->only;
  if (only[0] == '=' ? strcmp(path, only + 1) != 0 : strstr(path, only) == NULL) return 0;
  uint64_t n = __atomic_add_fetch(&control->seen, 1, __ATOMIC_SEQ_CST);
  if (n < control->from || n > control->to) return 0;
  __atomic_add_fetch(&control->failed, 1, __ATOMIC_SEQ_CST);
  return control->error;
}
