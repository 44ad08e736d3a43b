// Cuts and bins of a table on the CPU, and the backend that opens sessions.
#include <coppice/detail/ranked_values.h>
#include <coppice/detail/threads.h>
#include <coppice/error.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <utility>

#include "binned_layout.h"
#include "cpu/kernels.h"
#include "cpu/session.h"
#include "cpu/thread_team.h"
#include "transpose.h"

namespace coppice::kernels {
namespace cpu {

CutTable make_cut_table(std::span<const float> cuts) {
  CutTable table;
  table.n_levels = static_cast<int>(std::bit_width(cuts.size()));
  table.tree.fill(std::numeric_limits<float>::quiet_NaN());
  table.tree_by_bits = table.tree;
  for (int level = 0; level < table.n_levels; ++level) {
    const std::size_t n_nodes = std::size_t{1} << level;
    const std::size_t reach = std::size_t{1} << (table.n_levels - 1 - level);  // of a node, to either side
    for (unsigned node = 0; node < n_nodes; ++node) {                          // from left to right
      const std::size_t cut = (2 * node + 1) * reach - 1;
      if (cut >= cuts.size()) continue;
      table.tree[n_nodes + node] = cuts[cut];
      table.tree_by_bits[n_nodes + (reversed_bits(node) >> (8 - level))] = cuts[cut];
    }
  }
  return table;
}

namespace {

/// Codes of a categorical feature are bins already, one lower.
void bin_codes(const float* codes, std::size_t n, std::uint8_t* bins) {
  for (std::size_t i = 0; i < n; ++i)
    bins[i] =
        codes[i] == codes[i] ? static_cast<std::uint8_t>(static_cast<int>(codes[i]) + 1) : std::uint8_t{0};
  std::memset(bins + n, 0, kBlockRows - n);
}

/// Row records of one block and group from its columns.
void transpose_block(const std::uint8_t* columns, std::size_t n_features, std::size_t stride,
                     std::uint8_t* records) {
  for (std::size_t row = 0; row < kBlockRows; row += 16) {
    for (std::size_t f = 0; f < stride; f += 16) {
      Bytes square[16] = {};
      for (std::size_t k = 0; k < 16 && f + k < n_features; ++k)
        std::memcpy(&square[k], columns + (f + k) * kBlockRows + row, 16);
      transpose_square(square);
      for (std::size_t k = 0; k < 16; ++k) std::memcpy(records + (row + k) * stride + f, &square[k], 16);
    }
  }
}

class CpuBackend final : public Backend {
 public:
  CpuBackend(int threads, InstructionSet set) : threads_(threads), kernels_(kernels_of(set)) {}

  [[nodiscard]] std::string name() const override { return "cpu"; }
  [[nodiscard]] Cuts make_cuts(const Dataset& data, const CutOptions& options) const override;
  [[nodiscard]] BinnedMatrix bin(const Dataset& data, const Cuts& cuts, bool with_records) const override;
  [[nodiscard]] std::unique_ptr<TrainingSession> open(const SessionData& data,
                                                      const Parameters& parameters) const override {
    return std::make_unique<Session>(data, parameters, std::make_shared<ThreadTeam>(threads_), kernels_);
  }

 private:
  int threads_;
  const Kernels& kernels_;
};

Cuts CpuBackend::make_cuts(const Dataset& data, const CutOptions& options) const {
  const std::vector<std::uint32_t> sample = cut_sample(data.n_rows, options);
  std::vector<Cuts> parts(data.n_features());
  std::vector<detail::RankedValues> ranked(static_cast<std::size_t>(threads_));
  ThreadTeam(threads_).for_each(data.n_features(), [&](std::size_t f, int thread) {
    const Feature& feature = data.schema.features[f];
    if (feature.kind == FeatureKind::kCategorical) {
      parts[f].offsets.push_back(0);
      parts[f].n_codes.push_back(static_cast<std::uint16_t>(feature.categories.size() + 1));
    } else {
      append_numeric_cuts(data.columns[f], data.weights, sample, options, ranked[thread], parts[f]);
    }
  });
  Cuts cuts;
  for (const Cuts& part : parts) {
    cuts.values.insert(cuts.values.end(), part.values.begin(), part.values.end());
    cuts.offsets.push_back(static_cast<std::uint32_t>(cuts.values.size()));
    cuts.n_codes.push_back(part.n_codes.front());
  }
  return cuts;
}

BinnedMatrix CpuBackend::bin(const Dataset& data, const Cuts& cuts, bool with_records) const {
  const std::size_t n_features = cuts.n_features();
  check_features(data, cuts);
  BinnedMatrix matrix = allocate_bins(cuts, data.n_rows, with_records);
  std::vector<CutTable> tables(n_features);
  for (std::size_t f = 0; f < n_features; ++f) tables[f] = make_cut_table(cuts.of(f));
  ThreadTeam(threads_).for_each(matrix.n_blocks(), [&](std::size_t block, int /*thread*/) {
    const std::size_t first = block * kBlockRows;
    const std::size_t n = std::min(kBlockRows, data.n_rows - first);
    std::uint8_t* columns = matrix.columns.data() + block * n_features * kBlockRows;
    for (std::size_t f = 0; f < n_features; ++f) {
      const float* values = data.columns[f].data() + first;
      if (cuts.is_categorical(f))
        bin_codes(values, n, columns + f * kBlockRows);
      else
        kernels_.bin_column(tables[f], values, n, columns + f * kBlockRows);
    }
    if (!with_records) return;
    for (std::size_t group = 0; group < matrix.n_groups(); ++group)
      transpose_block(
          columns + group * kGroupFeatures * kBlockRows, matrix.group_features(group),
          matrix.group_stride(group),
          matrix.records.data() + matrix.group_offset(group) + first * matrix.group_stride(group));
  });
  return matrix;
}

}  // namespace

const Kernels& kernels_of(InstructionSet set) noexcept {
  switch (set) {
    case InstructionSet::kAvx512:
      return avx512_kernels();
    case InstructionSet::kAvx2:
      return avx2_kernels();
    case InstructionSet::kScalar:
      break;
  }
  return scalar_kernels();
}

}  // namespace cpu

std::unique_ptr<Backend> make_cpu_backend(int threads, InstructionSet set) {
  if (set > best_instruction_set())
    throw Error("kernels.cpu.instruction_set",
                fmt::format("this processor does not have {}", to_string(set)));
  return std::make_unique<cpu::CpuBackend>(detail::thread_count(threads), set);
}

std::unique_ptr<Backend> make_cpu_backend(int threads) {
  return make_cpu_backend(threads, best_instruction_set());
}

}  // namespace coppice::kernels
