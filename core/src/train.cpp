#include <coppice/detail/digest.h>
#include <coppice/detail/math.h>
#include <coppice/error.h>
#include <coppice/train.h>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "row_checks.h"
#include "stages.h"

namespace coppice {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

bool scales_positives(const Parameters& parameters) {
  return parameters.scale_pos_weight != 1 && parameters.objective == Objective::kBinaryLogistic;
}

/// Weights as the session sees them: scale_pos_weight multiplied in.
Buffer<float> session_weights(const TrainingData& data, const Parameters& parameters) {
  if (!scales_positives(parameters)) return data.weights;
  Buffer<float> weights(data.labels.size());
  const auto scale = static_cast<float>(parameters.scale_pos_weight);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const float w = data.weights.empty() ? 1.0F : data.weights[i];
    weights[i] = data.labels[i] > 0.5F ? w * scale : w;
  }
  return weights;
}

// ---------------------------------------------------------------------------------------------------------
// What the model remembers of its data.

/// Rows in each bin of a feature. Four tables take turns: increments of one count would wait for each other.
std::vector<std::uint32_t> count_bins(const BinnedMatrix& bins, std::size_t f) {
  constexpr std::size_t kTables = 4, kCacheLine = 64;
  std::uint32_t tables[kTables][256] = {};
  for (std::size_t block = 0; block < bins.n_blocks(); ++block) {
    const std::uint8_t* column = bins.column_block(block, f);
    // The feature's next rows lie too far away for the processor to guess.
    const std::uint8_t* next = bins.column_block(std::min(block + 1, bins.n_blocks() - 1), f);
    for (std::size_t i = 0; i < kBlockRows; i += kCacheLine) __builtin_prefetch(next + i);
    for (std::size_t i = 0; i < kBlockRows; i += kTables)
      for (std::size_t t = 0; t < kTables; ++t) ++tables[t][column[i + t]];
  }
  std::vector<std::uint32_t> counts(static_cast<std::size_t>(bins.cuts.n_bins(f)));
  for (const auto& table : tables)
    for (std::size_t bin = 0; bin < counts.size(); ++bin) counts[bin] += table[bin];
  counts[0] -= static_cast<std::uint32_t>(bins.n_padded_rows() - bins.n_rows);
  return counts;
}

void describe_data(const TrainingData& data, Model& model) {
  const BinnedMatrix& bins = data.bins;
  model.bin_counts.resize(bins.n_features());
  for (std::size_t f = 0; f < bins.n_features(); ++f) model.bin_counts[f] = count_bins(bins, f);
  detail::Digest digest;
  digest.add(bins.columns.data(), bins.n_padded_rows() * bins.n_features());  // without a backend's slack
  digest.add(data.labels.data(), data.labels.size() * sizeof(float));
  digest.add(data.weights.data(), data.weights.size() * sizeof(float));
  model.summary.data_hash = digest.hex();
}

// ---------------------------------------------------------------------------------------------------------
// Metrics of the watched sets.

/// All watched sets with their metrics, in the order in which they are shown.
class Watch {
 public:
  Watch(const Parameters& parameters, const TrainingData& data, const TrainOptions& options)
      : objective_(parameters.objective), costs_(costs_of(parameters)) {
    for (const std::string& name : parameters.eval_metric) metrics_.push_back(metric_from_string(name));
    if (metrics_.empty()) metrics_.push_back(default_metric(objective_));
    if (options.evaluate_training) {
      const SideColumns& side = data.side;
      add("train", {data.labels, data.weights, side.amounts, side.groups, side.days}, -1);
    }
    for (std::size_t i = 0; i < options.evaluation.size(); ++i) {
      const EvaluationSet& set = options.evaluation[i];
      if (set.data->labels.size() != set.data->n_rows || set.data->n_rows == 0)
        throw Error("core.train.evaluation",
                    fmt::format("evaluation set '{}' has no rows or no labels", set.name));
      check_labels(set.data->labels, objective_);
      add(set.name, evaluation_columns(*set.data), static_cast<int>(i));
    }
  }

  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const std::string& set : set_names_)
      for (const Metric& metric : metrics_) names.push_back(set + "-" + metric.name());
    return names;
  }

  [[nodiscard]] bool higher_is_better(std::size_t index) const {
    return metrics_[index % metrics_.size()].higher_is_better();
  }

  /// What a session is told about the sets.
  [[nodiscard]] std::span<const Metric> metrics() const { return metrics_; }
  [[nodiscard]] std::span<const WatchedRows> rows() const { return rows_; }

  /// Values in the order of names().
  [[nodiscard]] std::vector<double> evaluate(TrainingSession& session) {
    std::vector<double> values;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      std::vector<double> of_set = session.evaluate(i);
      if (of_set.empty()) of_set = evaluate_margins(session, rows_[i]);
      values.insert(values.end(), of_set.begin(), of_set.end());
    }
    return values;
  }

 private:
  void add(std::string name, const EvaluationColumns& columns, int evaluation_index) {
    for (const Metric& metric : metrics_) require_columns(metric, costs_, given_columns(columns));
    set_names_.push_back(std::move(name));
    rows_.push_back({evaluation_index, columns});
  }

  /// Of a session that does not work out metrics.
  std::vector<double> evaluate_margins(TrainingSession& session, const WatchedRows& rows) {
    const std::size_t n_rows = rows.columns.labels.size();
    if (margins_.size() < n_rows) margins_ = Buffer<float>(n_rows);
    const std::span<float> margins(margins_.data(), n_rows);
    if (rows.evaluation_index < 0)
      session.read_margins(margins);
    else
      session.read_evaluation_margins(static_cast<std::size_t>(rows.evaluation_index), margins);
    return coppice::evaluate(metrics_, objective_, margins, rows.columns, costs_);
  }

  Objective objective_;
  Costs costs_;
  std::vector<Metric> metrics_;
  std::vector<std::string> set_names_;
  std::vector<WatchedRows> rows_;  ///< of each set
  Buffer<float> margins_;
};

