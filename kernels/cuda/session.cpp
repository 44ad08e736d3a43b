#include "cuda/session.h"

#include <coppice/detail/row_bounds.h>

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
    : table_(*data.bins),
      parameters_(std::move(parameters)),
      labels_(data.labels),
      weights_(data.weights),
      sizes_(tree_sizes(table_, parameters_)),
      plan_(plan_memory(data, parameters_)),
      bounds_(engine::make_row_bounds(data.weights, table_.n_rows)),
      gain_history_(table_.n_features()),
      watched_(data.watched) {
  check_memory(data, parameters_, device_memory().free);
  const unsigned processors = current_device_processors();
  sweep_blocks_ = processors * kSweepBlocks;
  growth_blocks_ = most_growth_blocks(sizes_.max_bins, sizes_.has_categorical);
  bins_ = upload_bins(table_);
  allocate_rows();
  allocate_tree();
  for (const BinnedMatrix* matrix : data.evaluation)
    followers_.push_back({upload_bins(*matrix), DeviceBuffer<float>(matrix->n_rows)});
  metrics_ = WatchedMetrics(stream_, data, parameters_.objective);
  stream_.synchronize();
}

DeviceBins Session::upload_bins(const BinnedMatrix& bins) {
  const std::size_t of_records = bins.records.empty() ? 0 : record_bytes(bins);
  return {upload(stream_, std::span<const std::uint8_t>(bins.columns.data(), column_bytes(bins))),
          upload(stream_, std::span<const std::uint8_t>(bins.records.data(), of_records)),
          static_cast<std::uint32_t>(bins.n_rows), static_cast<std::uint32_t>(bins.n_features())};
}

void Session::allocate_rows() {
  const std::size_t n = table_.n_rows;
  device_labels_ = upload(stream_, labels_);
  device_weights_ = upload(stream_, weights_);
  margins_ = DeviceBuffer<float>(n);
  gradients_ = DeviceBuffer<float>(n);
  largest_gradient_ = DeviceBuffer<float>(table_.n_blocks());
  largest_hessian_ = DeviceBuffer<float>(table_.n_blocks());
  leaves_ = DeviceBuffer<std::uint32_t>(n);
}

void Session::allocate_tree() {
  const std::size_t n = table_.n_rows, n_features = table_.n_features();
  for (auto& kept : tree_.kept) kept = DeviceBuffer<std::uint32_t>(n);
  for (auto& words : tree_.words) words = DeviceBuffer<Word>(n);
  tree_.histograms = DeviceBuffer<Word>(sizes_.slots * sizes_.slot_words);
  allocate_nodes(sizes_.nodes);
  tree_.leaf_sums = DeviceBuffer<LeafSum>(sizes_.nodes);
  tree_.node_rows = DeviceBuffer<NodeRows>(sizes_.nodes);
  tree_.slots = DeviceBuffer<int>(sizes_.nodes);
  tree_.pairs = DeviceBuffer<Pair>(sizes_.slots);
  tree_.candidates = DeviceBuffer<BlockSplit>(sizes_.slots * 2 * sizes_.octets);
  tree_.features = DeviceBuffer<std::uint32_t>(2 * n_features);
  tree_.in_level = DeviceBuffer<std::uint8_t>(n_features);
  tree_.state = DeviceBuffer<TreeState>(1);
  std::vector<FeatureBins> bins(n_features);
  for (std::size_t f = 0; f < n_features; ++f)
    bins[f] = {static_cast<std::uint16_t>(table_.cuts.n_bins(f)), table_.cuts.is_categorical(f)};
  tree_.feature_bins = upload(stream_, std::span<const FeatureBins>(bins));
  fetched_state_ = PinnedBuffer<TreeState>(1);
  fetched_nodes_ = PinnedBuffer<GrownNode>(sizes_.nodes);
  fetched_sums_ = PinnedBuffer<LeafSum>(sizes_.nodes);
  leaf_weights_ = PinnedBuffer<float>(sizes_.nodes);
  features_ = PinnedBuffer<std::uint32_t>(2 * n_features);
  stream_.synchronize();
}

/// What a tree that is added needs as well.
void Session::allocate_nodes(std::size_t n_nodes) {
  tree_.nodes = DeviceBuffer<GrownNode>(n_nodes);
  tree_.route = DeviceBuffer<RouteNode>(n_nodes);
  tree_.leaf_weights = DeviceBuffer<float>(n_nodes);
}

void Session::start(float base_margin) {
  fill(stream_, margins_.data(), bins_.n_rows, base_margin, sweep_blocks_);
  for (Follower& follower : followers_)
    fill(stream_, follower.margins.data(), follower.bins.n_rows, base_margin, sweep_blocks_);
  margins_lag_ = false;
  gain_history_ = engine::GainHistory(table_.n_features());
  residual_bound_ = 0;
  if (parameters_.objective == Objective::kSquaredError) residual_bound_ = engine::largest_magnitude(labels_);
  residual_bound_ += std::fabs(static_cast<double>(base_margin));
}

