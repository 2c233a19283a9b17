/* placeholder until the folder has its first source */
typedef int vfs_placeholder;
