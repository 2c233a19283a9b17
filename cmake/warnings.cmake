# The warnings of the whole tree; our own code is clean under all of them.
add_library(cup_options INTERFACE)
target_compile_options(cup_options INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes
  -Wmissing-prototypes -Wold-style-definition -Wpointer-arith -Wwrite-strings -Wcast-qual -Wundef
  -Wvla -Wformat=2 -Wswitch-enum -Wimplicit-fallthrough -Wnull-dereference -Wredundant-decls
  -Wdouble-promotion -fno-common -fstack-protector-strong)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  target_compile_options(cup_options INTERFACE -Wlogical-op -Wduplicated-cond)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(cup_options INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()
if(CUP_WERROR)
  target_compile_options(cup_options INTERFACE -Werror)
endif()
target_compile_definitions(cup_options INTERFACE _GNU_SOURCE CUP_VERSION="${PROJECT_VERSION}")
target_include_directories(cup_options INTERFACE ${PROJECT_SOURCE_DIR}/src)
