/* The guest of this folder's tests: argv[1] says what to do. Compiled to wasm32-wasi by the build. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    return 1;
}

static int do_args(int argc, char **argv)
{
    extern char **environ;
    for (int i = 0; i < argc; i++)
        printf("[%s]", argv[i]);
    printf(" env=%d\n", environ != NULL && environ[0] != NULL);
    return 0;
}

static int do_cat(const char *path)
{
    char buffer[4096];
    int fd = strcmp(path, "-") == 0 ? 0 : open(path, O_RDONLY);
    ssize_t n;
    if (fd < 0)
        return fail(path);
    while ((n = read(fd, buffer, sizeof(buffer))) > 0)
        write(1, buffer, (size_t)n);
    return 0;
}

static int do_list(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *e;
    if (dir == NULL)
        return fail(path);
    while ((e = readdir(dir)) != NULL)
        printf("%s %d\n", e->d_name, e->d_type);
    closedir(dir);
    return 0;
}

static int do_stat(const char *path)
{
    struct stat st;
    if (lstat(path, &st) != 0)
        return fail(path);
    printf(
        "%s size=%lld mtime=%lld ino=%llx\n",
        S_ISDIR(st.st_mode)       ? "dir"
            : S_ISLNK(st.st_mode) ? "link"
                                  : "file",
        (long long)st.st_size, (long long)st.st_mtime, (unsigned long long)st.st_ino);
    return 0;
}

static int do_write(const char *path, const char *text, int flags)
{
    int fd = open(path, O_WRONLY | flags, 0600);
    if (fd < 0)
        return fail(path);
    if (write(fd, text, strlen(text)) < 0)
        return fail(path);
    return close(fd) == 0 ? 0 : fail(path);
}

/* Two descriptors of one file see each other; the size follows; a hole is zeros. */
static int do_shared(void)
{
    char buffer[16] = "";
    struct stat st;
    int a = open("/shared", O_RDWR | O_CREAT | O_EXCL, 0600);
    int b = open("/shared", O_RDWR);
    if (a < 0 || b < 0 || write(a, "hello", 5) != 5 || pread(b, buffer, 16, 0) != 5)
        return fail("shared");
    if (pwrite(b, "!", 1, 7) != 1 || fstat(a, &st) != 0 || st.st_size != 8)
        return fail("size");
    if (pread(a, buffer, 16, 0) != 8 || memcmp(buffer, "hello\0\0!", 8) != 0)
        return fail("hole");
    if (ftruncate(a, 2) != 0 || rename("/shared", "/moved") != 0 || write(b, "HE", 2) != 2)
        return fail("rename");
    if (unlink("/moved") != 0 || pread(a, buffer, 16, 0) != 2 || buffer[0] != 'H')
        return fail("unlink");
    return open("/moved", O_RDONLY) < 0 && errno == ENOENT ? 0 : fail("gone");
}

static int do_tree(void)
{
    if (mkdir("/d", 0700) != 0 || mkdir("/d/e", 0700) != 0 || mkdir("/empty", 0700) != 0)
        return fail("mkdir");
    if (mkdir("/d", 0700) == 0 || errno != EEXIST)
        return fail("mkdir twice");
    if (do_write("/d/e/f", "text", O_CREAT | O_EXCL) != 0)
        return 1;
    if (rmdir("/d") == 0 || errno != ENOTEMPTY)
        return fail("rmdir of what is not empty");
    if (rename("/d", "/d/e/inside") == 0 || rename("/d", "/moved") != 0)
        return fail("rename of a directory");
    if (rmdir("/empty") != 0 || unlink("/moved") == 0)
        return fail("rmdir");
    if (symlink("moved/e/f", "/lnk") != 0 || do_cat("/lnk") != 0 || unlink("/lnk") != 0)
        return fail("symlink");
    return do_list("/moved/e");
}

/* Descriptors of directories follow a rename and end with a removal. */
static int do_dirfds(void)
{
    if (mkdir("/one", 0700) != 0)
        return fail("mkdir");
    int fd = open("/one", O_RDONLY | O_DIRECTORY);
    if (rename("/one", "/two") != 0 || mkdir("/one", 0700) != 0)
        return fail("rename");
    int file = openat(fd, "f", O_WRONLY | O_CREAT, 0600);
    if (file < 0 || write(file, "x", 1) != 1)
        return fail("openat");
    if (unlink("/two/f") != 0 || rmdir("/two") != 0 || mkdir("/two", 0700) != 0)
        return fail("rmdir");
    return openat(fd, "g", O_WRONLY | O_CREAT, 0600) < 0 && errno == ENOENT ? 0 : fail("gone");
}

