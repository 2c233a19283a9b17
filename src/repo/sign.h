/*
 * Signatures of commits by an SSH key, made by OpenSSH's ssh-keygen: keys of any type that it knows, also
 * such that an agent or a token holds. Not for checking them: that is `git verify-commit`.
 */
#pragma once

#include "base/buf.h"

/*
 * The armoured signature of `text` in Git's namespace.
 *
 * key_file  an OpenSSH private key without a passphrase, readable by this user alone; or a public key,
 *           the private part of which an agent (SSH_AUTH_SOCK) has
 * fails     UNSUPPORTED: there is no ssh-keygen; INVALID: it does not sign with this key; TIMEOUT; IO
 * source    OpenSSH's PROTOCOL.sshsig; ssh-keygen(1), -Y sign
 */
enum err_kind
repo_sign(const char *key_file, struct str text, struct buf *ret, struct err *err) MUST_USE;
