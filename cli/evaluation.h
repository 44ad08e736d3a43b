// What there is to say about the scores of a labelled table.
#pragma once

#include <coppice/bootstrap.h>
#include <coppice/confusion.h>
#include <coppice/dataset.h>
#include <coppice/metric.h>
#include <coppice/model.h>

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace coppice::cli {

struct Bootstrap {
  std::uint32_t n_replicates = 0;  ///< 0: no intervals
  std::uint64_t seed = 0;
};

struct EvaluationOptions {
  double threshold = 0.5;
  std::optional<ThresholdRule> rule;  ///< chooses the threshold from the table instead
  std::vector<std::string> metrics;   ///< beside the usual ones
  Bootstrap bootstrap;                ///< of groups where the table has them, else of rows
  Costs costs;
  int threads = 0;
};

/// A metric of the table, ready to be shown.
struct MetricLine {
  std::string name;   ///< as in parameters and logs
  std::string title;  ///< for people
  Metric metric;
  double value = 0;
  std::optional<Interval> interval;
};

/// What calling rows positive from a threshold on would do.
struct ThresholdLine {
  double threshold = 0;
  Confusion confusion;
};

struct Evaluation {
  std::size_t n_rows = 0;
  bool is_binary = false;
  std::vector<MetricLine> metrics;
  Bootstrap bootstrap;   ///< of the intervals
  GivenColumns columns;  ///< that the table has
  // Of models that predict a probability:
  double threshold = 0;               ///< given or chosen
  std::optional<ThresholdRule> rule;  ///< that chose it
  Confusion confusion;                ///< at the threshold
  std::vector<ThresholdLine> thresholds;
  std::optional<Costs> costs;  ///< when enough is known to tell what a threshold costs
  std::size_t n_days = 0;      ///< 0 without days
};

/// The metrics that options name must be known, and possible with these columns.
/// Errors: core.metric.unknown, core.metric.column, core.metric.cost; cli.usage for a rule without classes.
void check_options(const EvaluationOptions& options, Objective objective, const GivenColumns& given);

/// Scores and measures a table. A metric without `@t` is taken at the threshold of the evaluation. The usual
/// metrics grow with what is known: amounts, costs, cards and days.
/// Errors: those of check_options; cli.threshold when no threshold satisfies the rule. The same numbers for
/// any number of threads.
[[nodiscard]] Evaluation evaluate_table(const Model& model, const Dataset& data,
                                        const EvaluationOptions& options);

/// Needs: n_days > 0.
[[nodiscard]] inline double alerts_per_day(const Evaluation& evaluation, const Confusion& confusion) {
  return confusion.alerts() / static_cast<double>(evaluation.n_days);
}

/// For people: tables of metrics, confusion and thresholds.
[[nodiscard]] std::string evaluation_text(const Evaluation& evaluation);
/// For programs.
[[nodiscard]] nlohmann::ordered_json evaluation_json(const Evaluation& evaluation);

}  // namespace coppice::cli
