#!/bin/bash
# A change with Gitea as the forge: opened, gone on with, merged, closed; and what it asks for first.
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../support/forge_story.sh"
forge_story gitea
forge_rules gitea
forge_limits gitea
done_testing
