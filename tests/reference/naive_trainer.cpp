#include "naive_trainer.h"

#include <coppice/detail/feature_sampling.h>
#include <coppice/detail/fixed_sum.h>
#include <coppice/detail/grown_tree.h>
#include <coppice/detail/numerics.h>
#include <coppice/detail/row_limit.h>
#include <coppice/detail/split.h>
#include <coppice/detail/working_rows.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

namespace coppice::reference {
namespace {

using namespace detail;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// Derivatives of a row's loss, weighted.
struct Derivatives {
  float gradient = 0;
  float hessian = 0;
};

/// A float sum over the rows of a block: row i of the block is added in lane i mod 16.
struct LaneSum {
  float lanes[kLanes] = {};
  void add(std::size_t row, float term) { lanes[row % kLanes] += term; }
  [[nodiscard]] float total() const { return add_lanes(lanes); }
};

/// The sums of one sweep A within a block.
struct BlockSums {
  LaneSum squares, below, squares_below, kept_gradient, kept_hessian;
};

/// The same over all rows, as 64-bit fixed point.
struct SweepSums {
  SweepExponents exponents;
  std::int64_t squares = 0, below = 0, squares_below = 0, kept_gradient = 0, kept_hessian = 0;

  void add(const BlockSums& block) {
    squares += to_fixed(block.squares.total(), exponents.squares);
    below += to_fixed(block.below.total(), exponents.importance);
    squares_below += to_fixed(block.squares_below.total(), exponents.squares);
    kept_gradient += to_fixed(block.kept_gradient.total(), exponents.kept_gradient);
    kept_hessian += to_fixed(block.kept_hessian.total(), exponents.kept_hessian);
  }
};

/// A row in the draw's hands, with its derivatives times its repeat.
struct KeptRow {
  std::uint32_t row = 0;
  float gradient = 0;
  float hessian = 0;
};

/// Words of one feature in one node, by bin.
using Histogram = std::vector<Word>;

/// Leaf that a row falls into, by its bins.
std::int32_t leaf_of_bins(const Tree& tree, const BinnedMatrix& matrix, std::size_t row) {
  std::int32_t at = 0;
  while (!tree.nodes[at].is_leaf()) {
    const Tree::Node& node = tree.nodes[at];
    const int bin = matrix.bin(row, node.feature);
    bool left = node.default_left;
    if (bin > 0 && node.is_categorical)
      left = std::ranges::find(tree.categories_of(node), bin - 1) == tree.categories_of(node).end();
    else if (bin > 0)
      left = bin <= matrix.cuts.bin_before(node.feature, node.threshold);
    at = left ? node.left : node.right;
  }
  return at;
}

/// Tries every cut of a numeric feature with missing rows on the left, and, where there are any, on the
/// right.
void find_numeric_split(std::uint32_t feature, const Histogram& bins, Word total, const SplitRule& rule,
                        Split& best) {
  const auto gradient = [&](Word word) { return gradient_of(word) * rule.gradient_unit; };
  const auto hessian = [&](Word word) { return hessian_of(word) * rule.hessian_unit; };
  const auto consider = [&](Word left, int bin, int side) {
    const Word right = total - left;
    const double score = split_score(gradient(left), hessian(left), gradient(right), hessian(right), rule);
    const std::uint32_t key = split_key(feature, bin, side);
    if (score < 0 || !is_better(score, key, best)) return;
    best = Split{};
    best.score = score;
    best.key = key;
    best.left = left;
  };
  const Word missing = bins[0];
  if (missing != 0) consider(missing, 0, 0);
  Word values = 0;
  for (int bin = 1; bin + 1 < static_cast<int>(bins.size()); ++bin) {
    values += bins[bin];
    consider(missing + values, bin, 0);
    if (missing != 0) consider(values, bin, 1);
  }
}

double largest_magnitude(std::span<const float> values) {
  double largest = 0;
  for (const float value : values) largest = std::max(largest, std::fabs(static_cast<double>(value)));
  return largest;
}

/// The given rows of a matrix.
BinnedMatrix select_rows(const BinnedMatrix& from, const std::vector<KeptRow>& rows) {
  BinnedMatrix matrix;
  matrix.cuts = from.cuts;
  matrix.n_rows = rows.size();
  const std::size_t n_features = from.n_features();
  matrix.columns = Buffer<std::uint8_t>(matrix.n_blocks() * n_features * kBlockRows, 0);
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (std::size_t f = 0; f < n_features; ++f)
      matrix.columns[((i / 512) * n_features + f) * 512 + i % 512] = from.bin(rows[i].row, f);
  return matrix;
}

class NaiveSession : public TrainingSession {
 public:
  NaiveSession(const SessionData& data, Parameters parameters)
      : data_(data),
        evaluation_(data.evaluation.begin(), data.evaluation.end()),
        parameters_(std::move(parameters)),
        margins_(data.bins->n_rows),
        evaluation_margins_(evaluation_.size()),
        gain_history_(data.bins->n_features()) {}