void Session::start(std::span<const float> margins) {
  start(0.0F);
  copy_to_device(stream_, margins_.data(), margins);
  residual_bound_ += engine::largest_magnitude(margins);
  stream_.synchronize();
}

RowsView Session::rows_view() {
  RowsView rows;
  rows.labels = device_labels_.data();
  rows.weights = device_weights_.data();
  rows.margins = margins_.data();
  rows.gradients = gradients_.data();
  rows.largest_gradient = largest_gradient_.data();
  rows.largest_hessian = largest_hessian_.data();
  rows.leaves = leaves_.data();
  rows.leaf_weights = tree_.leaf_weights.data();
  rows.objective = parameters_.objective;
  return rows;
}

Growth Session::growth_view(const engine::Draw& draw, int round) {
  Growth g;
  g.bins = bins_.view();
  g.rows = rows_view();
  g.draw = draw;
  g.exponents = exponents_;
  g.subsample = parameters_.subsample;
  g.rule = engine::make_split_rule(parameters_);
  g.limits = engine::make_growth_limits(parameters_);
  g.categorical = engine::make_categorical_rule(parameters_);
  g.sampling = {parameters_.colsample_bylevel, parameters_.colsample_bynode, parameters_.seed,
                static_cast<std::uint32_t>(round)};
  g.all_features = {tree_.features.data(), static_cast<std::uint32_t>(n_all_)};
  g.screened_features = {tree_.features.data() + n_all_, static_cast<std::uint32_t>(n_screened_)};
  g.screening_rows = static_cast<std::uint32_t>(parameters_.screening_rows);
  g.feature_bins = tree_.feature_bins.data();
  g.max_bins = sizes_.max_bins;
  g.has_categorical = sizes_.has_categorical;
  for (int i = 0; i < 2; ++i) {
    g.kept[i] = tree_.kept[i].data();
    g.words[i] = tree_.words[i].data();
  }
  g.histograms = tree_.histograms.data();
  g.slot_words = sizes_.slot_words;
  g.nodes = tree_.nodes.data();
  g.route = tree_.route.data();
  g.leaf_sums = tree_.leaf_sums.data();
  g.node_rows = tree_.node_rows.data();
  g.slots = tree_.slots.data();
  g.pairs = tree_.pairs.data();
  g.candidates = tree_.candidates.data();
  g.in_level = tree_.in_level.data();
  g.state = tree_.state.data();
  return g;
}

engine::Draw Session::draw_of(float threshold, double subsample, int round) const {
  return engine::make_draw(parameters_.objective, threshold, bounds_.mean_weight, subsample, parameters_.seed,
                           round);
}

void Session::enqueue_sweep(const engine::Draw& draw, bool draws) {
  exponents_ = engine::sweep_exponents(parameters_.objective, bounds_, draw);
  fill_bytes(stream_, tree_.state.data(), 0, 1);
  Sweep how;
  how.rows = rows_view();
  how.n_rows = bins_.n_rows;
  how.draw = draw;
  how.exponents = exponents_;
  how.draws = draws;
  how.has_tree = margins_lag_;
  how.kept = tree_.kept[0].data();
  how.totals = &tree_.state.data()->totals;
  sweep(stream_, how, sweep_blocks_);
  margins_lag_ = false;
}

