// A library that stands between a process and glibc: it journals what the process does to the files below one directory, lets chosen calls
// fail, and shifts the clock. Shared by its three parts; test/support/preload.ts compiles it and is the other end of both shared files.
#ifndef PRELOAD_H
#define PRELOAD_H

#include <stdint.h>
#include <sys/types.h>

// What may be made to fail; bits of `kinds`.
enum { KIND_WRITE = 1, KIND_SYNC = 2, KIND_OPEN = 4, KIND_CHANGE = 8 };

// Mapped from the file that PRELOAD_CONTROL names; the layout is repeated in test/support/preload.ts.
struct control {
  int64_t clock_offset_ns;
  uint32_t kinds;       // 0: nothing fails
  int32_t error;        // errno of a call that fails
  uint64_t from;        // the first call that fails, counted from 1 …
  uint64_t to;          // … and the last
  uint64_t seen;        // calls of these kinds since the counter was cleared
  uint64_t failed;
  char only[64];        // part of a path, or '=' and the whole of it; empty: every file
};

extern struct control *control;

// 0, or the errno with which a call of this kind on this path shall fail.
int fault_of(uint32_t kind, const char *path);

enum { OP_OPEN = 1, OP_CLOSE, OP_WRITE, OP_TRUNCATE, OP_SYNC_BEGIN, OP_SYNC_END, OP_RENAME, OP_UNLINK, OP_MAKE_DIRECTORY, OP_LINK };
// OP_OPEN: the file was made by this call, was emptied by it; OP_SYNC_END: it failed; any: the call failed, nothing happened.
enum { FLAG_CREATED = 1, FLAG_EMPTIED = 2, FLAG_FAILED = 4, FLAG_VOID = 128 };

// A record: this header, then `bytes` of payload. The file begins with the number of bytes in use, itself included.
struct record {
  uint32_t bytes;
  uint8_t op;
  uint8_t flags;
  uint16_t unused;
  uint32_t pid;
  int32_t fd;
  uint64_t offset;      // OP_WRITE: where; OP_TRUNCATE: the new size; OP_SYNC_*: which begin an end belongs to
};

void journal_lock(void);
void journal_unlock(void);
// With the lock held; NULL when there is no journal. The record counts from its return on, so that a killed process has journalled what it did.
struct record *journal_add(uint8_t op, uint8_t flags, int fd, uint64_t offset, const void *payload, size_t bytes);

void say_and_abort(const char *sentence);

#endif