/// Stops when one named metric has not improved for a number of rounds.
class EarlyStopping {
 public:
  EarlyStopping(const Parameters& parameters, const Watch& watch)
      : patience_(parameters.early_stopping_rounds) {
    if (patience_ == 0) return;
    const std::vector<std::string> names = watch.names();
    if (names.empty())
      throw Error("core.train.early_stopping", "early_stopping_rounds needs an evaluation set to watch");
    index_ = names.size() - 1;
    if (!parameters.early_stopping_metric.empty()) {
      const auto found = std::find(names.begin(), names.end(), parameters.early_stopping_metric);
      if (found == names.end())
        throw Error("core.train.early_stopping",
                    fmt::format("early_stopping_metric '{}' is not watched; the watched ones are {}",
                                parameters.early_stopping_metric, fmt::join(names, ", ")));
      index_ = static_cast<std::size_t>(found - names.begin());
    }
    higher_is_better_ = watch.higher_is_better(index_);
  }

  [[nodiscard]] bool is_on() const noexcept { return patience_ > 0; }
  [[nodiscard]] int best_round() const noexcept { return best_round_; }

  /// Takes a round's metrics; true when it is time to stop. Only a strict improvement counts.
  bool update(int round, std::span<const double> values) {
    if (!is_on()) return false;
    const double value = values[index_];
    if (best_round_ < 0 || improves(value)) {
      best_ = value;
      best_round_ = round;
    }
    return round - best_round_ >= patience_;
  }

 private:
  /// Any number improves on NaN, which `precision@t` is as long as nothing is called positive.
  [[nodiscard]] bool improves(double value) const {
    if (std::isnan(best_)) return !std::isnan(value);
    return higher_is_better_ ? value > best_ : value < best_;
  }

  int patience_;
  std::size_t index_ = 0;
  bool higher_is_better_ = false;
  double best_ = 0;
  int best_round_ = -1;
};

// ---------------------------------------------------------------------------------------------------------

void check_continue(const Model& from, const Parameters& parameters, const TrainingData& data) {
  const auto refuse = [](const std::string& why) {
    throw Error("core.train.continue", "cannot add rounds to this model: " + why);
  };
  if (from.objective != parameters.objective)
    refuse(fmt::format("its objective is {}, not {}", to_string(from.objective),
                       to_string(parameters.objective)));
  if (from.schema.features != data.schema.features)
    refuse("its features differ from those of the training table");
  if (from.cuts.n_features() == 0 && !from.trees.empty())
    refuse("it holds no cuts (it was not trained by Coppice), so its trees cannot be replayed on bins");
  if (from.cuts != data.bins.cuts) refuse("the table was binned by other cuts: prepare it with the model");
}

/// The next share up whose logit is not near the middle of two floats: there C libraries round differently,
/// and XGBoost, which uses theirs, would start every margin one unit in the last place away from ours.
float with_clear_logit(float share) {
  share = std::clamp(share, 1e-6F, 1.0F - 1e-6F);  // beyond, XGBoost takes the logit of these
  for (;; share = std::nextafter(share, 1.0F)) {
    const double logit = -detail::log_double(static_cast<double>(1.0F / share - 1.0F));
    const auto rounded = static_cast<float>(logit);
    const auto unit = static_cast<double>(std::nextafter(std::fabs(rounded), 100.0F) - std::fabs(rounded));
    if (std::fabs(logit - static_cast<double>(rounded)) < 0.4 * unit) return share;
  }
}

