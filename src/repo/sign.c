#include "repo/sign.h"

#include "base/child.h"

enum { SIGNATURE_MAX = 64 << 10, TIMEOUT_MS = 10000 };

enum err_kind repo_sign(const char *key_file, struct str text, struct buf *ret, struct err *err)
{
    /* -P: a key with a passphrase is refused, not asked about on somebody's terminal */
    const char *const args[] = {"ssh-keygen", "-Y", "sign", "-n",     "git",
                                "-P",         "",   "-f",   key_file, NULL};
    const struct child child = {
        .program = "ssh-keygen",
        .args = args,
        .input = text,
        .output_max = SIGNATURE_MAX,
        .timeout_ms = TIMEOUT_MS,
    };
    struct child_end end = {0};
    enum err_kind r = child_run(&child, ret, &end, err);
    if (r == ERR_NOT_FOUND)
        return err_set(
            err, ERR_UNSUPPORTED,
            "there is no ssh-keygen to sign commits with: install OpenSSH's client");
    if (r != ERR_OK)
        return err_wrap(err, "signing with '%s'", key_file);
    if (end.exit_code != 0 || !str_starts(buf_view(ret), STR("-----BEGIN SSH SIGNATURE-----\n")))
        return err_set(
            err, ERR_INVALID,
            "ssh-keygen does not sign with '%s': it must be an OpenSSH private key without a "
            "passphrase that nobody else can read",
            key_file);
    return ERR_OK;
}
