#include <coppice/error.h>
#include <coppice/io/csv_writer.h>
#include <coppice/scorer.h>
#include <coppice/serve/answers.h>
#include <fmt/compile.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

#include "json_text.h"
#include "npy_writer.h"

namespace coppice::serve {
namespace {

constexpr std::size_t kNumberBytes = 32;  // that the text of a number may take

/// The shortest text that reads back as the same number. Returns its end.
template <class Number>
char* write_number(char* out, Number number) {
  return fmt::format_to(out, FMT_COMPILE("{}"), number);
}

template <class Number>
void append_number(std::string& out, Number number) {
  std::array<char, kNumberBytes> text;
  out.append(text.data(), write_number(text.data(), number));
}

/// Contributions are told in float32, as margins are.
float as_told(double value) noexcept { return static_cast<float>(value); }
std::int32_t as_told(std::int32_t value) noexcept { return value; }

/// Is it one number for a row?
bool is_number(Quantity quantity) noexcept {
  switch (quantity) {
    case Quantity::kPrediction:
    case Quantity::kLabel:
    case Quantity::kMargin:
      return true;
    default:
      return false;
  }
}

bool has(const AnswerOptions& options, Quantity quantity) noexcept {
  return std::ranges::find(options.fields, quantity, &AnswerField::quantity) != options.fields.end();
}

/// Trees beyond the depth that can be explained do not keep a model from being served.
std::optional<Explainer> make_explainer(const Model& model) {
  try {
    return Explainer(model);
  } catch (const Error& error) {
    if (error.id() == "core.explainer.depth") return std::nullopt;
    throw;
  }
}

/// What an answer needs of a model.
struct AnswerEngine {
  explicit AnswerEngine(const Model& model)
      : scorer(model),
        explainer(make_explainer(model)),
        objective(model.objective),
        features(model.schema.features) {
    for (const Feature& feature : features) {
      names.push_back(json_text(feature.name));
      std::vector<std::string>& texts = categories.emplace_back();
      for (const std::string& category : feature.categories) texts.push_back(json_text(category));
    }
  }

  Scorer scorer;
  std::optional<Explainer> explainer;
  Objective objective;
  std::vector<Feature> features;
  std::vector<std::string> names;                    ///< of features, as JSON
  std::vector<std::vector<std::string>> categories;  ///< of features, as JSON
};

/// Writes the fields of one answer, row by row.
class RowWriter {
 public:
  RowWriter(const AnswerEngine& engine, const RowBatch& rows, const AnswerOptions& options, Answer& answer)
      : engine_(engine), rows_(rows), options_(options), answer_(answer), memory_(answer.memory) {
    needs_contributions_ = has(options, Quantity::kReasons) || has(options, Quantity::kContributions);
    if (needs_contributions_ && !engine.explainer) {
      throw Error(
          "serve.request.output",
          fmt::format("this model has trees deeper than {}: it has no reasons", Explainer::kMaxDepth));
    }
    memory_.contributions.resize(engine.features.size() + 1);
    memory_.reasons.resize(std::min(options.n_reasons, engine.features.size()));
    memory_.leaves.resize(engine.scorer.n_trees());
  }

  void write_csv() {
    const bool is_one_score =
        options_.fields.size() == 1 && options_.fields.front().quantity == Quantity::kPrediction;
    const char row_end = options_.comma_joined ? ',' : '\n';
    if (is_one_score) {
      write_scores(row_end);
    } else {
      for (std::size_t i = 0; i < rows_.n_rows(); ++i) {
        write_csv_row(i);
        answer_.body += row_end;
      }
    }
    if (options_.comma_joined && rows_.n_rows() > 0) answer_.body.pop_back();
  }

