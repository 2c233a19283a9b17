/*
 * What a transport knows of each registry host: how it is reached and who we are to it. Internal to
 * auth.c; any number of threads at once, no lock is held while a credential helper runs.
 */
#pragma once

#include "oci/credentials.h"

enum oci_reach {
    OCI_REACH_UNKNOWN, /* nothing was asked yet */
    OCI_REACH_HTTPS,
    OCI_REACH_PLAIN,    /* plain HTTP, asked for by the user */
    OCI_REACH_FALLBACK, /* plain HTTP on a loopback host that speaks no TLS: no credentials */
};
/* What it took before, to be sent at once from then on. */
enum oci_habit { OCI_HABIT_NONE, OCI_HABIT_BASIC, OCI_HABIT_REGISTRY_TOKEN };

struct oci_hosts;
struct oci_host; /* stays where it is until the table is freed */

/* plain_http_hosts: NULL-terminated, or NULL. All of it is copied. */
struct oci_hosts *oci_hosts_new(
    const struct oci_credential_files *files,
    bool is_plain_http,
    const char *const *plain_http_hosts);
struct oci_hosts *oci_hosts_free(struct oci_hosts *t);

/* The host of that name as in a reference, new where it was not asked for before. */
struct oci_host *oci_hosts_find(struct oci_hosts *t, const char *name);
const char *oci_host_name(const struct oci_host *h);
/* The name that it has on the wire: Docker Hub's differs. */
const char *oci_host_wire(const struct oci_host *h);

enum oci_reach oci_host_reach(struct oci_host *h);
/* What an answer taught, where nothing is known yet: what is settled stays. */
void oci_host_settle(struct oci_host *h, enum oci_reach reach);
static inline bool oci_reach_is_plain(enum oci_reach reach)
{
    return reach == OCI_REACH_PLAIN || reach == OCI_REACH_FALLBACK;
}

enum oci_habit oci_host_habit(struct oci_host *h);
void oci_host_set_habit(struct oci_host *h, enum oci_habit habit);

/* Of a repository of the host ("": of the host itself). Looked up once, whoever asks first; borrowed, and
 * does not change any more. Kinds of oci_credentials_find. */
enum err_kind oci_host_credential(
    struct oci_host *h,
    const char *repository,
    const struct oci_credential **ret,
    struct err *err) MUST_USE;
/* For the whole host, instead of looking it up; before anything is asked of that host. */
void oci_host_set_credential(struct oci_host *h, const struct oci_credential *credential);
