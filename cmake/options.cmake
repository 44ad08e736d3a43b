# Build options. Everything a consumer does not need is on only when Coppice is the top project.
option(COPPICE_BUILD_CLI "Build the coppice program" ${PROJECT_IS_TOP_LEVEL})
option(COPPICE_BUILD_SERVE "Build the prediction server (needs Boost headers and OpenSSL); the program has it"
       ${COPPICE_BUILD_CLI})
option(COPPICE_BUILD_TESTS "Build the tests" ${PROJECT_IS_TOP_LEVEL})
option(COPPICE_BUILD_BENCH "Build the benchmarks and the data generator" ${PROJECT_IS_TOP_LEVEL})
option(COPPICE_BUILD_GPU "Build what bench/gpu runs, without the other benchmarks" OFF)
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

if(COPPICE_BUILD_CLI AND NOT COPPICE_BUILD_SERVE)
  message(FATAL_ERROR "COPPICE_BUILD_CLI needs COPPICE_BUILD_SERVE: the program has the verb serve")
endif()
if(COPPICE_BUILD_SERVE)
  find_package(Boost 1.74)
  find_package(OpenSSL)
  if(NOT Boost_FOUND OR NOT OPENSSL_FOUND)
    message(FATAL_ERROR "The prediction server needs Boost and OpenSSL: install libboost-dev and libssl-dev, "
                        "or leave program and server out with -DCOPPICE_BUILD_CLI=OFF -DCOPPICE_BUILD_SERVE=OFF")
  endif()
endif()

# Flags that every target of this project shares. Contraction would make the bits of a float expression
# depend on the instruction set (docs/determinism.md), so it is off everywhere.
add_library(coppice_build_flags INTERFACE)
target_compile_features(coppice_build_flags INTERFACE cxx_std_20)
set(build_flags
  -ffp-contract=off -fno-fast-math -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
  -Wno-missing-field-initializers
  $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>
  # g++ takes the anonymous namespace of a source file for a header's where several files are compiled as one.
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<BOOL:$<TARGET_PROPERTY:UNITY_BUILD>>>:-Wno-subobject-linkage>
  $<$<BOOL:${COPPICE_WARNINGS_AS_ERRORS}>:-Werror>)
target_compile_options(coppice_build_flags INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:${build_flags}>")
if(COPPICE_SANITIZE)
  target_compile_options(coppice_build_flags INTERFACE -fsanitize=${COPPICE_SANITIZE} -fno-omit-frame-pointer
                         -fno-sanitize-recover=all)
  # Asio has fences, which g++'s thread sanitizer does not see; its locks, which it sees, order the same.
  target_compile_options(coppice_build_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
  target_link_options(coppice_build_flags INTERFACE -fsanitize=${COPPICE_SANITIZE})
endif()
# Tests take longer to compile than to run. Under a sanitizer, what waits for files, sockets and the engine (the
# program, the server, the tuner) is not optimised either, which halves its time; the engine is.
set(coppice_test_options -O1)
set(coppice_unhurried_options)
if(COPPICE_SANITIZE)
  set(coppice_test_options -O0)
  set(coppice_unhurried_options -O0)
endif()
# Nor is a source file of tests, program and server compiled by itself: most of its time goes to headers that its
# neighbours have too. Under a sanitizer that holds for every module; of a build for users the engine's files stay
# apart. What an editor reads (presets debug, tidy) has CMAKE_UNITY_BUILD off.
set(coppice_unity_build ON)
if(DEFINED CMAKE_UNITY_BUILD)
  set(coppice_unity_build ${CMAKE_UNITY_BUILD})
elseif(COPPICE_SANITIZE)
  set(CMAKE_UNITY_BUILD ON)
endif()
set(CMAKE_UNITY_BUILD_BATCH_SIZE 16)
