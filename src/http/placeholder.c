/* placeholder until the folder has its first source */
typedef int http_placeholder;
