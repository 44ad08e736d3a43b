// Working rows on the device: drawn by sweep A, gathered into a table of their own. Nothing of them goes to
// the host but their weights, whose sum is of fixed shape.
#include <coppice/detail/row_bounds.h>
#include <coppice/detail/working_rows.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <vector>

#include "cuda/gather.h"
#include "cuda/session.h"
#include "cuda/sorting.h"

namespace coppice::kernels::cuda {

std::unique_ptr<TrainingSession> Session::open_working(int round) {
  began_.record(*stream_);
  std::unique_ptr<TrainingSession> session = make_working(round);
  if (session) session->set_sampling_threshold(threshold_);
  swept_.record(*stream_);
  stream_->synchronize();
  seconds_.gradient += swept_.seconds_since(began_);
  return session;
}

std::unique_ptr<TrainingSession> Session::make_working(int round) {
  prepare_draw();
  if (threshold_ == 0) return nullptr;
  const engine::Draw draw = engine::make_working_draw(parameters_.objective, threshold_, bounds_.mean_weight,
                                                      parameters_.seed, round);
  enqueue_sweep(draw, true);
  copy_to_host(*stream_, std::span(memory_->fetched_state.data(), 1), memory_->tree.state.data());
  stream_->synchronize();
  const std::uint32_t n = memory_->fetched_state.data()->totals.n_kept;
  if (n == 0 || n > table_.n_rows / engine::kRowsPerWorkingRow) return nullptr;
  gather_working_rows(draw, n);
  const auto fetch = [&](const DeviceBuffer<float>& values) {
    std::vector<float> fetched(n);
    copy_to_host(*stream_, std::span(fetched), values.data());
    stream_->synchronize();
    return fetched;
  };
  const engine::RowBounds bounds = engine::make_row_bounds(fetch(working_memory_->weights), n);
  double residual_bound = 0;
  if (parameters_.objective == Objective::kSquaredError)
    residual_bound = engine::largest_magnitude(fetch(working_memory_->labels)) +
                     engine::largest_magnitude(fetch(working_memory_->margins));
  Parameters parameters = parameters_;
  parameters.working_rounds = 1;  // they draw none of their own
  return std::make_unique<Session>(working_table_, bounds, std::move(parameters),
                                   SessionPlace{stream_, working_memory_}, residual_bound);
}

void Session::gather_working_rows(const engine::Draw& draw, std::uint32_t n) {
  if (!working_memory_) {
    working_table_ = largest_working_table(table_);
    working_memory_ = std::make_shared<SessionMemory>(*stream_, working_table_, true,
                                                      tree_sizes(working_table_, parameters_));
    sort_scratch_ = DeviceBuffer<unsigned char>(sort_scratch_bytes<std::uint32_t>(working_table_.n_rows));
  }
  SessionMemory& to = *working_memory_;
  working_table_.n_rows = to.bins.n_rows = n;
  Gathering how;
  how.bins = memory_->bins.view();
  how.rows = rows_view();
  how.draw = draw;
  // Blocks of the sweep append theirs in any order.
  how.drawn = sort_keys<std::uint32_t>(*stream_,
                                       {memory_->tree.kept[0].data(), memory_->tree.kept[1].data(), n,
                                        sort_scratch_.data(), sort_scratch_.size()},
                                       static_cast<int>(std::bit_width(table_.n_rows)));
  how.n = n;
  how.columns = to.bins.columns.data();
  how.records = to.bins.records.data();
  how.labels = to.labels.data();
  how.weights = to.weights.data();
  how.margins = to.margins.data();
  gather(*stream_, how, sweep_blocks_);
}

}  // namespace coppice::kernels::cuda
