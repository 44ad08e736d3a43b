// What the executor's two halves, kernels and runtime, tell each other.
#pragma once

#include <string>

namespace cuda_executor {

/// A text about a piece of device memory that somebody wrote beyond; empty: there is none.
[[nodiscard]] std::string damaged_allocation();

/// Clears fault().
void forget_fault();

}  // namespace cuda_executor