  void start(float base_margin) override {
    std::ranges::fill(margins_, base_margin);
    gain_history_ = GainHistory(data_.bins->n_features());
    for (std::size_t i = 0; i < evaluation_.size(); ++i)
      evaluation_margins_[i].assign(evaluation_[i]->n_rows, base_margin);
    largest_residual_ = largest_magnitude(data_.labels) + std::fabs(static_cast<double>(base_margin));
    bounds_.n_rows = static_cast<double>(n_rows());
    if (!data_.weights.empty()) {
      bounds_.weight = *std::ranges::max_element(data_.weights);
      const double sum =
          fixed_sum(n_rows(), [&](std::size_t row) { return static_cast<double>(data_.weights[row]); });
      bounds_.mean_weight = sum / bounds_.n_rows;
    }
    update_gradient_bound();
  }

  /// The same with a margin for each row.
  void start(std::span<const float> margins) {
    start(0.0F);
    std::ranges::copy(margins, margins_.begin());
    largest_residual_ += largest_magnitude(margins);
    update_gradient_bound();
  }

  [[nodiscard]] std::unique_ptr<TrainingSession> open_working(int round) override;

  void add_tree(const Tree& tree) override {
    for (std::size_t row = 0; row < n_rows(); ++row)
      margins_[row] += tree.nodes[leaf_of_bins(tree, *data_.bins, row)].weight;
    for (std::size_t i = 0; i < evaluation_.size(); ++i)
      for (std::size_t row = 0; row < evaluation_[i]->n_rows; ++row)
        evaluation_margins_[i][row] += tree.nodes[leaf_of_bins(tree, *evaluation_[i], row)].weight;
    double largest_weight = 0;
    for (const Tree::Node& node : tree.nodes)
      if (node.is_leaf())
        largest_weight = std::max(largest_weight, std::fabs(static_cast<double>(node.weight)));
    largest_residual_ += largest_weight;
    gain_history_.add(tree);
    update_gradient_bound();
  }

  void set_sampling_threshold(float threshold) override { threshold_ = threshold; }

  void begin_tree(int round) override {
    if (std::isnan(threshold_)) threshold_ = find_threshold();
    const Draw draw = make_draw(parameters_.objective, threshold_, bounds_.mean_weight, parameters_.subsample,
                                parameters_.seed, round);
    std::vector<KeptRow> kept;
    const SweepSums sums = sweep(draw, &kept);
    drawn_threshold_ = threshold_;
    n_kept_ = kept.size();
    const double most = row_limit(parameters_, gain_history_, bounds_.n_rows);
    threshold_ = following(drifted_threshold, draw.threshold, sums, static_cast<double>(n_kept_), most);

    const int gradient_exponent =
        word_exponent(from_fixed(sums.kept_gradient, sums.exponents.kept_gradient), n_kept_);
    const double kept_hessian = from_fixed(sums.kept_hessian, sums.exponents.kept_hessian);
    const int hessian_exponent = word_exponent(kept_hessian, n_kept_);
    const double noise =
        gradient_noise(from_fixed(sums.squares, sums.exponents.squares), kept_hessian, parameters_.subsample);
    words_.assign(n_rows(), 0);
    node_rows_.assign(1, {});
    Word root = 0;
    for (const KeptRow& row : kept) {
      words_[row.row] = quantise(row.gradient, row.hessian, exp2_float(gradient_exponent),
                                 exp2_float(hessian_exponent), draw.rounding_key, row.row);
      node_rows_[0].push_back(row.row);
      root += words_[row.row];
    }
    tree_.emplace(parameters_, make_split_rule(parameters_, gradient_exponent, hessian_exponent, noise),
                  root);
    sampler_.emplace(parameters_,
                     screened_features(parameters_, gain_history_, data_.bins->n_features(), n_kept_, round),
                     round);
    frontier_ = {0};
  }

