/* Every function of preview1 that takes a pointer, with pointers that lead nowhere; prints the errno of
 * each. No libc: what the host makes of it is what is tested. */
#include <stdint.h>

#define IMPORT(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(#name)))
typedef uint32_t u32;
typedef uint64_t u64;

IMPORT(args_get) int args_get(u32, u32);
IMPORT(args_sizes_get) int args_sizes_get(u32, u32);
IMPORT(environ_sizes_get) int environ_sizes_get(u32, u32);
IMPORT(clock_time_get) int clock_time_get(u32, u64, u32);
IMPORT(random_get) int random_get(u32, u32);
IMPORT(fd_write) int fd_write(u32, u32, u32, u32);
IMPORT(fd_read) int fd_read(u32, u32, u32, u32);
IMPORT(fd_readdir) int fd_readdir(u32, u32, u32, u64, u32);
IMPORT(fd_fdstat_get) int fd_fdstat_get(u32, u32);
IMPORT(fd_filestat_get) int fd_filestat_get(u32, u32);
IMPORT(fd_prestat_get) int fd_prestat_get(u32, u32);
IMPORT(path_open) int path_open(u32, u32, u32, u32, u32, u64, u64, u32, u32);
IMPORT(path_filestat_get) int path_filestat_get(u32, u32, u32, u32, u32);
IMPORT(poll_oneoff) int poll_oneoff(u32, u32, u32, u32);
IMPORT(fd_close) int fd_close(u32);
IMPORT(fd_renumber) int fd_renumber(u32, u32);
IMPORT(sock_recv) int sock_recv(u32, u32, u32, u32, u32, u32);
IMPORT(proc_exit) void proc_exit(u32);

void _start(void)
{
    const u32 bad = 0xfffffff0u;
    const u32 zero = 0;
    const int results[] = {
        args_get(bad, bad),
        args_sizes_get(bad, bad),
        environ_sizes_get(bad, bad),
        clock_time_get(0, 0, bad),
        random_get(0, 0xffffffffu),
        random_get(bad, 64),
        fd_write(1, bad, 1, bad),
        fd_write(1, 0, 0xffffffffu, 0),
        fd_read(0, bad, 1, bad),
        fd_readdir(3, bad, 100, 0, 0),
        fd_fdstat_get(3, bad),
        fd_filestat_get(3, bad),
        fd_prestat_get(3, bad),
        path_open(3, 0, bad, 100, 0, 0, 0, 0, 0),
        path_filestat_get(3, 0, bad, 1, 0),
        poll_oneoff(bad, bad, 0x7fffffff, bad),
        fd_close(0xffffffffu),
        fd_renumber(3, 0xffffffffu),
        sock_recv(3, 0, 0, 0, 0, 0),
    };
    /* Events written over the subscriptions that they come from. */
    static unsigned char polled[48 * 4];
    for (u32 i = 0; i < 4; i++)
        polled[i * 48 + 8] = 1; /* fd_read of descriptor 0 */
    u32 ready = poll_oneoff((u32)(uintptr_t)polled, (u32)(uintptr_t)polled + 16, 4, 0);
    (void)ready;
    char text[sizeof(results) / sizeof(results[0])];
    u32 iov[2] = {(u32)(uintptr_t)text, sizeof(text)};
    for (u32 i = 0; i < sizeof(text); i++)
        text[i] = (char)('0' + results[i]);
    u32 written = zero;
    fd_write(1, (u32)(uintptr_t)iov, 1, (u32)(uintptr_t)&written);
    proc_exit(7);
}
