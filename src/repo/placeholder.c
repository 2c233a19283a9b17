/* placeholder until the folder has its first source */
typedef int repo_placeholder;