  void build_histograms() override {
    histograms_.clear();
    for (const int node : frontier_) {
      std::vector<Histogram>& of_node = histograms_.emplace_back(data_.bins->n_features());
      if (!tree_->can_split(node)) continue;
      for (std::size_t f = 0; f < of_node.size(); ++f) {
        of_node[f].assign(data_.bins->cuts.n_bins(f), 0);
        for (const std::uint32_t row : node_rows_[node]) of_node[f][data_.bins->bin(row, f)] += words_[row];
      }
    }
  }

  void evaluate_splits() override {
    for (std::size_t i = 0; i < frontier_.size(); ++i) {
      const int node = frontier_[i];
      if (!tree_->can_split(node)) continue;
      const Split best = best_split(node, histograms_[i]);
      if (best.score >= 0) tree_->set_split(node, best, histograms_[i][best.feature()][0]);
    }
  }

  void expand_frontier() override {
    frontier_.clear();
    for (const int node : tree_->expand()) {
      const GrownNode& parent = tree_->nodes()[node];
      node_rows_.resize(tree_->nodes().size());
      for (const std::uint32_t row : node_rows_[node])
        node_rows_[parent.left + parent.split.goes_right(data_.bins->bin(row, parent.split.feature()))]
            .push_back(row);
      frontier_.insert(frontier_.end(), {parent.left, parent.left + 1});
    }
  }

  [[nodiscard]] int frontier_bound() const noexcept override { return static_cast<int>(frontier_.size()); }

  [[nodiscard]] Tree finish_tree() override {
    const int gradient_exponent = sum_exponent(bounds_.n_rows * bounds_.gradient);
    const int hessian_exponent = sum_exponent(bounds_.n_rows * bounds_.weight);
    std::vector<LeafSum> leaves(tree_->nodes().size());
    for (std::size_t begin = 0; begin < n_rows(); begin += kBlockRows)
      add_leaf_sums(begin, std::min(begin + kBlockRows, n_rows()), gradient_exponent, hessian_exponent,
                    leaves);
    Tree tree =
        finish(tree_->nodes(), leaves, gradient_exponent, hessian_exponent, data_.bins->cuts, parameters_);
    add_tree(tree);
    return tree;
  }

  [[nodiscard]] std::size_t n_kept() const override { return n_kept_; }
  [[nodiscard]] float sampling_threshold() const override { return drawn_threshold_; }
  [[nodiscard]] float next_sampling_threshold() const override { return threshold_; }
  void read_margins(std::span<float> margins) override { std::ranges::copy(margins_, margins.begin()); }
  void read_evaluation_margins(std::size_t index, std::span<float> margins) override {
    std::ranges::copy(evaluation_margins_[index], margins.begin());
  }
  [[nodiscard]] PhaseSeconds phase_seconds() const override { return {}; }

 private:
  [[nodiscard]] std::size_t n_rows() const { return data_.bins->n_rows; }

  void update_gradient_bound() {
    const bool bounded = parameters_.objective == Objective::kBinaryLogistic;
    bounds_.gradient = bounded ? bounds_.weight : bounds_.weight * largest_residual_;
  }

  template <class Loss>
  [[nodiscard]] Derivatives derivatives_by(std::size_t row) const {
    const float gradient = Loss::gradient(margins_[row], data_.labels[row]);
    const float hessian = Loss::hessian(gradient);
    if (data_.weights.empty()) return {gradient, hessian};
    return {gradient * data_.weights[row], hessian * data_.weights[row]};
  }
  [[nodiscard]] Derivatives derivatives(std::size_t row) const {
    return parameters_.objective == Objective::kBinaryLogistic ? derivatives_by<LogisticLoss>(row)
                                                               : derivatives_by<SquaredLoss>(row);
  }