static int do_escapes(void)
{
    static const char *const paths[] = {
        "/../etc/passwd", "/dir/../../etc/passwd", "/up/etc/passwd", "/abs", "/loop", "/up/x"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        if (open(paths[i], O_RDONLY) >= 0 || open(paths[i], O_WRONLY | O_CREAT, 0600) >= 0)
            return fail(paths[i]);
        printf("%s %d\n", paths[i], errno);
    }
    return 0;
}

static int do_readonly(void)
{
    if (open("/new", O_WRONLY | O_CREAT, 0600) >= 0 || errno != EROFS)
        return fail("create");
    if (open("/a", O_WRONLY | O_TRUNC) >= 0 || errno != EROFS)
        return fail("truncate");
    if (unlink("/a") == 0 || errno != EROFS || mkdir("/m", 0700) == 0 || errno != EROFS)
        return fail("unlink");
    if (rename("/a", "/b") == 0 || errno != EROFS || symlink("a", "/l") == 0 || errno != EROFS)
        return fail("rename");
    return 0;
}

static int do_clock(void)
{
    struct timespec real, mono, pause = {5, 0};
    unsigned char random[8];
    clock_gettime(CLOCK_REALTIME, &real);
    nanosleep(&pause, NULL);
    clock_gettime(CLOCK_MONOTONIC, &mono);
    getentropy(random, sizeof(random));
    printf("%lld %lld.%09ld ", (long long)real.tv_sec, (long long)mono.tv_sec, mono.tv_nsec);
    for (int i = 0; i < 8; i++)
        printf("%02x", random[i]);
    printf("\n");
    return 0;
}

static volatile uint32_t sink;
static char *volatile block_sink;

static uint32_t recurse(uint32_t n)
{
    sink = n;
    return recurse(n + 1) + sink;
}

static int do_hog(const char *what)
{
    static char block[65536];
    if (strcmp(what, "time") == 0)
        for (;;)
            sink++;
    if (strcmp(what, "stack") == 0)
        return (int)recurse(1);
    if (strcmp(what, "output") == 0)
        for (;;)
            write(1, block, sizeof(block));
    if (strcmp(what, "memory") == 0)
        for (;;) {
            char *p = malloc(1 << 20);
            if (p == NULL)
                return fail("malloc");
            memset(p, 1, 1 << 20);
            block_sink = p;
        }
    if (strcmp(what, "files") == 0)
        for (;;)
            if (open("/a", O_RDONLY) < 0)
                return fail("open");
    if (strcmp(what, "written") == 0) {
        int fd = open("/big", O_WRONLY | O_CREAT, 0600);
        for (;;)
            if (write(fd, block, sizeof(block)) < 0)
                return fail("write");
    }
    if (strcmp(what, "stderr") == 0) {
        memset(block, 'x', sizeof(block));
        for (int i = 0; i < 1000; i++)
            write(2, block, sizeof(block));
        fprintf(stderr, "\nthe last line\n");
        return 1;
    }
    return 1;
}

int main(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";
    const char *arg = argc > 2 ? argv[2] : "";
    if (strcmp(verb, "args") == 0)
        return do_args(argc, argv);
    if (strcmp(verb, "cat") == 0)
        return do_cat(arg);
    if (strcmp(verb, "list") == 0)
        return do_list(arg);
    if (strcmp(verb, "stat") == 0)
        return do_stat(arg);
    if (strcmp(verb, "write") == 0)
        return do_write(arg, argv[3], O_CREAT | O_TRUNC);
    if (strcmp(verb, "append") == 0)
        return do_write(arg, argv[3], O_APPEND);
    if (strcmp(verb, "unlink") == 0)
        return unlink(arg) == 0 ? 0 : fail(arg);
    if (strcmp(verb, "shared") == 0)
        return do_shared();
    if (strcmp(verb, "tree") == 0)
        return do_tree();
    if (strcmp(verb, "dirfds") == 0)
        return do_dirfds();
    if (strcmp(verb, "keep") == 0) { /* open, written, never closed */
        open(arg, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        write(4, argv[3], strlen(argv[3]));
        exit(0);
    }
    if (strcmp(verb, "tty") == 0)
        return isatty(0) + isatty(1) + isatty(2);
    if (strcmp(verb, "escapes") == 0)
        return do_escapes();
    if (strcmp(verb, "readonly") == 0)
        return do_readonly();
    if (strcmp(verb, "clock") == 0)
        return do_clock();
    if (strcmp(verb, "exit") == 0)
        return (int)strtol(arg, NULL, 10);
    if (strcmp(verb, "trap") == 0)
        __builtin_trap();
    return do_hog(arg);
}
