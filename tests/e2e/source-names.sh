#!/bin/bash
# Names of repositories and branches that Git, a shell or HTTP could take for something else are refused when cupd
# starts, before anything is asked for.
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../support/widgets.sh"

define_widgets "$work/resources"
mkdir -p "$work/srv"
widget a 1 | new_bare_repo "$work/srv/r.git" default/example.com-v1-Widget-a.json
start_git_http "$work/srv"

# refused WORDS REPO [ARG…]
refused() {
    local words=$1 code=0
    timeout 20 cupd check -api-source git -api-resources "$work/resources" -api-data "$work/data" -api-git-scm plain \
        -api-git-repo "$2" "${@:3}" >"$work/out" 2>&1 || code=$?
    holds "t_adv_37_source: refused: $(printf '%.60q ' "${@:2}")" \
        sh -c "test $code = 1 && tail -n 1 '$work/out' | grep -q -e '$words'"
}

for branch in 'HEAD@{1}' 'a..b' 'x.lock' '../../x' ':/re' 'main^' 'main:x' 'a b' $'a\nb'; do
    refused 'is not the name of a ref' "$work/srv/r.git" -api-git-branch "$branch"
    refused 'is not the name of a ref' "$git_url/r.git" -api-git-branch "$branch"
done
holds "... and the remote was not asked" test ! -s "$git_log"

host=${git_url#http://}
refused 'query or a fragment' "http://$host/r.git?service=x"
refused 'query or a fragment' "http://$host/r.git#x"
refused 'blanks or control' "http://$host/r"$'\r\n'"X: y"
refused 'blanks or control' "http://$host/r .git"
refused 'names no host' 'http:///r.git'
refused 'not an http or https URL' 'http://127.0.0.1:99999/r.git'
refused 'is not known' "ftp://$host/r.git"
refused 'git://' "git://$host/r.git"
refused 'transport helper\|looks like\|is not known' "ext::sh -c touch% $work/pwned"
refused 'looks like an option' '--upload-pack=touch pwned'
holds "... nor then" test ! -s "$git_log"
holds "nothing that stood in a name was run" test ! -e "$work/pwned"

done_testing