void Session::find_threshold() {
  threshold_ = 0;
  if (parameters_.sampling_noise == 0) return;
  float threshold = std::numeric_limits<float>::infinity();
  for (int step = 0; step < engine::kThresholdSteps; ++step) {
    enqueue_sweep(draw_of(threshold, 1, 0), false);
    copy_to_host(stream_, std::span(fetched_state_.data(), 1), tree_.state.data());
    stream_.synchronize();
    const SweepTotals& totals = fetched_state_.data()->totals;
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
  const std::span<std::uint32_t> on_device(features_.data(), features.size());
  if (has_features_ && std::ranges::equal(features, on_device)) return;
  std::ranges::copy(features, on_device.begin());
  copy_to_device(stream_, tree_.features.data(), on_device);
  has_features_ = true;
}

void Session::prepare_draw() {
  if (parameters_.objective == Objective::kSquaredError) bounds_.gradient = bounds_.weight * residual_bound_;
  if (std::isnan(threshold_)) find_threshold();
}

void Session::begin_tree(int round) {
  began_.record(stream_);
  prepare_draw();
  gradient_exponent_ = engine::sum_exponent(bounds_.n_rows * bounds_.gradient);
  hessian_exponent_ = engine::sum_exponent(bounds_.n_rows * bounds_.weight);
  const engine::Draw draw = draw_of(threshold_, parameters_.subsample, round);
  enqueue_sweep(draw, true);
  swept_.record(stream_);
  drawn_threshold_ = threshold_;
  choose_features(round);
  grow_tree(stream_, growth_view(draw, round), growth_blocks_);
  grew_.record(stream_);
}

std::span<const GrownNode> Session::fetch_tree() {
  send_tree(stream_, {tree_.state.data(), tree_.nodes.data(), tree_.leaf_sums.data()},
            {fetched_state_.data(), fetched_nodes_.data(), fetched_sums_.data()}, sizes_.nodes);
  routed_.record(stream_);
  stream_.synchronize();
  seconds_.gradient += swept_.seconds_since(began_);
  seconds_.histogram += grew_.seconds_since(swept_);
  seconds_.route += routed_.seconds_since(grew_);
  count_evaluation();
  return {fetched_nodes_.data(), static_cast<std::size_t>(fetched_state_.data()->n_nodes)};
}

Tree Session::finish_tree() {
  LeafSumming how;
  how.bins = bins_.view();
  how.rows = rows_view();
  how.tree = {tree_.route.data(), tree_.nodes.data()};
  how.n_nodes = &tree_.state.data()->n_nodes;
  how.gradient_exponent = gradient_exponent_;
  how.hessian_exponent = hessian_exponent_;
  how.sums = tree_.leaf_sums.data();
  sum_leaves(stream_, how, static_cast<int>(sizes_.nodes), sweep_blocks_);
  const std::span<const GrownNode> nodes = fetch_tree();
  const SweepTotals& totals = fetched_state_.data()->totals;
  n_kept_ = totals.n_kept;
  threshold_ = engine::drifted_threshold(
      parameters_.sampling_noise, drawn_threshold_, totals.sum(exponents_, kSquares),
      totals.sum(exponents_, kBelow), totals.sum(exponents_, kSquaresBelow), static_cast<double>(n_kept_),
      engine::most_kept(parameters_.objective, bounds_.n_rows, parameters_.sampling_rows));
  Tree tree = engine::finish(nodes, std::span<const LeafSum>(fetched_sums_.data(), nodes.size()),
                             gradient_exponent_, hessian_exponent_, table_.cuts, parameters_);
  remember_tree(tree);
  for (std::size_t i = 0; i < nodes.size(); ++i) leaf_weights_.data()[i] = tree.nodes[i].weight;
  copy_to_device(stream_, tree_.leaf_weights.data(), std::span(leaf_weights_.data(), nodes.size()));
  margins_lag_ = true;
  evaluation_began_.record(stream_);
  for (Follower& follower : followers_)
    cuda::add_tree(stream_, follower.bins.view(), how.tree, tree_.leaf_weights.data(),
                   follower.margins.data(), sweep_blocks_);
  evaluated_.record(stream_);
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
  if (margins_lag_) add_leaf_weights(stream_, rows_view(), bins_.n_rows, sweep_blocks_);
  margins_lag_ = false;
}

void Session::add_tree(const Tree& tree) {
  add_last_tree();
  remember_tree(tree);
  const std::vector<GrownNode> nodes = grown_nodes(tree, table_.cuts);
  std::vector<RouteNode> route(nodes.size());
  std::vector<float> weights(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    route[i] = make_route_node(nodes[i], static_cast<std::int32_t>(i));
    weights[i] = tree.nodes[i].weight;
  }
  if (nodes.size() > tree_.nodes.size()) {
    stream_.synchronize();
    allocate_nodes(nodes.size());
  }
  copy_to_device(stream_, tree_.nodes.data(), nodes);
  copy_to_device(stream_, tree_.route.data(), route);
  copy_to_device(stream_, tree_.leaf_weights.data(), weights);
  const RouteTree view{tree_.route.data(), tree_.nodes.data()};
  cuda::add_tree(stream_, bins_.view(), view, tree_.leaf_weights.data(), margins_.data(), sweep_blocks_);
  for (Follower& follower : followers_)
    cuda::add_tree(stream_, follower.bins.view(), view, tree_.leaf_weights.data(), follower.margins.data(),
                   sweep_blocks_);
  stream_.synchronize();
}

void Session::read_margins(std::span<float> margins) {
  add_last_tree();
  copy_to_host(stream_, margins, margins_.data());
  stream_.synchronize();
}

void Session::read_evaluation_margins(std::size_t index, std::span<float> margins) {
  copy_to_host(stream_, margins, followers_[index].margins.data());
  stream_.synchronize();
  count_evaluation();
}

std::vector<std::optional<double>> Session::evaluate(std::size_t index) {
  const int of = watched_[index].evaluation_index;
  if (of < 0) add_last_tree();
  return metrics_.evaluate(
      stream_, index, of < 0 ? margins_.data() : followers_[static_cast<std::size_t>(of)].margins.data());
}

std::unique_ptr<TrainingSession> open_session(const SessionData& data, const Parameters& parameters) {
  return std::make_unique<Session>(data, parameters);
}

}  // namespace coppice::kernels::cuda
