# The engine: Wasmtime's C API and the JSON Schema validator in one Rust static library. Built once
# per lock file into a cache outside the clone; see tools/build-engine.
execute_process(
  COMMAND ${PROJECT_SOURCE_DIR}/tools/build-engine
  OUTPUT_VARIABLE engine_dir OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
  ${PROJECT_SOURCE_DIR}/engine/Cargo.lock ${PROJECT_SOURCE_DIR}/engine/Cargo.toml
  ${PROJECT_SOURCE_DIR}/engine/src/lib.rs ${PROJECT_SOURCE_DIR}/tools/build-engine)
add_library(cup_engine STATIC IMPORTED GLOBAL)
set_target_properties(cup_engine PROPERTIES
  IMPORTED_LOCATION ${engine_dir}/libcup_engine.a
  INTERFACE_INCLUDE_DIRECTORIES ${engine_dir}/include
  INTERFACE_LINK_LIBRARIES "m;dl;pthread")
