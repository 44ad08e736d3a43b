# Build options. Everything a consumer does not need is on only when Coppice is the top project.
option(COPPICE_BUILD_CLI "Build the coppice program" ${PROJECT_IS_TOP_LEVEL})
option(COPPICE_BUILD_TESTS "Build the tests" ${PROJECT_IS_TOP_LEVEL})
option(COPPICE_BUILD_BENCH "Build the benchmarks and the data generator" ${PROJECT_IS_TOP_LEVEL})
option(COPPICE_BUILD_GPU "Build what bench/gpu runs on a machine with a GPU" OFF)
option(COPPICE_BUILD_FUZZ "Build the libFuzzer targets (needs clang)" OFF)
option(COPPICE_WARNINGS_AS_ERRORS "Treat warnings as errors" ${PROJECT_IS_TOP_LEVEL})
set(COPPICE_SANITIZE "" CACHE STRING "Sanitizers to build with: address,undefined or thread")

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release)
endif()

find_package(fmt REQUIRED)
find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)
find_package(nlohmann_json REQUIRED)
find_path(FAST_FLOAT_INCLUDE_DIR fast_float/fast_float.h REQUIRED)

# Flags that every target of this project shares. Contraction would make the bits of a float expression
# depend on the instruction set (docs/determinism.md), so it is off everywhere.
add_library(coppice_build_flags INTERFACE)
target_compile_features(coppice_build_flags INTERFACE cxx_std_20)
set(build_flags
  -ffp-contract=off -fno-fast-math -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
  -Wno-missing-field-initializers
  $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>
  $<$<BOOL:${COPPICE_WARNINGS_AS_ERRORS}>:-Werror>)
target_compile_options(coppice_build_flags INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:${build_flags}>")
if(COPPICE_SANITIZE)
  target_compile_options(coppice_build_flags INTERFACE -fsanitize=${COPPICE_SANITIZE} -fno-omit-frame-pointer
                         -fno-sanitize-recover=all)
  target_link_options(coppice_build_flags INTERFACE -fsanitize=${COPPICE_SANITIZE})
endif()
