/*
 * One hop of a request: a libcurl handle is set up, runs, and what came of it becomes ours. Internal to
 * client.c, which decides where the next hop goes.
 */
#pragma once

#include "http/client.h"
#include "http/proxy.h"

#include <curl/curl.h>

/* Of a client; does not change while it lives. */
struct http_settings {
    char *ca_file;
    char *cert_file;
    char *key_file;
    bool is_insecure;
    char *user_agent;
    int64_t connect_timeout_ms;
    int64_t stall_timeout_ms;
    struct http_proxies proxies; /* the texts are the client's */
    bool (*is_cancelled)(void *data);
    void *cancel_data;
};

struct http_hop {
    const struct http_settings *settings;
    const struct http_client_request *request;
    const char *url;
    bool is_first_origin; /* else no credentials and no client certificate */
    int64_t timeout_ms;
    bool is_not_tls; /* filled: the peer of an https URL does not speak TLS */
};
/* As http_client_do, without redirects. */
enum err_kind http_hop_run(
    struct http_hop *hop, CURL *easy, struct http_client_response *ret, struct err *err) MUST_USE;