/// A model without trees, or a copy of the one to continue from. sums: with the weights of the session.
Model first_model(const Parameters& parameters, const TrainingData& data, const TrainOptions& options,
                  const LabelSums& sums) {
  Model model;
  if (options.continue_from != nullptr) {
    check_continue(*options.continue_from, parameters, data);
    model = *options.continue_from;
    model.threshold = Model::kDefaultThreshold;  // was chosen for other scores
    model.score_reference = {};
  } else {
    model.base_score = static_cast<float>(parameters.base_score.value_or(sums.label / sums.weight));
    if (!parameters.base_score && parameters.objective == Objective::kBinaryLogistic)
      model.base_score = with_clear_logit(model.base_score);
  }
  model.schema = data.schema;
  model.objective = parameters.objective;
  model.parameters = parameters;
  model.parameters.num_round += static_cast<int>(model.trees.size());
  model.cuts = data.bins.cuts;
  model.summary.library_version = version();
  model.summary.n_rows = data.bins.n_rows;
  model.summary.best_round = -1;
  return model;
}

void append_curves(const std::vector<std::string>& names, std::span<const double> values, int round,
                   Model& model) {
  auto& curves = model.summary.curves;
  for (std::size_t i = 0; i < names.size(); ++i) {
    auto curve = std::find_if(curves.begin(), curves.end(), [&](const MetricCurve& c) {
      return c.name == names[i] && c.first_round + static_cast<int>(c.values.size()) == round;
    });
    if (curve == curves.end()) curve = curves.insert(curves.end(), {names[i], round, {}});
    curve->values.push_back(values[i]);
  }
}

/// Forgets the rounds from `n_rounds` on.
void cut_rounds(Model& model, int n_rounds) {
  const auto n = static_cast<std::size_t>(n_rounds);
  if (model.trees.size() > n) model.trees.resize(n);
  if (model.summary.sampling_thresholds.size() > n + 1) model.summary.sampling_thresholds.resize(n + 1);
  for (MetricCurve& curve : model.summary.curves) {
    const int keep = std::max(0, n_rounds - curve.first_round);
    if (static_cast<int>(curve.values.size()) > keep) curve.values.resize(static_cast<std::size_t>(keep));
  }
}

/// Makes a model's sampling thresholds one more than its trees. NaN, for one that is missing or that was
/// meant for another sampling_noise, is searched for.
void complete_thresholds(Model& model, const Model* from) {
  constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();
  auto& thresholds = model.summary.sampling_thresholds;
  if (from != nullptr && from->parameters.sampling_noise != model.parameters.sampling_noise)
    std::ranges::fill(thresholds, kUnknown);
  thresholds.resize(model.trees.size() + 1, kUnknown);
}

/// Bins of the evaluation sets: those that are at hand, or made here and held by `binned_here`.
std::vector<const BinnedMatrix*> evaluation_bins(const Backend& backend, const TrainingData& data,
                                                 const TrainOptions& options,
                                                 std::vector<BinnedMatrix>& binned_here) {
  std::vector<const BinnedMatrix*> result;
  binned_here.reserve(options.evaluation.size());  // so that pointers stay
  for (const EvaluationSet& set : options.evaluation) {
    if (set.bins == nullptr) {
      result.push_back(&binned_here.emplace_back(backend.bin(*set.data, data.bins.cuts, false)));
      continue;
    }
    if (set.bins->n_rows != set.data->n_rows || set.bins->cuts != data.bins.cuts)
      throw Error("core.train.evaluation",
                  fmt::format("evaluation set '{}' was binned from other rows, or by other cuts than the "
                              "training table",
                              set.name));
    result.push_back(set.bins);
  }
  return result;
}

struct Run {
  const TrainOptions& options;
  Watch& watch;
  TrainReport& report;
  Clock::time_point start;
};

