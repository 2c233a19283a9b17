/* cup image: the image commands once more, under one name. */
#include "cli/commands.h"

/* Keep sorted by name. */
static const struct cli_command *const commands[] = {
    &cmd_image_attach,
    &cmd_image_check,
    &cmd_image_copy,
    &cmd_image_diff,
    &cmd_inspect,
    &cmd_image_keygen,
    &cmd_image_list,
    &cmd_image_load,
    &cmd_pack,
    &cmd_image_prune,
    &cmd_pull,
    &cmd_push,
    &cmd_image_referrers,
    &cmd_image_remove,
    &cmd_image_save,
    &cmd_image_sign,
    &cmd_image_tag,
    &cmd_image_verify,
    NULL,
};

const struct cli_command cmd_image = {
    .name = "image",
    .aliases = (const char *const[]){"images", NULL},
    .group = "Controller images",
    .summary = "The commands for images",
    .commands = commands,
};
