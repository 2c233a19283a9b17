# libdeflate, from the pinned crate of third_party/ and never the system's: what it writes is part of
# an image's digest (image-format.md section 1), so it must not change with the distribution.
execute_process(
  COMMAND ${PROJECT_SOURCE_DIR}/tools/crate-source libdeflate-sys
  OUTPUT_VARIABLE libdeflate_dir OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
set(libdeflate_dir ${libdeflate_dir}/libdeflate)
add_library(cup_libdeflate STATIC
  ${libdeflate_dir}/lib/arm/cpu_features.c ${libdeflate_dir}/lib/x86/cpu_features.c
  ${libdeflate_dir}/lib/crc32.c ${libdeflate_dir}/lib/deflate_compress.c
  ${libdeflate_dir}/lib/gzip_compress.c ${libdeflate_dir}/lib/utils.c)
target_include_directories(cup_libdeflate SYSTEM PUBLIC ${libdeflate_dir})
target_compile_options(cup_libdeflate PRIVATE -O2)
