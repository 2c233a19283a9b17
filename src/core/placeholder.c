/* placeholder until the folder has its first source */
typedef int core_placeholder;
