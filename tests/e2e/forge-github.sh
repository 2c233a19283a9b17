#!/bin/bash
# A change with GitHub as the forge: opened, gone on with, merged, closed; and what it asks for first.
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../support/forge_story.sh"
forge_story github
forge_rules github
forge_limits github
done_testing
