/* placeholder until the folder has its first source */
typedef int api_placeholder;
