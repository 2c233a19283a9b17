#!/bin/bash
# Reads of any commit, branch, tag and proposal; what is none, what is gone, what wants to be more than a name.
. "$(dirname "$0")/../support/lib.sh"
. "$CUP_SOURCE_DIR/tests/support/widgets.sh"

define_widgets "$work/defs"
repo=$work/repo.git
widget a 1 | new_bare_repo "$repo" default/example.com-v1-Widget-a.json
git -C "$repo" tag -a -m annotated v1 main
git -C "$repo" branch topic/x main
start_cupd -api-source git -api-git-repo "$repo" -api-resources "$work/defs"
first=$(git -C "$repo" rev-parse main)
propose a 2
open=$id
propose b 1
closed=$id
expect_exit 0 cup proposal close "$closed"
propose c 1
merged=$id
expect_exit 0 cup proposal merge "$merged"
propose a 2

number() { # ARG…: of widget a
    cup get widgets a -o json "$@" | jq .spec.n
}
holds "a proposal of the object goes on being one" test "$id" = "$open"
holds "the target branch is read" test "$(number)" = 1
holds "... under its name, too" test "$(number --revision main)" = 1
holds "an open proposal is read" test "$(number --proposal "$open")" = 2
holds "a commit is read" test "$(number --revision "$first")" = 1
holds "a tag is read" test "$(number --revision v1)" = 1
holds "a branch with a slash is read" test "$(number --revision topic/x)" = 1
holds "a whole ref is read" test "$(number --revision "refs/heads/cup/proposal/$open")" = 2
expect_exit 3 cup get widgets b
cup get widgets b -o json --proposal "$closed" >"$work/out"
holds "a closed proposal is read" jq -e '.spec.n == 1' "$work/out"
cup get widgets c -o json --proposal "$merged" >"$work/out"
holds "a merged proposal is read" jq -e '.spec.n == 1' "$work/out"
holds "lists are read there" test "$(cup get widgets -o name --proposal "$closed" | tr '\n' ' ')" = "a b "
holds "... across namespaces" test "$(cup get widgets -A -o name --revision v1)" = default/a
cup get widgets -o name --revision "$first" >"$work/out"
holds "... at a commit" test "$(cat "$work/out")" = a

# --- etags: of what the object is, wherever it was read
etag() { # QUERY
    curl -s -D - -o "$work/answer" "$CUP_ADDRESS/$widgets_path/a$1" | tr -d '\r' | sed -n 's/^[Ee][Tt]ag: //p'
}
holds "an object has one etag wherever it is read" test "$(etag '')" = "$(etag "?revision=$first")"
holds "... and another one where it differs" test "$(etag '')" != "$(etag "?proposal=$open")"
holds "a reader who has it is told so" test "$(status_of "$widgets_path/a?revision=v1" -H "If-None-Match: $(etag '')")" = 304

# --- what is not there
holds "an unknown branch is 404" test "$(status_of "$widgets_path/a?revision=nothing")" = 404
holds "an unknown commit is 410" test "$(status_of "$widgets_path/a?revision=${first/[0-9a-f]/z}")$(status_of "$widgets_path/a?revision=1111111111111111111111111111111111111111")" = 404410
holds "... with a reason" jq -e '.reason == "Expired" and .code == 410' "$work/answer"
holds "an unknown proposal is 404" test "$(status_of "$widgets_path/a?proposal=00000000000000000000000000")" = 404
holds "what is no proposal is 400" test "$(status_of "$widgets_path/a?proposal=../main")" = 400
holds "a proposal and a revision at once are 400" test "$(status_of "$widgets_path/a?proposal=$open&revision=main")" = 400
holds "an object that is not in the commit is 404" test "$(status_of "$widgets_path/c?revision=v1")" = 404
expect_exit 3 cup get widgets a --revision 1111111111111111111111111111111111111111
expect_exit 3 cup get widgets a --revision nothing
expect_exit 2 cup get widgets a --revision main --proposal "$open"

# --- hostile ones
git -C "$repo" tag blob "$(git -C "$repo" rev-parse main:default/example.com-v1-Widget-a.json)"
for revision in --upload-pack=x 'ext::sh -c x' 'HEAD@{1}' 'HEAD@{upstream}' main..v1 x.lock refs/../../x :/feat 'main^' 'main~1' \
    'v1^{tree}' 'main:default' $'a\nb' $'a\x1b[31m' "$(printf 'a%.0s' {1..600})"; do
    code=$(status_of "$widgets_path/a" -G --data-urlencode "revision=$revision")
    holds "t_adv_37: revision $(printf '%.20q' "$revision") is refused" test "$code" = 400
    holds "... plainly" is_plain_text "$work/answer"
done
holds "what is no commit is refused" test "$(status_of "$widgets_path/a?revision=blob")" = 400
holds "nothing was changed by reading" test "$(git -C "$repo" rev-parse main~1)" = "$first"

# --- a closed proposal whose commits went
git -C "$repo" update-ref -d "refs/cup/closed/$closed"
holds "a closed proposal that is not kept any more is 404" test "$(status_of "$widgets_path/b?proposal=$closed")" = 404
done_testing
