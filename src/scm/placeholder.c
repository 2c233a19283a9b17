/* placeholder until the folder has its first source */
typedef int scm_placeholder;
