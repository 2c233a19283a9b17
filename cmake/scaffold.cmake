# What `cup controller init` writes: the templates of sdk/scaffold, the SDK and yyjson's source, kept in the
# program by .incbin, so that an installed cup needs nothing beside it.
execute_process(
  COMMAND ${PROJECT_SOURCE_DIR}/tools/crate-source yyjson-sys
  OUTPUT_VARIABLE scaffold_yyjson OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
set(scaffold_templates ${PROJECT_SOURCE_DIR}/sdk/scaffold)
set(scaffold_asm "")
set(scaffold_extern "")
set(scaffold_rows "")
set(scaffold_inputs "")
set(scaffold_count 0)

macro(scaffold_add name path is_template)
  set(id scaffold_${scaffold_count})
  math(EXPR scaffold_count "${scaffold_count} + 1")
  string(APPEND scaffold_asm "    \"${id}:\\n.incbin \\\"${path}\\\"\\n${id}_end:\\n\"\n")
  string(APPEND scaffold_extern "extern const char ${id}[], ${id}_end[];\n")
  string(APPEND scaffold_rows "    {\"${name}\", ${id}, ${id}_end, ${is_template}},\n")
  list(APPEND scaffold_inputs ${path})
endmacro()

file(GLOB_RECURSE scaffold_files CONFIGURE_DEPENDS RELATIVE ${scaffold_templates} ${scaffold_templates}/*)
list(SORT scaffold_files)
foreach(file ${scaffold_files})
  string(REGEX REPLACE "^(gitignore|gitattributes)$" ".\\1" name ${file})
  scaffold_add(${name} ${scaffold_templates}/${file} true)
endforeach()
foreach(file cup_sdk.h internal.h json.c run.c tree.c)
  scaffold_add(sdk/${file} ${PROJECT_SOURCE_DIR}/sdk/c/${file} false)
endforeach()
scaffold_add(sdk/LICENSE ${PROJECT_SOURCE_DIR}/LICENSE false)
foreach(file yyjson.c yyjson.h)
  scaffold_add(sdk/${file} ${scaffold_yyjson}/yyjson/src/${file} false)
endforeach()
scaffold_add(sdk/LICENSE.yyjson ${scaffold_yyjson}/yyjson/LICENSE false)

set(scaffold_source ${CMAKE_BINARY_DIR}/scaffold_files.c)
file(CONFIGURE OUTPUT ${scaffold_source} @ONLY CONTENT [[
/* Made by cmake/scaffold.cmake. */
#include "cli/scaffold.h"

__asm__(
    ".pushsection .rodata\n"
@scaffold_asm@    ".popsection\n");
@scaffold_extern@
const struct cli_scaffold_file cli_scaffold_files[] = {
@scaffold_rows@    {0},
};
]])
set_source_files_properties(${scaffold_source} TARGET_DIRECTORY cup_cli
  PROPERTIES OBJECT_DEPENDS "${scaffold_inputs}")
target_sources(cup_cli PRIVATE ${scaffold_source})
