/*
 * What the tests of this folder share: small modules and definitions, temporary directories, archives
 * made byte by byte. Tests only.
 */
#pragma once

#include "base/fs.h"
#include "base/mem.h"
#include "base/testing.h"
#include "oci/digest.h"
#include "oci/tar.h"

#include <stdio.h>
#include <unistd.h>
#include <zlib.h>

#define UNUSED __attribute__((unused))

/* A core module: imports wasi_snapshot_preview1.proc_exit, exports memory and _start. */
#define WASM_HEAD "\0asm\1\0\0\0"
static const char test_wasm[] =
    WASM_HEAD "\x01\x08\x02\x60\x01\x7f\x00\x60\x00\x00"
              "\x02\x24\x01\x16wasi_snapshot_preview1\x09proc_exit\x00\x00"
              "\x03\x02\x01\x01"
              "\x05\x03\x01\x00\x01"
              "\x07\x13\x02\x06memory\x02\x00\x06_start\x00\x01"
              "\x0a\x04\x01\x02\x00\x0b";
#define TEST_WASM str_of(test_wasm, sizeof(test_wasm) - 1)

#define TEST_DEFINITION(name, group, plural)                                                       \
    "{\"apiVersion\":\"cup.flipt.io/v1alpha1\",\"kind\":\"ResourceDefinition\","                   \
    "\"metadata\":{\"name\":\"" name "\"},\"names\":{\"kind\":\"Flag\",\"singular\":\"flag\","     \
    "\"plural\":\"" plural "\"},\"spec\":{\"group\":\"" group "\",\"versions\":{\"v1alpha1\":"     \
    "{\"type\":\"object\"}}}}\n"

UNUSED static char *test_dir(void)
{
    char path[] = "/tmp/cup-oci-test-XXXXXX";
    assert_non_null(mkdtemp(path));
    return mem_strdup(path);
}

/* `char *dir CLEANUP(test_dir_remove) = test_dir();` */
UNUSED static void test_dir_remove(char **dir)
{
    fs_remove_tree(*dir);
    free(*dir);
}

UNUSED static char *test_file(const char *dir, const char *name, struct str bytes)
{
    char *path = fs_join(dir, name);
    assert_int_equal(fs_write_atomic(path, bytes, 0644, NULL), ERR_OK);
    return path;
}

/* --- archives ------------------------------------------------------------------------------------- */

/* An entry of any name and type, with right checksum. */
UNUSED static void
tar_entry(struct buf *to, const char *name, char type, uint64_t size, struct str data)
{
    char block[TAR_BLOCK];
    static const char zeros[TAR_BLOCK];
    tar_write_header(block, name, size, 0);
    block[156] = type;
    if (type == '1' || type == '2')
        memcpy(block + 157, "target", 6);
    unsigned sum = 0;
    memset(block + 148, ' ', 8);
    for (size_t i = 0; i < TAR_BLOCK; i++)
        sum += (unsigned char)block[i];
    snprintf(block + 148, 8, "%06o", sum);
    buf_add(to, block, sizeof(block));
    buf_str(to, data);
    buf_add(to, zeros, (TAR_BLOCK - data.n % TAR_BLOCK) % TAR_BLOCK);
}

UNUSED static void tar_end(struct buf *to)
{
    static const char zeros[2 * TAR_BLOCK];
    buf_add(to, zeros, sizeof(zeros));
}

UNUSED static void gzip_all(struct buf *to, struct str bytes)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    uLong bound = deflateBound(&z, (uLong)bytes.n);
    char *at = buf_reserve(to, bound);
    assert_non_null(at);
    z.next_in = (Bytef *)(uintptr_t)bytes.p;
    z.avail_in = (uInt)bytes.n;
    z.next_out = (Bytef *)at;
    z.avail_out = (uInt)bound;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    to->n += z.total_out;
    deflateEnd(&z);
}
