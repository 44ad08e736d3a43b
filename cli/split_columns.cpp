#include "split_columns.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <unordered_map>

#include "time_column.h"

namespace coppice::cli {
namespace {

/// Classes by label text; gives up at more than kMaxClasses.
class ClassIndex {
 public:
  void add(std::string_view text, SplitTable& table) {
    if (indices_.size() > kMaxClasses) return;
    const auto [entry, is_new] = indices_.try_emplace(std::string(text), indices_.size());
    if (is_new) table.class_names.emplace_back(text);
    if (indices_.size() > kMaxClasses) {
      table.classes = {};
    } else {
      table.classes.push_back(static_cast<std::uint32_t>(entry->second));
    }
  }

 private:
  std::unordered_map<std::string, std::size_t> indices_;
};

/// The last word of a name in lower case: `tx_Time`, `TxTime`, `time` have `time`, `customerID` has `id`.
std::string last_word(std::string_view name) {
  const auto is_lower = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto is_upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  std::string word;
  for (std::size_t i = name.size(); i-- > 0;) {
    const char c = name[i];
    if (!is_lower(c) && !is_upper(c)) break;
    word.insert(word.begin(), is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c);
    if (is_upper(c) && i > 0 && is_lower(name[i - 1])) break;
  }
  return word;
}

constexpr std::array<std::string_view, 6> kTimeUnits = {"days", "hours", "minutes", "seconds", "ms", "utc"};
constexpr std::array<std::string_view, 5> kTimeWords = {"time", "date", "datetime", "timestamp", "dt"};
constexpr std::array<std::string_view, 8> kIdWords = {"id",      "customer", "card",   "terminal",
                                                      "account", "client",   "device", "merchant"};

/// `TX_TIME_DAYS` like `TX_TIME`.
bool names_a_time(std::string_view name) {
  const auto is_among = [](const auto& words, const std::string& word) {
    return std::ranges::find(words, word) != words.end();
  };
  const std::string word = last_word(name);
  if (!is_among(kTimeUnits, word)) return is_among(kTimeWords, word);
  name.remove_suffix(word.size());
  while (!name.empty() && last_word(name).empty()) name.remove_suffix(1);
  return is_among(kTimeWords, last_word(name));
}

}  // namespace

SplitTable read_split_table(const io::CsvRows& rows, const SplitColumnNames& names) {
  SplitTable table;
  table.n_rows = rows.size();
  std::vector<std::string> columns;
  for (const std::string* name : {&names.label, &names.time, &names.group}) {
    if (!name->empty()) columns.push_back(*name);
  }
  if (columns.empty()) return table;
  ClassIndex classes;
  TimeReader times(names.time, [&rows](std::size_t row) { return rows.place(row); });
  rows.visit_columns(columns, [&](std::size_t row, std::span<const std::string_view> texts) {
    std::size_t next = 0;
    if (!names.label.empty()) classes.add(texts[next++], table);
    if (!names.time.empty()) {
      table.times.push_back(times.read(row, texts[next++]));
    }
    if (!names.group.empty()) table.groups.push_back(tune::group_key(texts[next]));
  });
  table.scale = times.scale();
  return table;
}

std::string note_on_unused_columns(const std::vector<std::string>& names, const SplitColumnNames& used) {
  std::vector<std::string> times, ids;
  for (const std::string& name : names) {
    if (name == used.label || name == used.time || name == used.group) continue;
    if (used.time.empty() && names_a_time(name)) {
      times.push_back(fmt::format("{} looks like a time (--time-column)", name));
    }
    if (used.group.empty() && std::ranges::find(kIdWords, last_word(name)) != kIdWords.end()) {
      ids.push_back(fmt::format("{} looks like an id (--group-column)", name));
    }
  }
  times.insert(times.end(), ids.begin(), ids.end());
  if (times.empty()) return "";
  return fmt::format("note: the split ignores columns that may leak: {}\n", fmt::join(times, ", "));
}

}  // namespace coppice::cli
