# The files of the CUDA backend: nvcc compiles them for cards, g++ for the tests (tests/cuda_executor).
set(coppice_cuda_sources
  backend.cpp
  binning.cu
  cuts.cu
  device.cpp
  gather.cu
  gradients.cu
  growth.cu
  memory.cpp
  metrics.cu
  plan.cpp
  ranks.cu
  route.cu
  scoring.cu
  session.cpp
  sorting.cu
  working_rows.cpp)
