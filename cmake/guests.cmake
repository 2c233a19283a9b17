# The guests of the tests of src/wasmhost: C programs compiled to WASI commands by Debian's clang, lld
# and wasi-libc. CUP_GUESTS tells the tests where they are.
set(guests_dir ${CMAKE_BINARY_DIR}/guests)
set(guests "")
foreach(guest guest pointers)
  set(source ${PROJECT_SOURCE_DIR}/src/wasmhost/testdata/${guest}.c)
  set(flags -O1 -Wl,-z,stack-size=65536)
  if(guest STREQUAL pointers)
    set(flags -O1 -nostdlib -Wno-main-return-type)
  endif()
  add_custom_command(
    OUTPUT ${guests_dir}/${guest}.wasm
    COMMAND ${CMAKE_COMMAND} -E make_directory ${guests_dir}
    COMMAND clang-14 --target=wasm32-wasi ${flags} -o ${guests_dir}/${guest}.wasm ${source}
    DEPENDS ${source})
  list(APPEND guests ${guests_dir}/${guest}.wasm)
endforeach()
add_custom_target(cup_guests DEPENDS ${guests})
add_dependencies(test_wasmhost_call cup_guests)
target_compile_definitions(test_wasmhost_call PRIVATE CUP_GUESTS="${guests_dir}")