/// The rounds of one training. Gives the number of trees that the session has in the end.
std::size_t boost(TrainingSession& session, Model& model, const Run& run) {
  const std::vector<std::string> names = run.watch.names();
  EarlyStopping early_stopping(model.parameters, run.watch);
  std::vector<MetricValue> metrics;
  Stages stages(session, model);
  const auto n_rows = static_cast<double>(model.summary.n_rows);
  const int first_round = static_cast<int>(model.trees.size());
  const int last_round = model.parameters.num_round - 1;
  double kept = 0;
  for (int round = first_round; round <= last_round; ++round) {
    stages.grow();
    const double kept_share = static_cast<double>(stages.n_kept()) / n_rows;
    kept += kept_share;
    const std::vector<double> values = run.watch.evaluate(session);
    append_curves(names, values, round, model);
    metrics.clear();
    for (std::size_t i = 0; i < names.size(); ++i) metrics.push_back({names[i], values[i]});
    const Progress progress{round, last_round, metrics, kept_share, seconds_since(run.start), &model};
    const bool go_on = !run.options.observer || run.options.observer(progress);
    run.report.stopped_early = early_stopping.update(round, values) || !go_on;
    if (run.report.stopped_early) break;
  }
  const std::size_t n_grown = model.trees.size();
  const int n_rounds = static_cast<int>(n_grown) - first_round;
  run.report.mean_kept_share = n_rounds > 0 ? kept / n_rounds : 1;
  if (early_stopping.is_on() && n_rounds > 0) {
    model.summary.best_round = early_stopping.best_round();
    cut_rounds(model, early_stopping.best_round() + 1);
    for (MetricValue& metric : metrics)
      for (const MetricCurve& curve : model.summary.curves)
        if (curve.name == metric.name) metric.value = curve.values.back();
  }
  run.report.final_metrics = std::move(metrics);
  run.report.seconds = stages.seconds();
  run.report.device_bytes = session.device_bytes();
  return n_grown;
}

/// Describes the predictions of a model for the training table. The session holds the model's trees, and
/// perhaps more that early stopping has cut.
ScoreReference describe_predictions(TrainingSession& session, const Model& model, std::size_t n_grown) {
  if (model.trees.size() < n_grown) {
    session.start(base_margin(model.objective, model.base_score));
    for (const Tree& tree : model.trees) session.add_tree(tree);
  }
  Buffer<float> predictions(model.summary.n_rows);
  session.read_margins(predictions);
  margins_to_predictions(model.objective, predictions);
  return describe_scores(predictions);
}

}  // namespace

TrainingData prepare(const Backend& backend, const Parameters& parameters, const Dataset& data,
                     const Model* like) {
  if (data.n_rows == 0) throw Error("core.train.no_rows", "the training table has no rows");
  if (data.n_rows > std::size_t{1} << 30)
    throw Error("core.train.rows",
                fmt::format("{} rows are more than 2^30, the most a training takes", data.n_rows));
  if (data.n_features() == 0)
    throw Error("core.train.no_features", "the training table has no feature columns");
  if (data.labels.size() != data.n_rows)
    throw Error("core.train.no_label", "the training table has no label column: name it");
  TrainingData result;
  result.schema = data.schema;
  const CutOptions options{parameters.max_bin, static_cast<std::size_t>(parameters.cut_sample_rows),
                           parameters.seed, parameters.objective == Objective::kBinaryLogistic};
  const bool has_cuts = like != nullptr && like->cuts.n_features() == data.n_features();
  result.bins = backend.bin(data, has_cuts ? like->cuts : backend.make_cuts(data, options), true);
  result.labels = data.labels;
  result.weights = data.weights;
  result.side = data.side;
  return result;
}

Model train(const Backend& backend, const Parameters& parameters, const TrainingData& data,
            const TrainOptions& options, TrainReport* report) {
  const auto start = Clock::now();
  validate(parameters);
  check_labels(data.labels, parameters.objective);
  check_weights(data.weights);
  const Buffer<float> weights = session_weights(data, parameters);
  const LabelSums sums = sum_labels(data.labels, data.weights);
  check_sums(sums, parameters, data);
  Watch watch(parameters, data, options);
  std::vector<BinnedMatrix> binned_here;
  const std::vector<const BinnedMatrix*> evaluation = evaluation_bins(backend, data, options, binned_here);

  Model model = first_model(parameters, data, options,
                            scales_positives(parameters) ? sum_labels(data.labels, weights) : sums);
  model.summary.label_sum = sums.label;
  model.summary.weight_sum = sums.weight;
  if (options.describe_data) describe_data(data, model);
  const auto session =
      backend.open({&data.bins, data.labels, weights, evaluation, watch.metrics(), watch.rows()}, parameters);
  complete_thresholds(model, options.continue_from);
  TrainReport unread;
  TrainReport& told = report != nullptr ? *report : unread;
  const std::size_t n_grown = boost(*session, model, {options, watch, told, start});
  if (options.describe_data) model.score_reference = describe_predictions(*session, model, n_grown);
  told.total_seconds = seconds_since(start);
  return model;
}

Model train(const Backend& backend, const Parameters& parameters, const Dataset& data,
            const TrainOptions& options, TrainReport* report) {
  validate(parameters);
  return train(backend, parameters, prepare(backend, parameters, data, options.continue_from), options,
               report);
}

}  // namespace coppice