  /// Objects, `separator` between them and `end` behind each.
  void write_objects(std::string_view separator, std::string_view end) {
    for (std::size_t i = 0; i < rows_.n_rows(); ++i) {
      if (i > 0) answer_.body += separator;
      explain(i);
      char before = '{';
      for (const AnswerField& field : options_.fields) {
        answer_.body += std::exchange(before, ',');
        answer_.body += '"';
        answer_.body += field.name;
        answer_.body += "\":";
        append_value(answer_.body, field.quantity, i);
      }
      answer_.body += '}';
      answer_.body += end;
    }
  }

  /// A list has an array of its own: it cannot stand beside numbers.
  void write_npy() {
    const std::size_t n_fields = options_.fields.size();
    const Quantity first = options_.fields.front().quantity;
    if (n_fields == 1 && first == Quantity::kLeaf)
      return write_npy_lists("<i4", memory_.leaves, &RowWriter::find_leaves);
    if (n_fields == 1 && first == Quantity::kContributions)
      return write_npy_lists("<f4", memory_.contributions, &RowWriter::explain);
    const auto list = std::ranges::find_if_not(options_.fields, is_number, &AnswerField::quantity);
    if (list != options_.fields.end()) {
      throw Error(
          "serve.request.accept",
          fmt::format("an npy answer holds numbers; '{}' is a list: take JSON{}", list->name,
                      n_fields > 1 && list->quantity != Quantity::kReasons ? ", or select it alone" : ""));
    }
    if (n_fields == 1) {
      begin_npy("<f4", {rows_.n_rows()}, answer_.body);
    } else {
      begin_npy("<f4", {rows_.n_rows(), n_fields}, answer_.body);
    }
    for (std::size_t i = 0; i < rows_.n_rows(); ++i) {
      for (const AnswerField& field : options_.fields) append_npy(number(field.quantity, i), answer_.body);
    }
  }

 private:
  /// Makes the contributions of a row, when some field needs them.
  void explain(std::size_t i) {
    if (needs_contributions_) engine_.explainer->contributions(rows_.row(i), memory_.contributions);
  }
  void find_leaves(std::size_t i) { engine_.scorer.leaves(rows_.row(i), memory_.leaves); }

  /// A list for each row, which `find` fills.
  template <class Value>
  void write_npy_lists(std::string_view type, const std::vector<Value>& list,
                       void (RowWriter::*find)(std::size_t)) {
    begin_npy(type, {rows_.n_rows(), list.size()}, answer_.body);
    for (std::size_t i = 0; i < rows_.n_rows(); ++i) {
      (this->*find)(i);
      for (const Value value : list) append_npy(as_told(value), answer_.body);
    }
  }

  /// The predictions alone, straight into the body.
  void write_scores(char row_end) {
    answer_.body.resize(rows_.n_rows() * (kNumberBytes + 1));
    char* out = answer_.body.data();
    for (const float prediction : answer_.predictions) {
      out = write_number(out, prediction);
      *out++ = row_end;
    }
    answer_.body.resize(static_cast<std::size_t>(out - answer_.body.data()));
  }

  void write_csv_row(std::size_t i) {
    explain(i);
    for (const AnswerField& field : options_.fields) {
      if (&field != &options_.fields.front()) answer_.body += ',';
      if (is_number(field.quantity)) {
        append_value(answer_.body, field.quantity, i);
        continue;
      }
      memory_.list.clear();
      append_value(memory_.list, field.quantity, i);
      io::append_csv_field(answer_.body, memory_.list);
    }
  }

  /// Needs: is_number(quantity).
  [[nodiscard]] float number(Quantity quantity, std::size_t i) const {
    switch (quantity) {
      case Quantity::kLabel:
        return answer_.predictions[i] >= options_.threshold ? 1 : 0;
      case Quantity::kMargin:
        return memory_.margins[i];
      default:
        return answer_.predictions[i];
    }
  }

