#!/bin/bash
# A change with Gitea as the forge, each step with each fault and then again: one branch, one request.
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../support/forge_story.sh"
forge_faults gitea
done_testing
