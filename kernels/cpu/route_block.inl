// Leaf numbers of a block's rows, a split at a time: for all rows at once, the leaf numbers that the left and
// the right subtree would give are blended by where a row's bin goes. Included by each wide instruction set
// after its RowBytes, bins or leaf numbers of as many rows as a register has bytes, and its look_up.

RowBytes load_rows(const std::uint8_t* from) {
  RowBytes rows;
  std::memcpy(&rows, from, sizeof rows);
  return rows;
}

/// Where a subtree's leaf numbers come from: one for all rows, or one for each.
struct OneLeaf {
  RowBytes leaf;
  [[nodiscard]] const RowBytes& at(std::size_t /*row*/) const { return leaf; }
};
struct RowLeaves {
  const std::uint8_t* leaves;
  [[nodiscard]] RowBytes at(std::size_t row) const { return load_rows(leaves + row); }
};

/// out[i] = leaf number of row i, from the right when goes_right(i) has 1 for it.
template <class GoesRight, class Left, class Right>
void blend(const GoesRight& goes_right, const Left& left, const Right& right, std::uint8_t* out) {
  for (std::size_t i = 0; i < kBlockRows; i += sizeof(RowBytes)) {
    const RowBytes leaves = goes_right(i) ? right.at(i) : left.at(i);
    std::memcpy(out + i, &leaves, sizeof leaves);
  }
}

/// Takes one step; slot 0 is `narrow`.
template <class GoesRight>
void take_step(const RouteStep& step, const GoesRight& goes_right, std::uint8_t* narrow,
               std::uint8_t (*slots)[kBlockRows]) {
  const RowBytes zero = {};
  const auto slot = [&](int number) { return number == 0 ? narrow : slots[number]; };
  const auto one = [&](std::int16_t leaf) { return OneLeaf{zero + static_cast<std::uint8_t>(leaf)}; };
  std::uint8_t* out = slot(step.out);
  if (step.left >= 0 && step.right >= 0)
    blend(goes_right, one(step.left), one(step.right), out);
  else if (step.left >= 0)
    blend(goes_right, one(step.left), RowLeaves{slot(~step.right)}, out);
  else if (step.right >= 0)
    blend(goes_right, RowLeaves{slot(~step.left)}, one(step.right), out);
  else
    blend(goes_right, RowLeaves{slot(~step.left)}, RowLeaves{slot(~step.right)}, out);
}

void route_block(const RouteTree& tree, const std::uint8_t* columns, std::size_t ahead, std::uint8_t* narrow,
                 std::uint16_t* wide) {
  if (narrow == nullptr) {
    scalar_kernels().route_block(tree, columns, ahead, narrow, wide);
    return;
  }
  if (tree.steps.empty()) std::memset(narrow, 0, kBlockRows);
  alignas(64) std::uint8_t slots[kRouteSlots][kBlockRows];
  const RowBytes zero = {};
  for (const RouteStep& step : tree.steps) {
    const std::uint8_t* column = columns + step.feature * kBlockRows;
    if (ahead > 0)
      for (std::size_t i = 0; i < kBlockRows; i += 64) __builtin_prefetch(column + ahead + i);
    if (step.category_set >= 0) {
      const std::uint8_t* set = tree.sets[static_cast<std::size_t>(step.category_set)].data();
      const auto is_in_set = [&](std::size_t i) {
        RowBytes found;
        look_up(set, column + i, reinterpret_cast<std::uint8_t*>(&found));
        return found != 0;
      };
      take_step(step, is_in_set, narrow, slots);
    } else {
      const RowBytes shift = zero + step.shift;
      const RowBytes bin = zero + step.bin;
      take_step(
          step, [&](std::size_t i) { return load_rows(column + i) - shift > bin; }, narrow, slots);
    }
  }
}
