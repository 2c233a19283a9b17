#include "base/ids.h"
#include "base/clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* The last ULID's bits, so that the next one is larger. */
static pthread_mutex_t last_lock = PTHREAD_MUTEX_INITIALIZER;
static uint8_t last_bits[16];

void id_random(void *ret_bytes, size_t n)
{
    uint8_t *p = ret_bytes;
    while (n > 0) {
        ssize_t got = getrandom(p, n, 0);
        if (got <= 0)
            abort();
        p += got;
        n -= (size_t)got;
    }
}

void id_from_bits(const uint8_t bits[16], char ret_id[ID_CHARS + 1])
{
    /* 26 characters hold 130 bits: two zero bits stand before the 128. */
    unsigned carry = 0;
    unsigned held = 2;
    size_t at = 0;
    for (size_t i = 0; i < 16; i++) {
        carry = carry << 8 | bits[i];
        held += 8;
        while (held >= 5) {
            held -= 5;
            ret_id[at++] = alphabet[carry >> held & 31];
        }
        carry &= (1U << held) - 1;
    }
    ret_id[ID_CHARS] = '\0';
}

static void increment(uint8_t bits[16])
{
    for (size_t i = 16; i-- > 0;) {
        if (++bits[i] != 0)
            return;
    }
}

void id_new(char ret_id[ID_CHARS + 1])
{
    uint8_t bits[16];
    uint64_t ms = (uint64_t)clock_unix_ms();
    for (size_t i = 0; i < 6; i++)
        bits[i] = (uint8_t)(ms >> (40 - 8 * i));
    id_random(bits + 6, 10);
    pthread_mutex_lock(&last_lock);
    if (memcmp(bits, last_bits, 6) <= 0) {
        memcpy(bits, last_bits, 16);
        increment(bits);
    }
    memcpy(last_bits, bits, 16);
    pthread_mutex_unlock(&last_lock);
    id_from_bits(bits, ret_id);
}

bool id_is_valid(struct str text)
{
    if (text.n != ID_CHARS || text.p[0] > '7')
        return false;
    for (size_t i = 0; i < text.n; i++) {
        if (memchr(alphabet, text.p[i], sizeof(alphabet) - 1) == NULL)
            return false;
    }
    return true;
}
