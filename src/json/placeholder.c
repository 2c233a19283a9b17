/* placeholder until the folder has its first source */
typedef int json_placeholder;
