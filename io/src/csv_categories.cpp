#include "csv_categories.h"

#include <coppice/schema.h>

#include <algorithm>
#include <functional>
#include <numeric>

namespace coppice::io {

std::size_t TextTable::slot_of(std::string_view text, std::size_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = hash & mask;
  while (slots_[slot] != kNone) {
    const Entry& entry = entries_[slots_[slot]];
    if (entry.hash == hash && entry.text == text) break;
    slot = (slot + 1) & mask;
  }
  return slot;
}

void TextTable::grow() {
  slots_.assign(std::max<std::size_t>(16, slots_.size() * 2), kNone);
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    std::size_t slot = entries_[i].hash & mask;
    while (slots_[slot] != kNone) slot = (slot + 1) & mask;
    slots_[slot] = i;
  }
}

std::size_t TextTable::add_hashed(std::string_view text, std::size_t hash, CsvPosition first,
                                  std::size_t count) {
  if (entries_.size() * 2 >= slots_.size()) grow();
  std::size_t& number = slots_[slot_of(text, hash)];
  if (number == kNone) {
    number = entries_.size();
    entries_.push_back({std::string(text), hash, 0, first});
  }
  entries_[number].count += count;
  return number;
}

std::size_t TextTable::add(std::string_view text, CsvPosition first, std::size_t count) {
  return add_hashed(text, std::hash<std::string_view>()(text), first, count);
}

void TextTable::add_all(const TextTable& other) {
  for (const Entry& entry : other.entries_) add_hashed(entry.text, entry.hash, entry.first, entry.count);
}

std::size_t TextTable::find(std::string_view text) const {
  if (slots_.empty()) return kNone;
  return slots_[slot_of(text, std::hash<std::string_view>()(text))];
}

std::vector<std::string> most_frequent(const TextTable& table) {
  const auto& entries = table.entries();
  std::vector<std::size_t> order(entries.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const std::size_t n_kept = std::min(order.size(), kMaxCategories);
  std::ranges::partial_sort(order, order.begin() + static_cast<std::ptrdiff_t>(n_kept),
                            [&](std::size_t a, std::size_t b) {
                              if (entries[a].count != entries[b].count) {
                                return entries[a].count > entries[b].count;
                              }
                              return entries[a].text < entries[b].text;
                            });
  std::vector<std::string> categories;
  for (std::size_t i = 0; i < n_kept; ++i) categories.push_back(entries[order[i]].text);
  return categories;
}

std::vector<float> category_codes(const TextTable& table, const std::vector<std::string>& categories) {
  std::vector<float> codes(table.entries().size(), static_cast<float>(categories.size()));
  for (std::size_t code = 0; code < categories.size(); ++code) {
    const std::size_t number = table.find(categories[code]);
    if (number != TextTable::kNone) codes[number] = static_cast<float>(code);
  }
  return codes;
}

}  // namespace coppice::io
