# yyjson: the system's where it has one (Debian 13), else the C source that the pinned crate of
# third_party/ carries.
find_package(yyjson QUIET)
add_library(cup_yyjson INTERFACE)
if(yyjson_FOUND)
  target_link_libraries(cup_yyjson INTERFACE yyjson::yyjson)
else()
  execute_process(
    COMMAND ${PROJECT_SOURCE_DIR}/tools/crate-source yyjson-sys
    OUTPUT_VARIABLE yyjson_dir OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  add_library(cup_yyjson_source STATIC ${yyjson_dir}/yyjson/src/yyjson.c)
  target_include_directories(cup_yyjson_source SYSTEM PUBLIC ${yyjson_dir}/yyjson/src)
  # Under UBSan its inlined parsers take a compiler minutes; AddressSanitizer stays.
  target_compile_options(cup_yyjson_source PRIVATE -O2 $<$<CONFIG:Sanitize>:-fno-sanitize=undefined>)
  target_link_libraries(cup_yyjson INTERFACE cup_yyjson_source)
endif()
