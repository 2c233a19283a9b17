#include "base/base64.h"

static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct buf *to, struct str bytes)
{
    const unsigned char *p = (const unsigned char *)bytes.p;
    for (size_t i = 0; i < bytes.n; i += 3) {
        size_t n = bytes.n - i < 3 ? bytes.n - i : 3;
        uint32_t v = (uint32_t)p[i] << 16 | (n > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
            (n > 2 ? (uint32_t)p[i + 2] : 0);
        char quad[4] = {
            ALPHABET[v >> 18], ALPHABET[v >> 12 & 63], n > 1 ? ALPHABET[v >> 6 & 63] : '=',
            n > 2 ? ALPHABET[v & 63] : '='};
        buf_add(to, quad, sizeof(quad));
    }
}

bool base64_decode(struct buf *to, struct str text)
{
    uint32_t bits = 0;
    unsigned count = 0;
    while (text.n > 0 && text.p[text.n - 1] == '=')
        text.n--;
    for (size_t i = 0; i < text.n; i++) {
        const char *at = text.p[i] == '\0' ? NULL : strchr(ALPHABET, text.p[i]);
        if (at == NULL)
            return false;
        bits = bits << 6 | (uint32_t)(at - ALPHABET);
        count += 6;
        if (count >= 8) {
            count -= 8;
            buf_char(to, (char)(bits >> count & 0xFF));
        }
    }
    return count < 6;
}
