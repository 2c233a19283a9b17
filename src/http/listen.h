/* The listening socket of an address as people write it: "127.0.0.1:8181", ":8181", "[::1]:0". */
#pragma once

#include "base/err.h"

#define HTTP_ADDRESS_MAX 80

struct sockaddr;
/* Bound and listening, close-on-exec, non-blocking. ret_address: the real one, port included. */
enum err_kind http_listen(
    const char *address,
    int *ret_fd,
    char ret_address[HTTP_ADDRESS_MAX],
    bool *ret_is_loopback,
    struct err *err) MUST_USE;
/* "127.0.0.1:41234", "[::1]:41234" */
void http_address_show(const struct sockaddr *a, char ret_text[HTTP_ADDRESS_MAX]);
