/* Preloaded into a program: every write to a regular file takes 7 bytes at most, every third one is
 * interrupted first. What write(2) may do any time, and seldom does. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

__attribute__((visibility("default"))) ssize_t write(int fd, const void *p, size_t n)
{
    static atomic_uint calls;
    static ssize_t (*real)(int, const void *, size_t);
    struct stat st;
    if (real == NULL)
        real = (ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return real(fd, p, n);
    if (atomic_fetch_add(&calls, 1) % 3 == 2) {
        errno = EINTR;
        return -1;
    }
    return real(fd, p, n < 7 ? n : 7);
}
