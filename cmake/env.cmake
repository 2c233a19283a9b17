# The .env example: env.wasm for wasm32-wasi as part of `all`, by its own Makefile. Its golden cases are
# what tests it (tests/e2e/example-env.sh).
set(env_dir ${PROJECT_SOURCE_DIR}/examples/env)
set(env_out ${CMAKE_BINARY_DIR}/examples/env)
file(GLOB env_sources CONFIGURE_DEPENDS ${env_dir}/*.[ch] ${PROJECT_SOURCE_DIR}/sdk/c/*.[ch])
add_custom_command(
  OUTPUT ${env_out}/env.wasm
  COMMAND ${CMAKE_COMMAND} -E env --unset=MAKEFLAGS --unset=MAKELEVEL
          ${CUP_MAKE} -s -C ${env_dir} OUT=${env_out}
  DEPENDS ${env_sources} ${env_dir}/Makefile ${PROJECT_SOURCE_DIR}/third_party/Cargo.lock
  COMMENT "Building examples/env/env.wasm" VERBATIM)
add_custom_target(env_wasm ALL DEPENDS ${env_out}/env.wasm)
