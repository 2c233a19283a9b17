/* placeholder until the folder has its first source */
typedef int wasmhost_placeholder;
