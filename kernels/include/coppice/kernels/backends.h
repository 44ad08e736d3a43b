// Which devices this build knows, and how to get one.
#pragma once

#include <coppice/backend.h>
#include <coppice/scorer.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::kernels {

/// Instruction sets of the CPU backend, in rising order. All give the same bits.
enum class InstructionSet { kScalar, kAvx2, kAvx512 };
[[nodiscard]] std::string_view to_string(InstructionSet set) noexcept;
/// The best one that this machine runs.
[[nodiscard]] InstructionSet best_instruction_set() noexcept;

/// A CPU backend. threads 0: all cores the process may use. Errors: kernels.cpu.instruction_set when this
/// machine does not have it.
[[nodiscard]] std::unique_ptr<Backend> make_cpu_backend(int threads = 0);
[[nodiscard]] std::unique_ptr<Backend> make_cpu_backend(int threads, InstructionSet set);

/// A backend by name: `cpu`, `cuda`, `cuda:1`, `auto`. `auto` is the CPU: whether and from which size on a
/// GPU is faster has not been measured yet.
/// Errors: kernels.device.unknown, kernels.device.missing.
[[nodiscard]] std::unique_ptr<Backend> make_backend(std::string_view device, int threads = 0);

/// Scores of a table by a model on a GPU (`cuda`, `cuda:1`), for large batches: the bits of a Scorer.
/// Shapes: data in the order of the model's schema; result [n_rows]. Needs: a model that a Scorer takes.
/// Errors: kernels.device.unknown, kernels.device.missing, kernels.memory.
[[nodiscard]] std::vector<float> score_on_device(std::string_view device, const Model& model,
                                                 const Dataset& data, Output output = Output::kPrediction);

}  // namespace coppice::kernels
