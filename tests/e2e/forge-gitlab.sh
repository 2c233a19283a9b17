#!/bin/bash
# A change with GitLab as the forge: opened, gone on with, merged, closed; and what it asks for first.
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../support/forge_story.sh"
forge_story gitlab
forge_rules gitlab
forge_limits gitlab
done_testing
