# COPPICE_CUDA: build the CUDA backend. On where nvcc is found and no sanitizer is asked for (they do not know
# device memory; the tests run the same kernels on the CPU).
find_program(COPPICE_NVCC nvcc HINTS ENV CUDACXX PATHS /usr/local/cuda/bin)
if(COPPICE_NVCC AND NOT COPPICE_SANITIZE AND NOT CMAKE_CXX_COMPILER_ID STREQUAL Clang)
  set(cuda_default ON)
else()
  set(cuda_default OFF)
endif()
option(COPPICE_CUDA "Build the CUDA backend" ${cuda_default})
if(NOT COPPICE_CUDA)
  message(STATUS "CUDA: off; Coppice is built for the CPU")
  return()
endif()
if(NOT CMAKE_CUDA_COMPILER AND COPPICE_NVCC)
  set(CMAKE_CUDA_COMPILER ${COPPICE_NVCC})
endif()
if(NOT CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES 90)  # of CMake's own check; the backend names its own
endif()
enable_language(CUDA)
find_package(CUDAToolkit REQUIRED)
message(STATUS "CUDA: ${CMAKE_CUDA_COMPILER} ${CMAKE_CUDA_COMPILER_VERSION}")

# coppice_cuda_target(TARGET): how nvcc compiles it. Machine code for A100 and H100, and portable code for what
# comes after; no contraction (docs/determinism.md); line numbers for ncu and compute-sanitizer. The standard is a
# plain option: CMake 3.25 does not know it for nvcc 13.
function(coppice_cuda_target target)
  set_target_properties(${target} PROPERTIES CUDA_ARCHITECTURES "80-real;90")
  target_compile_options(${target} PRIVATE
    $<$<COMPILE_LANGUAGE:CUDA>:-std=c++20 --fmad=false --expt-relaxed-constexpr -lineinfo>
    $<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-ffp-contract=off,-fno-fast-math,-Wall,-Wextra,-Wshadow>
    $<$<AND:$<COMPILE_LANGUAGE:CUDA>,$<BOOL:${COPPICE_WARNINGS_AS_ERRORS}>>:-Werror=all-warnings>)
endfunction()
