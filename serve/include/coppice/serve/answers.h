// Scores of a request and the text that carries them.
#pragma once

#include <coppice/explainer.h>
#include <coppice/model.h>
#include <coppice/serve/rows.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::serve {

enum class AnswerFormat : std::uint8_t { kCsv, kJson, kJsonLines, kNpy };

/// The format that an Accept header likes best: `text/csv`, `application/json`, `application/jsonlines`,
/// `application/x-npy`, with wildcards and q-values; of equals the first. Empty or a wildcard for everything
/// is `fallback`. Nothing when none of them is acceptable: 406.
[[nodiscard]] std::optional<AnswerFormat> parse_accept(std::string_view accept,
                                                       AnswerFormat fallback = AnswerFormat::kCsv) noexcept;

/// `text/csv; charset=utf-8`, `application/json`, ...
[[nodiscard]] std::string_view content_type_of(AnswerFormat format) noexcept;

/// For the message of a 406.
inline constexpr std::string_view kAnswerTypes =
    "text/csv, application/json, application/jsonlines, application/x-npy";

/// What an answer tells of a row.
enum class Quantity : std::uint8_t {
  kPrediction,     ///< the probability, or the number that a regression predicts
  kLabel,          ///< 1 when the prediction is at least the threshold, else 0
  kMargin,         ///< the raw score: sum of base and leaf weights
  kLeaf,           ///< leaf (index of the node) of every tree, a list
  kReasons,        ///< features that drove the score most, a list of {feature, value, contribution}
  kContributions,  ///< what every feature added to the margin, and last the bias, a list: they sum to it
  kProbabilities,  ///< [1 - p, p]
  kLabels,         ///< [0, 1]
};

/// One selected output, by the name that the request gave it.
struct AnswerField {
  std::string name;
  Quantity quantity = Quantity::kPrediction;
  bool operator==(const AnswerField&) const = default;
};

/// Reads a comma-separated selection, blanks and case do not count: `prediction` (or `score`), `probability`,
/// `label`, `margin`, `leaf`, `reasons`, `contributions`, and the names of the managed container's selectable
/// inference: `predicted_label`, `labels`, `probability`, `probabilities`, `raw_score` (which is the
/// probability), `raw_scores`, `predicted_score`.
/// Errors: serve.request.output for an unknown name (with the nearest one), a repeated one, and one that the
/// objective does not have.
[[nodiscard]] std::vector<AnswerField> parse_fields(std::string_view text, Objective objective);

/// How an answer is written.
struct AnswerOptions {
  AnswerFormat format = AnswerFormat::kCsv;
  std::vector<AnswerField> fields{{"score", Quantity::kPrediction}};
  bool comma_joined = false;  ///< CSV: `p0,p1,p2` without line end, as the container wrote until 2022
  double threshold = 0.5;     ///< of Quantity::kLabel
  std::size_t n_reasons = 3;
};

/// One answer, kept and written again.
struct Answer {
  std::string body;
  std::vector<float> predictions;  ///< [n_rows]: what drift and shadow look at

  /// What writing needs besides.
  struct Memory {
    std::vector<float> margins;         ///< [n_rows]
    std::vector<std::int32_t> leaves;   ///< [n_trees], of a row
    std::vector<double> contributions;  ///< [n_features + 1], of a row
    std::vector<Reason> reasons;        ///< of a row
    std::string list;                   ///< JSON text that goes into a CSV field
  };
  Memory memory;
};

/// Scores rows of one model and writes answers. Immutable and thread-safe; holds what it needs of the model.
///
/// Numbers are the shortest decimal text that reads back as the same float32.
/// - CSV: the fields of a row separated by commas, a row a line, no header; a list is its JSON text, quoted.
/// - JSON: {"predictions": [{name: value, ..}, ..]}; JSON Lines: {name: value, ..} a line.
/// - npy: float32 [n_rows] for one number, [n_rows, fields] for several; a list must be alone: leaf is int32
///   [n_rows, n_trees], contributions is float32 [n_rows, n_features + 1].
class Answerer {
 public:
  /// Errors: core.scorer.model.
  explicit Answerer(const Model& model);
  ~Answerer();
  Answerer(Answerer&&) noexcept;
  Answerer& operator=(Answerer&&) noexcept;

  /// Scores all rows and writes the body. Needs: rows.n_features() is the model's.
  /// Errors: serve.request.accept when npy cannot hold the selected fields, or comma_joined more than one
  /// number.
  void answer(const RowBatch& rows, const AnswerOptions& options, Answer& answer) const;

  /// Predictions alone: for a shadow model, and to warm a model up.
  void predict(const RowBatch& rows, std::vector<float>& predictions) const;

 private:
  struct Engine;
  std::unique_ptr<const Engine> engine_;
};

}  // namespace coppice::serve