  /// Sweep A without the margins, which finish_tree has brought up to date. Draws rows into `kept` unless it
  /// is null.
  SweepSums sweep(const Draw& draw, std::vector<KeptRow>* kept) const {
    SweepSums sums;
    sums.exponents = sweep_exponents(parameters_.objective, bounds_, draw);
    for (std::size_t begin = 0; begin < n_rows(); begin += kBlockRows) {
      BlockSums block;
      for (std::size_t row = begin; row < std::min(begin + kBlockRows, n_rows()); ++row) {
        const auto [gradient, hessian] = derivatives(row);
        const float a = importance(gradient, hessian, draw.floor, draw.threshold);
        const float square = a * a;
        block.squares.add(row, square);
        block.below.add(row, a < draw.threshold ? a : 0.0F);
        block.squares_below.add(row, a < draw.threshold ? square : 0.0F);
        const auto id = static_cast<std::uint32_t>(row);
        if (kept == nullptr || !is_kept(draw, a, id)) continue;
        const float times = repeat(draw, a);
        kept->push_back({id, gradient * times, hessian * times});
        block.kept_gradient.add(row, std::fabs(kept->back().gradient));
        block.kept_hessian.add(row, kept->back().hessian);
      }
      sums.add(block);
    }
    return sums;
  }

  /// The threshold that `rule` (next_threshold or drifted_threshold) makes of a sweep's sums.
  template <class Rule, class... More>
  [[nodiscard]] float following(const Rule& rule, float threshold, const SweepSums& sums,
                                More... more) const {
    return rule(parameters_.sampling_noise, threshold, from_fixed(sums.squares, sums.exponents.squares),
                from_fixed(sums.below, sums.exponents.importance),
                from_fixed(sums.squares_below, sums.exponents.squares), more...);
  }

  [[nodiscard]] float find_threshold() const {
    if (parameters_.sampling_noise == 0) return 0;
    float threshold = kInfinity;
    for (int step = 0; step < kThresholdSteps; ++step) {
      const Draw draw = make_draw(parameters_.objective, threshold, bounds_.mean_weight, 1, 0, 0);
      threshold = following(next_threshold, threshold, sweep(draw, nullptr));
    }
    return threshold;
  }

  [[nodiscard]] Split best_split(int node, const std::vector<Histogram>& histograms) const {
    Split best;
    const GrownNode& of = tree_->nodes()[node];
    for (const std::uint32_t f : sampler_->of_node(of.depth, node)) {
      if (data_.bins->cuts.is_categorical(f))
        find_categorical_split(f, histograms[f], of.sum, tree_->rule(), make_categorical_rule(parameters_),
                               best);
      else
        find_numeric_split(f, histograms[f], of.sum, tree_->rule(), best);
    }
    return best;
  }

  [[nodiscard]] int grown_leaf_of(std::size_t row) const {
    int at = 0;
    while (tree_->nodes()[at].left >= 0) {
      const GrownNode& node = tree_->nodes()[at];
      at = node.left + node.split.goes_right(data_.bins->bin(row, node.split.feature()));
    }
    return at;
  }

  /// Sweep B of one block.
  void add_leaf_sums(std::size_t begin, std::size_t end, int gradient_exponent, int hessian_exponent,
                     std::vector<LeafSum>& leaves) const {
    float largest_gradient = 0;
    float largest_hessian = 0;
    for (std::size_t row = begin; row < end; ++row) {
      const auto [gradient, hessian] = derivatives(row);
      largest_gradient = std::max(largest_gradient, std::fabs(gradient));
      largest_hessian = std::max(largest_hessian, hessian);
    }
    if (parameters_.objective == Objective::kBinaryLogistic) largest_hessian = largest_gradient;  // a bound
    const int block_gradient_exponent = block_exponent(largest_gradient, gradient_exponent);
    const int block_hessian_exponent = block_exponent(largest_hessian, hessian_exponent);
    std::vector<LeafSum> sums(leaves.size());
    for (std::size_t row = begin; row < end; ++row) {
      const auto [gradient, hessian] = derivatives(row);
      LeafSum& leaf = sums[grown_leaf_of(row)];
      leaf.gradient += round_nearest(gradient, exp2_float(block_gradient_exponent));
      leaf.hessian += round_nearest(hessian, exp2_float(block_hessian_exponent));
    }
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      leaves[i].gradient += sums[i].gradient << (gradient_exponent - block_gradient_exponent);
      leaves[i].hessian += sums[i].hessian << (hessian_exponent - block_hessian_exponent);
    }
  }

