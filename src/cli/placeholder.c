/* placeholder until the folder has its first source */
typedef int cli_placeholder;
