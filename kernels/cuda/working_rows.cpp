// Working rows on the device: drawn by sweep A, gathered on the host into a table of their own.
#include <algorithm>
#include <memory>
#include <utility>

#include "binned_layout.h"
#include "cuda/session.h"

namespace coppice::kernels::cuda {
namespace {

/// A session on working rows, which it owns.
class WorkingSession final : engine::WorkingRows, public Session {
 public:
  WorkingSession(engine::WorkingRows rows, const Parameters& parameters)
      : engine::WorkingRows(std::move(rows)), Session({&bins, labels, weights, {}}, parameters) {
    start(margins);
  }
};

}  // namespace

std::unique_ptr<TrainingSession> Session::open_working(int round) {
  began_.record(stream_);
  std::unique_ptr<TrainingSession> session = make_working(round);
  if (session) session->set_sampling_threshold(threshold_);
  swept_.record(stream_);
  stream_.synchronize();
  seconds_.gradient += swept_.seconds_since(began_);
  return session;
}

std::unique_ptr<TrainingSession> Session::make_working(int round) {
  prepare_draw();
  if (threshold_ == 0) return nullptr;
  const engine::Draw draw = engine::make_working_draw(parameters_.objective, threshold_, bounds_.mean_weight,
                                                      parameters_.seed, round);
  enqueue_sweep(draw, true);
  copy_to_host(stream_, std::span(fetched_state_.data(), 1), tree_.state.data());
  stream_.synchronize();
  const std::size_t n = fetched_state_.data()->totals.n_kept;
  if (n == 0 || n > table_.n_rows / engine::kRowsPerWorkingRow) return nullptr;
  Parameters parameters = parameters_;
  parameters.working_rounds = 1;  // they draw none of their own
  return std::make_unique<WorkingSession>(gather_rows(draw, n), parameters);
}

engine::WorkingRows Session::gather_rows(const engine::Draw& draw, std::size_t n) {
  Buffer<std::uint32_t> rows(n);
  Buffer<float> gradients(table_.n_rows), margins(table_.n_rows);
  copy_to_host(stream_, std::span<std::uint32_t>(rows), tree_.kept[0].data());
  copy_to_host(stream_, std::span<float>(gradients), gradients_.data());
  copy_to_host(stream_, std::span<float>(margins), margins_.data());
  stream_.synchronize();
  std::ranges::sort(rows);  // blocks of the sweep append theirs in any order
  engine::WorkingRows working{allocate_bins(table_.cuts, n, true), Buffer<float>(n), Buffer<float>(n),
                              Buffer<float>(n)};
  for (std::size_t block = 0; block < working.bins.n_blocks(); ++block)
    gather_block(table_, rows, block, working.bins);
  RowsView view;
  view.weights = weights_.empty() ? nullptr : weights_.data();
  view.objective = parameters_.objective;
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint32_t row = rows[i];
    const RowTerms terms = weigh(view, row, gradients[row]);
    const float a = engine::importance(terms.gradient, terms.hessian, draw.floor, draw.threshold);
    const float weight = weights_.empty() ? 1.0F : weights_[row];
    working.labels[i] = labels_[row];
    working.weights[i] = weight * engine::repeat(draw, a);
    working.margins[i] = margins[row];
  }
  return working;
}

}  // namespace coppice::kernels::cuda
