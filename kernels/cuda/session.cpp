#include "cuda/session.h"

#include <coppice/detail/row_bounds.h>
#include <coppice/detail/row_limit.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>

#include "cuda/backend.h"
#include "cuda/route.h"

namespace coppice::kernels::cuda {
namespace {

/// Blocks of a sweep that a multiprocessor works on at a time.
constexpr unsigned kSweepBlocks = 4;

/// A finished tree in bins.
std::vector<GrownNode> grown_nodes(const Tree& tree, const Cuts& cuts) {
  std::vector<GrownNode> nodes(tree.nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const Tree::Node& from = tree.nodes[i];
    if (from.is_leaf()) continue;
    nodes[i].left = from.left;
    engine::Split& split = nodes[i].split;
    const auto feature = static_cast<std::uint32_t>(from.feature);
    split.is_categorical = from.is_categorical;
    if (!from.is_categorical) {
      split.key =
          engine::split_key(feature, cuts.bin_before(feature, from.threshold), from.default_left ? 0 : 1);
      continue;
    }
    split.key = engine::split_key(feature, 0, 0);
    if (!from.default_left) engine::insert(split.right_bins, 0);
    for (const std::int32_t code : tree.categories_of(from)) engine::insert(split.right_bins, code + 1);
  }
  return nodes;
}

}  // namespace

Session::Session(const SessionData& data, Parameters parameters)
    : Session(*data.bins, engine::make_row_bounds(data.weights, data.bins->n_rows), std::move(parameters), {},
              0) {
  labels_ = data.labels;
  watched_ = data.watched;
  plan_ = plan_memory(data, parameters_);
  check_memory(data, parameters_, device_memory().free);
  stream_ = std::make_shared<const Stream>();
  memory_ = std::make_shared<SessionMemory>(*stream_, table_, !data.weights.empty(), sizes_);
  copy_to_device(*stream_, memory_->bins.columns.data(), {table_.columns.data(), column_bytes(table_)});
  copy_to_device(*stream_, memory_->bins.records.data(), {table_.records.data(), record_bytes(table_)});
  copy_to_device(*stream_, memory_->labels.data(), data.labels);
  copy_to_device(*stream_, memory_->weights.data(), data.weights);
  for (const BinnedMatrix* matrix : data.evaluation)
    followers_.push_back({upload_columns(*stream_, *matrix), DeviceBuffer<float>(matrix->n_rows)});
  metrics_ = WatchedMetrics(*stream_, data, parameters_);
  stream_->synchronize();
}

Session::Session(const BinnedMatrix& table, const engine::RowBounds& bounds, Parameters parameters,
                 SessionPlace place, double residual_bound)
    : table_(table),
      parameters_(std::move(parameters)),
      sizes_(tree_sizes(table, parameters_)),
      stream_(std::move(place.stream)),
      memory_(std::move(place.memory)),
      sweep_blocks_(current_device_processors() * kSweepBlocks),
      growth_blocks_(most_growth_blocks(sizes_.max_bins, sizes_.has_categorical)),
      bounds_(bounds),
      residual_bound_(residual_bound),
      gain_history_(table.n_features()) {}

void Session::start(float base_margin) {
  fill(*stream_, memory_->margins.data(), memory_->bins.n_rows, base_margin, sweep_blocks_);
  for (Follower& follower : followers_)
    fill(*stream_, follower.margins.data(), follower.bins.n_rows, base_margin, sweep_blocks_);
  margins_lag_ = false;
  gain_history_ = engine::GainHistory(table_.n_features());
  residual_bound_ = 0;
  if (parameters_.objective == Objective::kSquaredError) residual_bound_ = engine::largest_magnitude(labels_);
  residual_bound_ += std::fabs(static_cast<double>(base_margin));
}

RowsView Session::rows_view() {
  RowsView rows;
  rows.labels = memory_->labels.data();
  rows.weights = memory_->weights.data();
  rows.margins = memory_->margins.data();
  rows.gradients = memory_->gradients.data();
  rows.largest_gradient = memory_->largest_gradient.data();
  rows.largest_hessian = memory_->largest_hessian.data();
  rows.leaves = memory_->leaves.data();
  rows.leaf_weights = memory_->tree.leaf_weights.data();
  rows.objective = parameters_.objective;
  return rows;
}

Growth Session::growth_view(const engine::Draw& draw, int round) {
  Growth g;
  g.bins = memory_->bins.view();
  g.rows = rows_view();
  g.draw = draw;
  g.exponents = exponents_;
  g.subsample = parameters_.subsample;
  g.rule = engine::make_split_rule(parameters_);
  g.limits = engine::make_growth_limits(parameters_);
  g.categorical = engine::make_categorical_rule(parameters_);
  g.sampling = {parameters_.colsample_bylevel, parameters_.colsample_bynode, parameters_.seed,
                static_cast<std::uint32_t>(round)};
  g.all_features = {memory_->tree.features.data(), static_cast<std::uint32_t>(n_all_)};
  g.screened_features = {memory_->tree.features.data() + n_all_, static_cast<std::uint32_t>(n_screened_)};
  g.screening_rows = static_cast<std::uint32_t>(parameters_.screening_rows);
  g.feature_bins = memory_->tree.feature_bins.data();
  g.max_bins = sizes_.max_bins;
  g.has_categorical = sizes_.has_categorical;
  for (int i = 0; i < 2; ++i) {
    g.kept[i] = memory_->tree.kept[i].data();
    g.words[i] = memory_->tree.words[i].data();
  }
  g.histograms = memory_->tree.histograms.data();
  g.slot_words = sizes_.slot_words;
  g.nodes = memory_->tree.nodes.data();
  g.route = memory_->tree.route.data();
  g.leaf_sums = memory_->tree.leaf_sums.data();
  g.node_rows = memory_->tree.node_rows.data();
  g.slots = memory_->tree.slots.data();
  g.pairs = memory_->tree.pairs.data();
  g.candidates = memory_->tree.candidates.data();
  g.in_level = memory_->tree.in_level.data();
  g.state = memory_->tree.state.data();
  return g;
}

engine::Draw Session::draw_of(float threshold, double subsample, int round) const {
  return engine::make_draw(parameters_.objective, threshold, bounds_.mean_weight, subsample, parameters_.seed,
                           round);
}

void Session::enqueue_sweep(const engine::Draw& draw, bool draws) {
  exponents_ = engine::sweep_exponents(parameters_.objective, bounds_, draw);
  fill_bytes(*stream_, memory_->tree.state.data(), 0, 1);
  Sweep how;
  how.rows = rows_view();
  how.n_rows = memory_->bins.n_rows;
  how.draw = draw;
  how.exponents = exponents_;
  how.draws = draws;
  how.has_tree = margins_lag_;
  how.kept = memory_->tree.kept[0].data();
  how.totals = &memory_->tree.state.data()->totals;
  sweep(*stream_, how, sweep_blocks_);
  margins_lag_ = false;
}

void Session::find_threshold() {
  threshold_ = 0;
  if (parameters_.sampling_noise == 0) return;
  float threshold = std::numeric_limits<float>::infinity();
  for (int step = 0; step < engine::kThresholdSteps; ++step) {
    enqueue_sweep(draw_of(threshold, 1, 0), false);
    copy_to_host(*stream_, std::span(memory_->fetched_state.data(), 1), memory_->tree.state.data());
    stream_->synchronize();
    const SweepTotals& totals = memory_->fetched_state.data()->totals;
    const float next =
        engine::next_threshold(parameters_.sampling_noise, threshold, totals.sum(exponents_, kSquares),
                               totals.sum(exponents_, kBelow), totals.sum(exponents_, kSquaresBelow));
    if (next == threshold) break;
    threshold = next;
  }
  threshold_ = threshold < std::numeric_limits<float>::infinity() ? threshold : 0.0F;
}

void Session::choose_features(int round) {
  const auto of_tree = [&](std::size_t n_kept) {
    return engine::FeatureSampler(
               parameters_,
               engine::screened_features(parameters_, gain_history_, table_.n_features(), n_kept, round),
               round)
        .of_tree();
  };
  std::vector<std::uint32_t> features = of_tree(0);
  n_all_ = features.size();
  const std::vector<std::uint32_t> screened = of_tree(table_.n_rows);
  n_screened_ = screened.size();
  features.insert(features.end(), screened.begin(), screened.end());
  const std::span<std::uint32_t> on_device(memory_->features.data(), features.size());
  if (has_features_ && std::ranges::equal(features, on_device)) return;
  std::ranges::copy(features, on_device.begin());
  copy_to_device(*stream_, memory_->tree.features.data(), on_device);
  has_features_ = true;
}

void Session::prepare_draw() {
  if (parameters_.objective == Objective::kSquaredError) bounds_.gradient = bounds_.weight * residual_bound_;
  if (std::isnan(threshold_)) find_threshold();
}

void Session::begin_tree(int round) {
  began_.record(*stream_);
  prepare_draw();
  gradient_exponent_ = engine::sum_exponent(bounds_.n_rows * bounds_.gradient);
  hessian_exponent_ = engine::sum_exponent(bounds_.n_rows * bounds_.weight);
  const engine::Draw draw = draw_of(threshold_, parameters_.subsample, round);
  enqueue_sweep(draw, true);
  swept_.record(*stream_);
  drawn_threshold_ = threshold_;
  choose_features(round);
  grow_tree(*stream_, growth_view(draw, round), growth_blocks_);
  grew_.record(*stream_);
}

std::span<const GrownNode> Session::fetch_tree() {
  send_tree(*stream_,
            {memory_->tree.state.data(), memory_->tree.nodes.data(), memory_->tree.leaf_sums.data()},
            {memory_->fetched_state.data(), memory_->fetched_nodes.data(), memory_->fetched_sums.data()},
            sizes_.nodes);
  routed_.record(*stream_);
  stream_->synchronize();
  seconds_.gradient += swept_.seconds_since(began_);
  seconds_.histogram += grew_.seconds_since(swept_);
  seconds_.route += routed_.seconds_since(grew_);
  count_evaluation();
  return {memory_->fetched_nodes.data(), static_cast<std::size_t>(memory_->fetched_state.data()->n_nodes)};
}

Tree Session::finish_tree() {
  LeafSumming how;
  how.bins = memory_->bins.view();
  how.rows = rows_view();
  how.tree = {memory_->tree.route.data(), memory_->tree.nodes.data()};
  how.n_nodes = &memory_->tree.state.data()->n_nodes;
  how.gradient_exponent = gradient_exponent_;
  how.hessian_exponent = hessian_exponent_;
  how.sums = memory_->tree.leaf_sums.data();
  sum_leaves(*stream_, how, static_cast<int>(sizes_.nodes), sweep_blocks_);
  const std::span<const GrownNode> nodes = fetch_tree();
  const SweepTotals& totals = memory_->fetched_state.data()->totals;
  n_kept_ = totals.n_kept;
  threshold_ = engine::drifted_threshold(parameters_.sampling_noise, drawn_threshold_,
                                         totals.sum(exponents_, kSquares), totals.sum(exponents_, kBelow),
                                         totals.sum(exponents_, kSquaresBelow), static_cast<double>(n_kept_),
                                         engine::row_limit(parameters_, gain_history_, bounds_.n_rows));
  Tree tree = engine::finish(nodes, std::span<const LeafSum>(memory_->fetched_sums.data(), nodes.size()),
                             gradient_exponent_, hessian_exponent_, table_.cuts, parameters_);
  remember_tree(tree);
  for (std::size_t i = 0; i < nodes.size(); ++i) memory_->leaf_weights.data()[i] = tree.nodes[i].weight;
  copy_to_device(*stream_, memory_->tree.leaf_weights.data(),
                 std::span(memory_->leaf_weights.data(), nodes.size()));
  margins_lag_ = true;
  evaluation_began_.record(*stream_);
  for (Follower& follower : followers_)
    cuda::add_tree(*stream_, follower.bins.view(), how.tree, memory_->tree.leaf_weights.data(),
                   follower.margins.data(), sweep_blocks_);
  evaluated_.record(*stream_);
  has_evaluated_ = true;
  return tree;
}

/// Call it when the stream has been waited for.
void Session::count_evaluation() {
  if (has_evaluated_) seconds_.evaluate += evaluated_.seconds_since(evaluation_began_);
  has_evaluated_ = false;
}

void Session::remember_tree(const Tree& tree) {
  double largest = 0;
  for (const Tree::Node& node : tree.nodes)
    if (node.is_leaf()) largest = std::max(largest, std::fabs(static_cast<double>(node.weight)));
  residual_bound_ += largest;
  gain_history_.add(tree);
}

void Session::add_last_tree() {
  if (margins_lag_) add_leaf_weights(*stream_, rows_view(), memory_->bins.n_rows, sweep_blocks_);
  margins_lag_ = false;
}

void Session::add_tree(const Tree& tree) {
  add_last_tree();
  remember_tree(tree);
  const std::vector<GrownNode> nodes = grown_nodes(tree, table_.cuts);
  // What the last tree was sent from is free then. In a stage of working rows there is next to nothing to
  // wait for: their tree has been waited for on the same stream.
  stream_->synchronize();
  if (nodes.size() > memory_->tree.nodes.size()) memory_->allocate_nodes(*stream_, nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    memory_->fetched_nodes.data()[i] = nodes[i];
    memory_->added_route.data()[i] = make_route_node(nodes[i], static_cast<std::int32_t>(i));
    memory_->leaf_weights.data()[i] = tree.nodes[i].weight;
  }
  copy_to_device(*stream_, memory_->tree.nodes.data(),
                 std::span(memory_->fetched_nodes.data(), nodes.size()));
  copy_to_device(*stream_, memory_->tree.route.data(), std::span(memory_->added_route.data(), nodes.size()));
  copy_to_device(*stream_, memory_->tree.leaf_weights.data(),
                 std::span(memory_->leaf_weights.data(), nodes.size()));
  const RouteTree view{memory_->tree.route.data(), memory_->tree.nodes.data()};
  cuda::add_tree(*stream_, memory_->bins.view(), view, memory_->tree.leaf_weights.data(),
                 memory_->margins.data(), sweep_blocks_);
  for (Follower& follower : followers_)
    cuda::add_tree(*stream_, follower.bins.view(), view, memory_->tree.leaf_weights.data(),
                   follower.margins.data(), sweep_blocks_);
}

void Session::read_margins(std::span<float> margins) {
  add_last_tree();
  copy_to_host(*stream_, margins, memory_->margins.data());
  stream_->synchronize();
}

void Session::read_evaluation_margins(std::size_t index, std::span<float> margins) {
  copy_to_host(*stream_, margins, followers_[index].margins.data());
  stream_->synchronize();
  count_evaluation();
}

std::vector<double> Session::evaluate(std::size_t index) {
  const int of = watched_[index].evaluation_index;
  if (of < 0) add_last_tree();
  return metrics_.evaluate(
      *stream_, index,
      of < 0 ? memory_->margins.data() : followers_[static_cast<std::size_t>(of)].margins.data());
}

std::unique_ptr<TrainingSession> open_session(const SessionData& data, const Parameters& parameters) {
  return std::make_unique<Session>(data, parameters);
}

}  // namespace coppice::kernels::cuda
