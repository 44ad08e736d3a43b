// Options that several verbs share, so that they read and behave alike.
#pragma once

#include <coppice/io/csv.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace CLI {  // NOLINT(readability-identifier-naming): a name of the CLI11 library
class App;
class Option;
}  // namespace CLI

namespace coppice::cli {

// What these options write to must live until the command line has been read.

/// The positional DATA: `.csv`, `.csv.gz`, several files of one table, or `-`.
void add_data(CLI::App& command, std::vector<std::string>& paths);
/// --threads.
void add_threads(CLI::App& command, int& threads);
/// --no-header.
void add_no_header(CLI::App& command, bool& has_header);
/// --ignore, --categorical, --missing, --no-header: how a table is read without a model.
void add_reading(CLI::App& command, io::CsvOptions& csv);
/// --json.
void add_json(CLI::App& command, bool& json);
/// --model, required.
void add_model(CLI::App& command, std::string& path);
/// --seed; `what` says of what.
void add_seed(CLI::App& command, std::uint64_t& seed, const std::string& what);
/// --time-column.
void add_time_column(CLI::App& command, std::string& column);
/// --group-column.
void add_group_column(CLI::App& command, std::string& column);
/// --gap: `after` which rows.
CLI::Option* add_gap(CLI::App& command, std::string& gap, const std::string& after);
/// --threshold, between 0 and 1; none is the one that the model stores.
void add_threshold(CLI::App& command, std::optional<double>& threshold);

/// How a table is read for a model: header as in training unless --no-header.
[[nodiscard]] io::CsvOptions reading_for(const Schema& schema, bool has_header, int threads);

/// Tells on standard error which columns of a table are of no use to the model, nor were asked to be kept.
void log_extra_columns(const io::CsvTable& table);

/// Names of all columns that a schema knows of.
[[nodiscard]] std::vector<std::string> column_names(const Schema& schema);

/// Warns on standard error when every column name is a number, as it is when the first row was data. (Columns
/// without header are not named by numbers.)
void warn_of_numeric_names(const std::vector<std::string>& names);
/// The same for a table that was read without a model.
void warn_of_numeric_names(const Schema& schema);

}  // namespace coppice::cli