  SessionData data_;
  std::vector<const BinnedMatrix*> evaluation_;
  Parameters parameters_;
  RowBounds bounds_;
  double largest_residual_ = 0;  ///< bound of |label - margin|
  std::vector<float> margins_;
  std::vector<std::vector<float>> evaluation_margins_;
  float drawn_threshold_ = 0;  ///< of the last begin_tree
  float threshold_ = 0;        ///< of the next one
  std::size_t n_kept_ = 0;

  // The tree that grows.
  std::optional<GrownTree> tree_;
  GainHistory gain_history_;
  std::optional<FeatureSampler> sampler_;
  std::vector<Word> words_;                            ///< [n_rows]
  std::vector<std::vector<std::uint32_t>> node_rows_;  ///< kept rows of every node
  std::vector<int> frontier_;                          ///< the nodes that were just made
  std::vector<std::vector<Histogram>> histograms_;     ///< of the frontier, by feature
};

/// A session on working rows, which it owns.
class NaiveWorkingSession final : WorkingRows, public NaiveSession {
 public:
  NaiveWorkingSession(WorkingRows rows, const Parameters& parameters)
      : WorkingRows(std::move(rows)), NaiveSession({&bins, labels, weights, {}}, parameters) {
    start(margins);
  }
};

std::unique_ptr<TrainingSession> NaiveSession::open_working(int round) {
  if (std::isnan(threshold_)) threshold_ = find_threshold();
  if (threshold_ == 0) return nullptr;
  const Draw draw =
      make_working_draw(parameters_.objective, threshold_, bounds_.mean_weight, parameters_.seed, round);
  std::vector<KeptRow> rows;
  sweep(draw, &rows);
  if (rows.empty() || rows.size() * kRowsPerWorkingRow > n_rows()) return nullptr;
  WorkingRows working{select_rows(*data_.bins, rows), Buffer<float>(rows.size()), Buffer<float>(rows.size()),
                      Buffer<float>(rows.size())};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::uint32_t row = rows[i].row;
    const auto [gradient, hessian] = derivatives(row);
    const float times = repeat(draw, importance(gradient, hessian, draw.floor, draw.threshold));
    working.labels[i] = data_.labels[row];
    working.weights[i] = data_.weights.empty() ? times : data_.weights[row] * times;
    working.margins[i] = margins_[row];
  }
  auto session = std::make_unique<NaiveWorkingSession>(std::move(working), parameters_);
  session->set_sampling_threshold(threshold_);
  return session;
}

}  // namespace

Cuts NaiveBackend::make_cuts(const Dataset& data, const CutOptions& options) const {
  Cuts cuts;
  const std::vector<std::uint32_t> sample = cut_sample(data.n_rows, options);
  for (std::size_t f = 0; f < data.n_features(); ++f) {
    const Feature& feature = data.schema.features[f];
    if (feature.kind == FeatureKind::kNumeric) {
      append_numeric_cuts(data.columns[f], data.weights, sample, options, cuts);
    } else {
      cuts.offsets.push_back(cuts.offsets.back());
      cuts.n_codes.push_back(static_cast<std::uint16_t>(feature.categories.size() + 1));
    }
  }
  return cuts;
}

BinnedMatrix NaiveBackend::bin(const Dataset& data, const Cuts& cuts, bool with_records) const {
  BinnedMatrix matrix;
  matrix.cuts = cuts;
  matrix.n_rows = data.n_rows;
  const std::size_t n_features = matrix.n_features();
  matrix.columns = Buffer<std::uint8_t>(matrix.n_blocks() * n_features * kBlockRows, 0);
  if (with_records) {
    std::size_t size = 0;
    for (std::size_t group = 0; group < matrix.n_groups(); ++group)
      size += matrix.n_padded_rows() * matrix.group_stride(group);
    matrix.records = Buffer<std::uint8_t>(size, 0);
  }
  for (std::size_t row = 0; row < data.n_rows; ++row)
    for (std::size_t f = 0; f < n_features; ++f) {
      const std::uint8_t bin = cuts.bin_of(f, data.columns[f][row]);
      matrix.columns[((row / 512) * n_features + f) * 512 + row % 512] = bin;
      if (with_records)
        matrix.records[matrix.group_offset(f / 32) + row * matrix.group_stride(f / 32) + f % 32] = bin;
    }
  return matrix;
}

std::unique_ptr<TrainingSession> NaiveBackend::open(const SessionData& data,
                                                    const Parameters& parameters) const {
  return std::make_unique<NaiveSession>(data, parameters);
}

}  // namespace coppice::reference
