#!/bin/bash
# Commits signed by an SSH key: git verifies those of changes and those of merges.
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../support/writes.sh"

widgets_resources "$work/resources"
for type in ed25519 ecdsa rsa; do
    repo=$work/$type.git
    widgets_repo "$repo" a b
    ssh-keygen -q -t $type -N '' -C cup -f "$work/$type"
    printf 'cup@flipt.io namespaces="git" %s\n' "$(cat "$work/$type.pub")" >"$work/allowed-$type"
    start_cupd -api-source git -api-git-repo "$repo" -api-resources "$work/resources" -api-git-signing-key "$work/$type"
    verify() { git -C "$repo" -c gpg.format=ssh -c "gpg.ssh.allowedSignersFile=$work/allowed-$1" verify-commit "$2"; }
    put a 1
    id=$(id)
    query='?message=Zweite%20%C3%84nderung%0A%0Amit%20Text'
    put b 2
    query=
    holds "$type: a change's commit is signed" verify $type "cup/proposal/$id"
    holds "... one with a message of its own, too" verify $type "cup/proposal/$(id)"
    holds "... the committer is cup" grep -qF 'Good "git" signature for cup@flipt.io' <(verify $type "cup/proposal/$id" 2>&1)
    holds "... another key does not do" bash -c "! git -C '$repo' -c gpg.format=ssh -c gpg.ssh.allowedSignersFile=/dev/null verify-commit cup/proposal/$id"
    request POST "/apis/cup.flipt.io/v1alpha1/proposals/$id/merge"
    holds "... and so is the merge" verify $type main
    holds "git finds nothing wrong" sound
    stop_cupd
done

ssh-keygen -q -t ed25519 -N secret -f "$work/locked"
repo=$work/ed25519.git
expect_exit 1 cupd check -api-source git -api-git-repo "$repo" -api-resources "$work/resources" -api-git-signing-key "$work/locked"
holds "a key with a passphrase is refused at the start" grep -q 'without a passphrase' "$work/everything"
expect_exit 1 cupd check -api-source git -api-git-repo "$repo" -api-resources "$work/resources" -api-git-signing-key "$work/nothing"
done_testing
