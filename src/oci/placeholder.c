/* placeholder until the folder has its first source */
typedef int oci_placeholder;
