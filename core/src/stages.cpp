#include "stages.h"

#include <coppice/detail/grow_tree.h>
#include <coppice/detail/working_rows.h>

namespace coppice {

Stages::Stages(TrainingSession& session, Model& model) : all_rows_(session), model_(model) {
  all_rows_.start(base_margin(model_.objective, model_.base_score));
  for (const Tree& tree : model_.trees) {
    if (round_ == stage_end_) begin_stage();
    if (working_) working_->add_tree(tree);
    all_rows_.add_tree(tree);
    ++round_;
  }
  active().set_sampling_threshold(model_.summary.sampling_thresholds.back());
}

void Stages::grow() {
  if (round_ == stage_end_) begin_stage();
  const Tree& tree = model_.trees.emplace_back(detail::grow_tree(active(), round_));
  if (working_) all_rows_.add_tree(tree);
  auto& thresholds = model_.summary.sampling_thresholds;
  thresholds.back() = active().sampling_threshold();
  thresholds.push_back(active().next_sampling_threshold());
  ++round_;
}

PhaseSeconds Stages::seconds() const {
  PhaseSeconds seconds = all_rows_.phase_seconds();
  seconds += ended_;
  if (working_) seconds += working_->phase_seconds();
  return seconds;
}

void Stages::begin_stage() {
  if (working_) ended_ += working_->phase_seconds();
  working_.reset();
  stage_end_ = detail::stage_end(round_, model_.parameters.working_rounds);
  all_rows_.set_sampling_threshold(model_.summary.sampling_thresholds[static_cast<std::size_t>(round_)]);
  if (stage_end_ - round_ > 1) working_ = all_rows_.open_working(round_);
}

}  // namespace coppice
