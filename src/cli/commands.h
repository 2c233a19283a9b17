/* The commands that cli/commands.c lists: one file each, cli/cmd_<name>.c. */
#pragma once

#include "cli/command.h"

extern const struct cli_command cmd_apply;
extern const struct cli_command cmd_completion;
extern const struct cli_command cmd_config;
extern const struct cli_command cmd_controller;
extern const struct cli_command cmd_controller_bench; /* these below cmd_controller */
extern const struct cli_command cmd_controller_build;
extern const struct cli_command cmd_controller_exec;
extern const struct cli_command cmd_controller_init;
extern const struct cli_command cmd_controller_run;
extern const struct cli_command cmd_controller_test;
extern const struct cli_command cmd_definitions;
extern const struct cli_command cmd_delete;
extern const struct cli_command cmd_diff;
extern const struct cli_command cmd_edit;
extern const struct cli_command cmd_get;
extern const struct cli_command cmd_help;
extern const struct cli_command cmd_history;
extern const struct cli_command cmd_image;
extern const struct cli_command cmd_image_attach;
extern const struct cli_command cmd_image_check;
extern const struct cli_command cmd_image_copy;
extern const struct cli_command cmd_image_diff;
extern const struct cli_command cmd_image_keygen;
extern const struct cli_command cmd_image_list;
extern const struct cli_command cmd_image_load;
extern const struct cli_command cmd_image_prune;
extern const struct cli_command cmd_image_referrers;
extern const struct cli_command cmd_image_remove;
extern const struct cli_command cmd_image_save;
extern const struct cli_command cmd_image_sign;
extern const struct cli_command cmd_image_tag;
extern const struct cli_command cmd_image_verify;
extern const struct cli_command cmd_inspect;
extern const struct cli_command cmd_login;
extern const struct cli_command cmd_logout;
extern const struct cli_command cmd_pack;
extern const struct cli_command cmd_proposal;
extern const struct cli_command cmd_pull;
extern const struct cli_command cmd_push;
extern const struct cli_command cmd_registry;
extern const struct cli_command cmd_version;