  /// A value as JSON.
  void append_value(std::string& out, Quantity quantity, std::size_t i) {
    switch (quantity) {
      case Quantity::kLeaf:
        find_leaves(i);
        return append_list(out, memory_.leaves);
      case Quantity::kContributions:
        return append_list(out, memory_.contributions);
      case Quantity::kReasons:
        return append_reasons(out, i);
      case Quantity::kProbabilities:
        out += '[';
        append_number(out, 1 - static_cast<double>(answer_.predictions[i]));
        out += ',';
        append_number(out, answer_.predictions[i]);
        out += ']';
        return;
      case Quantity::kLabels:
        out += "[0,1]";
        return;
      default:
        append_number(out, number(quantity, i));
    }
  }

  template <class Value>
  void append_list(std::string& out, const std::vector<Value>& values) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      out += i == 0 ? '[' : ',';
      append_number(out, as_told(values[i]));
    }
    out += values.empty() ? "[]" : "]";
  }

  void append_reasons(std::string& out, std::size_t i) {
    const std::size_t n_reasons = find_reasons(memory_.contributions, memory_.reasons);
    out += '[';
    for (std::size_t r = 0; r < n_reasons; ++r) {
      const Reason& reason = memory_.reasons[r];
      if (r > 0) out += ',';
      out += "{\"feature\":";
      out += engine_.names[reason.feature];
      append_feature_value(out, reason.feature, rows_.row(i)[reason.feature]);
      out += ",\"contribution\":";
      append_number(out, as_told(reason.contribution));
      out += '}';
    }
    out += ']';
  }

  /// null is missing; a category that training never saw has no text any more, and no value.
  void append_feature_value(std::string& out, std::size_t f, float value) {
    constexpr std::string_view kKey = ",\"value\":";
    const std::vector<std::string>& categories = engine_.categories[f];
    if (std::isnan(value)) {
      out += kKey;
      out += "null";
    } else if (engine_.features[f].kind == FeatureKind::kNumeric) {
      out += kKey;
      append_number(out, value);
    } else if (const auto code = static_cast<std::size_t>(value); code < categories.size()) {
      out += kKey;
      out += categories[code];
    }
  }

  const AnswerEngine& engine_;
  const RowBatch& rows_;
  const AnswerOptions& options_;
  Answer& answer_;
  Answer::Memory& memory_;
  bool needs_contributions_ = false;
};

}  // namespace

struct Answerer::Engine : AnswerEngine {
  using AnswerEngine::AnswerEngine;
};

Answerer::Answerer(const Model& model) : engine_(std::make_unique<const Engine>(model)) {}
Answerer::~Answerer() = default;
Answerer::Answerer(Answerer&&) noexcept = default;
Answerer& Answerer::operator=(Answerer&&) noexcept = default;

void Answerer::answer(const RowBatch& rows, const AnswerOptions& options, Answer& answer) const {
  const bool is_one_number = options.fields.size() == 1 && is_number(options.fields.front().quantity);
  if (options.comma_joined && options.format == AnswerFormat::kCsv && !is_one_number) {
    throw Error("serve.request.accept", "comma-joined CSV has room for one number a row: take JSON");
  }
  answer.body.clear();
  answer.predictions.resize(rows.n_rows());
  if (has(options, Quantity::kMargin)) {
    engine_->scorer.score_rows(rows.values(), answer.predictions, Output::kMargin);
    answer.memory.margins = answer.predictions;
    margins_to_predictions(engine_->objective, answer.predictions);
  } else {
    engine_->scorer.score_rows(rows.values(), answer.predictions);
  }
  RowWriter writer(*engine_, rows, options, answer);
  switch (options.format) {
    case AnswerFormat::kCsv:
      return writer.write_csv();
    case AnswerFormat::kJson:
      answer.body += "{\"predictions\":[";
      writer.write_objects(",", "");
      answer.body += "]}";
      return;
    case AnswerFormat::kJsonLines:
      return writer.write_objects("", "\n");
    case AnswerFormat::kNpy:
      return writer.write_npy();
  }
}

void Answerer::predict(const RowBatch& rows, std::vector<float>& predictions) const {
  predictions.resize(rows.n_rows());
  engine_->scorer.score_rows(rows.values(), predictions);
}

}  // namespace coppice::serve
