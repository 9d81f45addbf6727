// The wall clock, shifted by what the control file says at each call. The monotonic clock stays true, as on a machine whose time is set.
#define _GNU_SOURCE
#include "preload.h"
#include <dlfcn.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS 1000000000LL

static int64_t shifted_ns(void) {
  struct timespec now;
  // the kernel is asked directly: this may run before the dynamic linker can find the functions that are replaced here
  syscall(SYS_clock_gettime, CLOCK_REALTIME, &now);
  return now.tv_sec * SECOND_NS + now.tv_nsec + control->clock_offset_ns;
}

static int is_shifted(void) { return control != NULL && control->clock_offset_ns != 0; }

int clock_gettime(clockid_t clock, struct timespec *now) {
  static int (*real)(clockid_t, struct timespec *);
  if ((clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) && is_shifted()) {
    int64_t ns = shifted_ns();
    int64_t rest = ((ns % SECOND_NS) + SECOND_NS) % SECOND_NS;
    now->tv_sec = (time_t)((ns - rest) / SECOND_NS);
    now->tv_nsec = (long)rest;
    return 0;
  }
  if (real == NULL) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  return real(clock, now);
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  (void)zone;
  struct timespec exact;
  clock_gettime(CLOCK_REALTIME, &exact);
  now->tv_sec = exact.tv_sec;
  now->tv_usec = exact.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *out) {
  struct timespec exact;
  clock_gettime(CLOCK_REALTIME, &exact);
  if (out != NULL) *out = exact.tv_sec;
  return exact.tv_sec;
}
