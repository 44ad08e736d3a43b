#include "group_split.h"

#include <algorithm>
#include <cstddef>
#include <tuple>
#include <unordered_map>

#include "shares.h"

namespace coppice::tune {
namespace {

struct Group {
  std::size_t n_rows = 0;
  std::uint32_t rarest_class = 0;
  std::uint64_t hash = 0;
  std::uint8_t part = 0;
};

using Groups = std::unordered_map<std::uint64_t, Group>;

Groups collect_groups(std::span<const std::uint64_t> groups, std::span<const std::uint32_t> classes,
                      std::uint64_t seed) {
  std::unordered_map<std::uint32_t, std::size_t> class_rows;
  for (const std::uint32_t c : classes) ++class_rows[c];
  const auto is_rarer = [&](std::uint32_t a, std::uint32_t b) {
    return std::tuple(class_rows.at(a), a) < std::tuple(class_rows.at(b), b);
  };
  const std::uint64_t key = shuffle_key(seed);
  Groups result;
  for (std::size_t row = 0; row < groups.size(); ++row) {
    const auto [entry, is_new] = result.try_emplace(groups[row]);
    Group& group = entry->second;
    ++group.n_rows;
    if (is_new) group.hash = shuffle_hash(key, groups[row]);
    if (classes.empty()) continue;
    if (is_new || is_rarer(classes[row], group.rarest_class)) group.rarest_class = classes[row];
  }
  return result;
}

}  // namespace

Parts group_split(std::span<const std::uint64_t> groups, std::span<const std::uint32_t> classes,
                  std::span<const double> fractions, std::uint64_t seed) {
  Groups by_key = collect_groups(groups, classes, seed);
  // Different keys have different hashes, for hashing is a bijection: the order has no ties.
  std::vector<Group*> order;
  order.reserve(by_key.size());
  for (auto& [key, group] : by_key) order.push_back(&group);
  std::ranges::sort(order, {}, [](const Group* group) { return std::tie(group->rarest_class, group->hash); });

  for (auto begin = order.begin(); begin != order.end();) {
    const auto end = std::find_if(begin, order.end(), [c = (*begin)->rarest_class](const Group* group) {
      return group->rarest_class != c;
    });
    std::vector<std::size_t> block_rows;
    std::transform(begin, end, std::back_inserter(block_rows),
                   [](const Group* group) { return group->n_rows; });
    for (const std::uint8_t part : parts_of_blocks(block_rows, fractions)) (*begin++)->part = part;
  }

  Parts parts;
  parts.reserve(groups.size());
  for (const std::uint64_t group : groups) parts.push_back(by_key.at(group).part);
  return parts;
}

void leave_out_seen_groups(std::span<const std::uint64_t> groups, Parts& parts) {
  std::unordered_map<std::uint64_t, std::uint8_t> first_part;
  for (std::size_t row = 0; row < parts.size(); ++row) {
    std::uint8_t& first = first_part.try_emplace(groups[row], kNoPart).first->second;
    first = std::min(first, parts[row]);  // kNoPart is above all parts
  }
  for (std::size_t row = 0; row < parts.size(); ++row) {
    if (first_part.at(groups[row]) < parts[row]) parts[row] = kNoPart;
  }
}

std::uint64_t group_key(std::string_view text) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char byte : text) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  return hash;
}

}  // namespace coppice::tune
