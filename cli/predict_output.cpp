#include "predict_output.h"

#include <coppice/error.h>
#include <coppice/explainer.h>
#include <coppice/kernels/backends.h>
#include <coppice/scorer.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>

namespace coppice::cli {
namespace {

/// Scores of the stretch at hand, each written by write(writer, score).
template <class Write>
OutputColumns score_column(std::string name, const Model& model, const Dataset& data, Output output,
                           const OutputOptions& options, Write write) {
  if (options.device != "cpu") {
    const auto scores = std::make_shared<const std::vector<float>>(
        kernels::score_on_device(options.device, model, data, output));
    const auto first = std::make_shared<std::size_t>(0);
    return {.names = {std::move(name)},
            .compute = [=](const RowRange& rows) { *first = rows.first; },
            .write = [=](io::CsvWriter& writer, std::size_t i) { write(writer, (*scores)[*first + i]); }};
  }
  const auto scorer = std::make_shared<const Scorer>(model);
  const auto scores = std::make_shared<std::vector<float>>();
  return {.names = {std::move(name)},
          .compute =
              [=, &data, threads = options.threads](const RowRange& rows) {
                scores->resize(rows.size());
                score_range(*scorer, data, rows, output, threads, *scores);
              },
          .write = [=](io::CsvWriter& writer, std::size_t i) { write(writer, (*scores)[i]); }};
}

OutputColumns leaf_columns(const Model& model, const Dataset& data, int threads) {
  const auto scorer = std::make_shared<const Scorer>(model);
  const auto leaves = std::make_shared<std::vector<std::int32_t>>();
  const std::size_t n_trees = scorer->n_trees();
  OutputColumns columns;
  for (std::size_t t = 0; t < n_trees; ++t) columns.names.push_back(fmt::format("leaf_{}", t));
  columns.compute = [=, &data](const RowRange& rows) {
    leaves->resize(rows.size() * n_trees);
    for_each_row(data, rows, threads, [&](std::size_t i, std::span<const float> row) {
      scorer->leaves(row, std::span(*leaves).subspan(i * n_trees, n_trees));
    });
  };
  columns.write = [=](io::CsvWriter& writer, std::size_t i) {
    for (std::size_t t = 0; t < n_trees; ++t) writer.field((*leaves)[i * n_trees + t]);
  };
  return columns;
}

/// Contributions are written as float32, like the margin that they sum to.
OutputColumns contribution_columns(const Model& model, const Dataset& data, int threads) {
  const auto explainer = std::make_shared<const Explainer>(model);
  const auto contributions = std::make_shared<std::vector<double>>();
  OutputColumns columns;
  for (const Feature& feature : model.schema.features) {
    columns.names.push_back("contribution_" + feature.name);
  }
  columns.names.emplace_back("bias");
  const std::size_t n_columns = columns.names.size();
  columns.compute = [=, &data](const RowRange& rows) {
    contributions->resize(rows.size() * n_columns);
    for_each_row(data, rows, threads, [&](std::size_t i, std::span<const float> row) {
      explainer->contributions(row, std::span(*contributions).subspan(i * n_columns, n_columns));
    });
  };
  columns.write = [=](io::CsvWriter& writer, std::size_t i) {
    for (std::size_t c = 0; c < n_columns; ++c) {
      writer.field(static_cast<float>((*contributions)[i * n_columns + c]));
    }
  };
  return columns;
}

OutputColumns reason_columns(const Model& model, const Dataset& data, const OutputOptions& options) {
  const auto explainer = std::make_shared<const Explainer>(model);
  const auto reasons = std::make_shared<std::vector<Reason>>();
  const std::size_t n_reasons = std::min(options.n_reasons, explainer->n_features());
  OutputColumns columns;
  for (std::size_t r = 1; r <= n_reasons; ++r) {
    columns.names.push_back(fmt::format("reason_{}", r));
    columns.names.push_back(fmt::format("reason_{}_contribution", r));
  }
  columns.compute = [=, &data, threads = options.threads](const RowRange& rows) {
    reasons->assign(rows.size() * n_reasons, {});
    for_each_row(data, rows, threads, [&](std::size_t i, std::span<const float> row) {
      std::vector<double> contributions(row.size() + 1);
      explainer->contributions(row, contributions);
      find_reasons(contributions, std::span(*reasons).subspan(i * n_reasons, n_reasons));
    });
  };
  columns.write = [=, &features = model.schema.features](io::CsvWriter& writer, std::size_t i) {
    for (const Reason& reason : std::span(*reasons).subspan(i * n_reasons, n_reasons)) {
      const bool is_none = reason.contribution == 0;
      writer.field(is_none ? std::string_view() : features[reason.feature].name);
      is_none ? writer.field(std::string_view()) : writer.field(static_cast<float>(reason.contribution));
    }
  };
  return columns;
}

}  // namespace

OutputColumns make_output(std::string_view name, const Model& model, const Dataset& data,
                          const OutputOptions& options) {
  const auto write_number = [](io::CsvWriter& writer, float score) { writer.field(score); };
  if (name == "prediction" || name == "probability") {
    return score_column("score", model, data, Output::kPrediction, options, write_number);
  }
  if (name == "margin") {
    return score_column("margin", model, data, Output::kMargin, options, write_number);
  }
  if (name == "label") {
    return score_column("label", model, data, Output::kPrediction, options,
                        [threshold = options.threshold](io::CsvWriter& writer, float score) {
                          writer.field(score >= threshold ? 1 : 0);
                        });
  }
  if (options.device != "cpu") {
    throw Error("cli.usage", fmt::format("--output {} is computed on the CPU: leave --device away", name));
  }
  if (name == "leaf") return leaf_columns(model, data, options.threads);
  if (name == "contributions") return contribution_columns(model, data, options.threads);
  return reason_columns(model, data, options);
}

}  // namespace coppice::cli
