# The Flipt example: flipt.wasm for wasm32-wasi as part of `all` (its own Makefile builds it, the same
# in any configuration), and the same sources natively, for their tests.
find_program(CUP_MAKE NAMES make gmake REQUIRED)
set(flipt_dir ${PROJECT_SOURCE_DIR}/examples/flipt)
set(flipt_out ${CMAKE_BINARY_DIR}/examples/flipt)
file(GLOB flipt_sources CONFIGURE_DEPENDS ${flipt_dir}/*.[ch] ${PROJECT_SOURCE_DIR}/sdk/c/*.[ch])
set(flipt_tests ${flipt_sources})
list(FILTER flipt_sources EXCLUDE REGEX "_test\\.c$")
list(FILTER flipt_tests INCLUDE REGEX "_test\\.c$")

add_custom_command(
  OUTPUT ${flipt_out}/flipt.wasm
  COMMAND ${CMAKE_COMMAND} -E env --unset=MAKEFLAGS --unset=MAKELEVEL
          ${CUP_MAKE} -s -C ${flipt_dir} OUT=${flipt_out}
  DEPENDS ${flipt_sources} ${flipt_dir}/Makefile ${PROJECT_SOURCE_DIR}/third_party/Cargo.lock
  COMMENT "Building examples/flipt/flipt.wasm" VERBATIM)
add_custom_target(flipt_wasm ALL DEPENDS ${flipt_out}/flipt.wasm)

set(flipt_native ${flipt_sources})
list(FILTER flipt_native INCLUDE REGEX "\\.c$")
list(FILTER flipt_native EXCLUDE REGEX "/main\\.c$")
add_library(cup_flipt_native STATIC EXCLUDE_FROM_ALL ${flipt_native})
target_include_directories(cup_flipt_native PUBLIC ${PROJECT_SOURCE_DIR}/sdk/c ${flipt_dir})
target_link_libraries(cup_flipt_native PUBLIC cup_options cup_yyjson PkgConfig::yaml_0_1)
foreach(test ${flipt_tests})
  get_filename_component(stem ${test} NAME_WE)
  string(REGEX REPLACE "_test$" "" stem ${stem})
  get_filename_component(folder ${test} DIRECTORY)
  get_filename_component(folder ${folder} NAME)
  if(folder STREQUAL "c")
    set(folder sdk)
  endif()
  add_executable(test_${folder}_${stem} ${test})
  target_link_libraries(test_${folder}_${stem} PRIVATE cup_flipt_native PkgConfig::cmocka)
  add_test(NAME ${folder}/${stem} COMMAND test_${folder}_${stem})
  set_tests_properties(${folder}/${stem} PROPERTIES TIMEOUT 120 LABELS unit)
endforeach()
