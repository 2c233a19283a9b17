/*
 * What the commands about keys and signatures share: key files with their passwords, and the trust policy
 * of a run.
 */
#pragma once

#include "base/err.h"
#include "oci/key.h"
#include "oci/trust.h"

struct cli;

/* COSIGN_PASSWORD (an empty one counts), else asked; is_new: asked twice. The caller wipes ret. */
enum err_kind
cli_key_password(struct cli *c, bool is_new, struct buf *ret, struct err *err) MUST_USE;
/* The private key of a file; its password is asked only where it is encrypted. */
enum err_kind
cli_key_read(struct cli *c, const char *path, struct oci_key **ret, struct err *err) MUST_USE;

/*
 * The policy file that --policy names, else $XDG_CONFIG_HOME/cup/trust.json where there is one; NULL:
 * none. A file that is there and cannot be used is an error, so that nothing runs unchecked.
 */
enum err_kind
cli_trust_open(struct cli *c, const char *named, struct oci_trust **ret, struct err *err) MUST_USE;
