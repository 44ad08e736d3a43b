#include <coppice/detail/threads.h>
#include <coppice/error.h>
#include <coppice/io/csv.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iterator>
#include <utility>

#include "csv_number.h"
#include "csv_parser.h"
#include "csv_read.h"

namespace coppice::io {
namespace {

/// The first finding of a column over all chunks, or nullptr.
const CsvFinding* first_finding(const ParsedChunks& parsed, std::size_t column,
                                std::optional<CsvFinding> ParsedColumn::*kind) {
  for (const ParsedChunk& chunk : parsed) {
    if (const auto& finding = chunk.columns[column].*kind) return &*finding;
  }
  return nullptr;
}

/// Looks at the first rows, so that text columns need not be read twice. What it misses costs time only.
void guess_kinds(CsvChunks& chunks, CsvLayout& layout) {
  constexpr std::size_t kRows = 1000;
  const ParsedChunk first = parse_chunk(*chunks.chunk(0), 0, layout, kRows);
  for (std::size_t i = 0; i < layout.columns.size(); ++i) {
    if (first.columns[i].first_text) layout.columns[i].use = CellUse::kCategory;
  }
}

/// Reads the numeric columns in which text was found again, as categories.
void reread_text_columns(CsvChunks& chunks, CsvLayout& layout, ParsedChunks& parsed, int threads) {
  CsvLayout again;
  again.missing_tokens = layout.missing_tokens;
  std::vector<std::size_t> flipped;
  for (std::size_t i = 0; i < layout.columns.size(); ++i) {
    again.columns.push_back({layout.columns[i].name});
    if (first_finding(parsed, i, &ParsedColumn::first_text) == nullptr) continue;
    again.columns[i].use = layout.columns[i].use = CellUse::kCategory;
    flipped.push_back(i);
  }
  if (flipped.empty()) return;
  ParsedChunks texts = parse_all(chunks, again, threads);
  for (std::size_t c = 0; c < parsed.size(); ++c) {
    for (const std::size_t i : flipped) {
      std::copy_n(texts[c].columns[i].values, parsed[c].n_rows, parsed[c].columns[i].values);
      parsed[c].columns[i].texts = std::move(texts[c].columns[i].texts);
    }
  }
}

void refuse_infinite(const CsvChunks& chunks, const CsvLayout& layout, const ParsedChunks& parsed) {
  for (std::size_t i = 0; i < layout.columns.size(); ++i) {
    const CsvColumn& column = layout.columns[i];
    if (column.use != CellUse::kNumber) continue;
    const CsvFinding* finding = first_finding(parsed, i, &ParsedColumn::first_infinite);
    if (finding == nullptr) continue;
    chunks.raise({finding->record, "io.csv.infinite",
                  fmt::format("column '{}': {}; leave the cell empty if it is missing", column.name,
                              why_infinite(finding->text))});
  }
}

/// A column that is numeric but for a few cells is one with errors: as categories it would lose what it says.
void refuse_few_texts(const CsvChunks& chunks, const CsvColumn& column, const TextTable& table) {
  std::size_t n_cells = 0;
  std::size_t n_numbers = 0;
  const TextTable::Entry* first_text = nullptr;
  for (const TextTable::Entry& entry : table.entries()) {
    n_cells += entry.count;
    float value = 0;
    if (parse_number(trim(entry.text), value) != NumberKind::kText) {
      n_numbers += entry.count;
    } else if (first_text == nullptr || entry.first < first_text->first) {
      first_text = &entry;
    }
  }
  if (first_text == nullptr || n_numbers < 100 || n_numbers * 100 < n_cells * 99) return;
  chunks.raise(
      {first_text->first, "io.csv.not_a_number",
       fmt::format("column '{}': {} is not a number, but {} of the column's {} values are; correct it, "
                   "make it a missing token, or declare the column categorical or ignored",
                   column.name, shown(first_text->text), n_numbers, n_cells)});
}

void refuse_other_encodings(const CsvChunks& chunks, const CsvColumn& column, const TextTable& table) {
  const TextTable::Entry* first = nullptr;
  for (const TextTable::Entry& entry : table.entries()) {
    if (!is_utf8(entry.text) && (first == nullptr || entry.first < first->first)) first = &entry;
  }
  if (first == nullptr) return;
  chunks.raise({first->first, "io.csv.encoding",
                fmt::format("column '{}': {} is not UTF-8; convert the file to UTF-8", column.name,
                            shown(first->text))});
}

/// The feature of a column, with a dictionary of all its texts.
Feature describe_feature(const CsvChunks& chunks, const CsvColumn& column, const ParsedChunks& parsed,
                         std::size_t index) {
  Feature feature{column.name, FeatureKind::kNumeric, {}};
  if (column.use != CellUse::kCategory) return feature;
  TextTable table;
  for (const ParsedChunk& chunk : parsed) table.add_all(chunk.columns[index].texts);
  refuse_other_encodings(chunks, column, table);
  if (!column.kind_known) refuse_few_texts(chunks, column, table);
  feature.kind = FeatureKind::kCategorical;
  feature.categories = most_frequent(table);
  return feature;
}

Buffer<float> gather(const ParsedChunks& parsed, std::size_t column, std::size_t n_rows) {
  Buffer<float> values(n_rows);
  float* out = values.data();
  for (const ParsedChunk& chunk : parsed) {
    out = std::copy_n(chunk.columns[column].values, chunk.n_rows, out);
  }
  return values;
}

Buffer<float> gather_codes(const ParsedChunks& parsed, std::size_t column, std::size_t n_rows,
                           const std::vector<std::string>& categories) {
  Buffer<float> values(n_rows);
  float* out = values.data();
  for (const ParsedChunk& chunk : parsed) {
    const ParsedColumn& source = chunk.columns[column];
    const std::vector<float> codes = category_codes(source.texts, categories);
    out = std::transform(source.values, source.values + chunk.n_rows, out, [&](float number) {
      return std::isnan(number) ? number : codes[static_cast<std::size_t>(number)];
    });
  }
  return values;
}

std::vector<std::string> gather_texts(ParsedChunks& parsed, std::size_t column, std::size_t n_rows) {
  std::vector<std::string> texts;
  texts.reserve(n_rows);
  for (ParsedChunk& chunk : parsed) std::ranges::move(chunk.columns[column].kept, std::back_inserter(texts));
  return texts;
}

/// Schema of a table that was read without one, but for its features.
Schema schema_of_options(const CsvLayout& layout, const CsvOptions& options) {
  Schema schema;
  schema.missing_tokens = options.missing_tokens;
  schema.has_header = options.has_header;
  for (const CsvColumn& column : layout.columns) {
    if (column.use == CellUse::kSkip) schema.ignored.push_back(column.name);
  }
  schema.features.resize(layout.features.size());
  return schema;
}

CsvTable assemble(const CsvLayout& layout, Schema schema, ParsedChunks& parsed, std::size_t n_rows,
                  int threads) {
  CsvTable table;
  schema.label = layout.label ? layout.columns[*layout.label].name : "";
  schema.weight = layout.weight ? layout.columns[*layout.weight].name : "";
  Dataset& data = table.data;
  data.n_rows = n_rows;
  data.columns.resize(layout.features.size());
  detail::parallel_for(threads, layout.features.size(), [&](std::size_t f) {
    const std::size_t column = layout.features[f];
    const Feature& feature = schema.features[f];
    data.columns[f] = feature.kind == FeatureKind::kNumeric
                          ? gather(parsed, column, n_rows)
                          : gather_codes(parsed, column, n_rows, feature.categories);
  });
  if (layout.label) data.labels = gather(parsed, *layout.label, n_rows);
  if (layout.weight) data.weights = gather(parsed, *layout.weight, n_rows);
  for (const std::size_t column : layout.kept) {
    table.kept_names.push_back(layout.columns[column].name);
    table.kept.push_back(gather_texts(parsed, column, n_rows));
  }
  data.schema = std::move(schema);
  return table;
}

}  // namespace

CsvTable read_csv_in_chunks(const std::vector<std::string>& paths, const Schema* given,
                            const CsvOptions& options, std::size_t chunk_bytes) {
  const auto start = std::chrono::steady_clock::now();
  const int threads = detail::thread_count(options.threads);
  CsvChunks chunks(paths, options.has_header, chunk_bytes);
  CsvLayout layout = given != nullptr ? layout_of_schema(chunks.names(), *given, options, chunks.name())
                                      : layout_of_options(chunks.names(), options, chunks.name());
  if (given == nullptr) guess_kinds(chunks, layout);
  ParsedChunks parsed = parse_all(chunks, layout, threads);
  std::size_t n_rows = 0;
  for (const ParsedChunk& chunk : parsed) n_rows += chunk.n_rows;
  if (n_rows == 0) throw Error("io.csv.empty", chunks.name() + ": there is a header, but no row");

  Schema schema = given != nullptr ? *given : schema_of_options(layout, options);
  if (given == nullptr) reread_text_columns(chunks, layout, parsed, threads);
  refuse_infinite(chunks, layout, parsed);
  if (given == nullptr) {
    detail::parallel_for(threads, layout.features.size(), [&](std::size_t f) {
      const std::size_t column = layout.features[f];
      schema.features[f] = describe_feature(chunks, layout.columns[column], parsed, column);
    });
  }
  CsvTable table = assemble(layout, std::move(schema), parsed, n_rows, threads);
  table.extra_columns = layout.extra_columns;
  table.bytes = chunks.bytes();
  table.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return table;
}

CsvTable read_csv(const std::vector<std::string>& paths, const CsvOptions& options) {
  return read_csv_in_chunks(paths, nullptr, options);
}

CsvTable read_csv(const std::vector<std::string>& paths, const Schema& schema, const CsvOptions& options) {
  return read_csv_in_chunks(paths, &schema, options);
}

}  // namespace coppice::io
