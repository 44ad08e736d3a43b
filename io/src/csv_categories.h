// Dictionaries of the texts of a column.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "csv_problem.h"

namespace coppice::io {

/// The distinct texts of a column, numbered as they come, with how often and where first each was seen.
class TextTable {
 public:
  struct Entry {
    std::string text;
    std::size_t hash;
    std::size_t count;
    CsvPosition first;
  };

  /// Counts a text `count` times more; returns its number. `first` is kept for a new text.
  std::size_t add(std::string_view text, CsvPosition first, std::size_t count = 1);

  /// Adds all texts of another table with their counts.
  void add_all(const TextTable& other);

  /// Number of a text, or kNone.
  [[nodiscard]] std::size_t find(std::string_view text) const;

  [[nodiscard]] const std::vector<Entry>& entries() const noexcept { return entries_; }

  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

 private:
  std::size_t add_hashed(std::string_view text, std::size_t hash, CsvPosition first, std::size_t count);
  /// The slot of a text, or the free slot where it would go.
  [[nodiscard]] std::size_t slot_of(std::string_view text, std::size_t hash) const;
  void grow();

  std::vector<Entry> entries_;
  std::vector<std::size_t> slots_;  // open addressing, a power of two; kNone is free
};

/// The dictionary of a column: the most frequent kMaxCategories texts, ties in byte order.
[[nodiscard]] std::vector<std::string> most_frequent(const TextTable& table);

/// The code of each text of `table` in a dictionary; `categories.size()`, which is *other*, for the rest.
[[nodiscard]] std::vector<float> category_codes(const TextTable& table,
                                                const std::vector<std::string>& categories);

}  // namespace coppice::io
