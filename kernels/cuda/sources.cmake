# The files of the CUDA backend: nvcc compiles them for cards, g++ for the tests (tests/cuda_executor).
set(coppice_cuda_sources
  device.cpp)
