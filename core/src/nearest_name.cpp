#include <coppice/nearest_name.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

namespace coppice {
namespace {

/// Edits (insert, delete, replace, swap two neighbours) that turn one word into the other.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  // Rows i - 2, i - 1 and i of the table of distances between prefixes, at index i mod 3.
  std::array<std::vector<std::size_t>, 3> rows;
  rows.fill(std::vector<std::size_t>(b.size() + 1));
  for (std::size_t j = 0; j <= b.size(); ++j) rows[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::vector<std::size_t>& row = rows[i % 3];
    const std::vector<std::size_t>& above = rows[(i - 1) % 3];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], rows[(i - 2) % 3][j - 2] + 1);
    }
  }
  return rows[a.size() % 3][b.size()];
}

/// A name in another case is the nearest there can be.
std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

}  // namespace

std::string nearest_name(std::string_view word, std::span<const std::string> candidates) {
  std::string nearest;
  std::size_t nearest_distance = std::max<std::size_t>(1, word.size() / 3) + 1;  // further is not near
  const std::string wanted = lower_case(word);
  for (const std::string& candidate : candidates) {
    // The lengths alone differ by so many edits: long candidates cost nothing.
    const std::size_t least =
        std::max(wanted.size(), candidate.size()) - std::min(wanted.size(), candidate.size());
    if (least >= nearest_distance) continue;
    const std::size_t distance = edit_distance(wanted, lower_case(candidate));
    if (distance < nearest_distance) {
      nearest_distance = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace coppice
