// Sweep A, quantisation and leaf weights, sixteen rows at a time.

/// row_draw of sixteen rows, from their products with its first multiplier.
__m512i draws_of_products(__m512i products, __m512i key) {
  __m512i x = _mm512_xor_si512(products, key);
  x = _mm512_xor_si512(x, _mm512_srli_epi32(x, 16));
  x = _mm512_mullo_epi32(x, _mm512_set1_epi32(0x7feb352d));
  x = _mm512_xor_si512(x, _mm512_srli_epi32(x, 15));
  return _mm512_mullo_epi32(x, _mm512_set1_epi32(static_cast<int>(0x846ca68bU)));
}

constexpr std::uint32_t kRowMultiplier = 0x9e3779b1U;

__m512i row_draws(__m512i rows, std::uint32_t key) {
  return draws_of_products(_mm512_mullo_epi32(rows, _mm512_set1_epi32(static_cast<int>(kRowMultiplier))),
                           _mm512_set1_epi32(static_cast<int>(key)));
}

__m512i lane_numbers() { return _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0); }

__m512 exp_floats(__m512 x) {
  const __m512 shift = _mm512_set1_ps(12582912.0F);
  const __m512 shifted = _mm512_add_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504F)), shift);
  const __m512 n = _mm512_sub_ps(shifted, shift);
  __m512 r = _mm512_sub_ps(x, _mm512_mul_ps(n, _mm512_set1_ps(0.693359375F)));
  r = _mm512_sub_ps(r, _mm512_mul_ps(n, _mm512_set1_ps(-2.12194440e-4F)));
  __m512 q = _mm512_set1_ps(1.38146023e-3F);
  q = _mm512_add_ps(_mm512_mul_ps(q, r), _mm512_set1_ps(8.36871564e-3F));
  q = _mm512_add_ps(_mm512_mul_ps(q, r), _mm512_set1_ps(4.1668389e-2F));
  q = _mm512_add_ps(_mm512_mul_ps(q, r), _mm512_set1_ps(0.166665211F));
  q = _mm512_add_ps(_mm512_mul_ps(q, r), _mm512_set1_ps(0.49999994F));
  const __m512 e =
      _mm512_add_ps(_mm512_add_ps(_mm512_mul_ps(_mm512_mul_ps(r, r), q), r), _mm512_set1_ps(1.0F));
  return _mm512_castsi512_ps(
      _mm512_add_epi32(_mm512_castps_si512(e), _mm512_slli_epi32(_mm512_castps_si512(shifted), 23)));
}

/// Unit gradients of sixteen rows. For the squared loss `labels` are read, for the logistic loss `positive`.
template <class Loss>
__m512 unit_gradients(__m512 margins, __mmask16 positive, const float* labels) {
  if constexpr (Loss::kObjective == Objective::kBinaryLogistic) {
    const __m512 sign = _mm512_set1_ps(-0.0F);
    __m512 z = _mm512_xor_ps(margins, sign);
    z = _mm512_mask_mov_ps(z, positive, margins);
    z = _mm512_min_ps(z, _mm512_set1_ps(Loss::kMarginLimit));
    z = _mm512_max_ps(z, _mm512_set1_ps(-Loss::kMarginLimit));
    const __m512 one = _mm512_set1_ps(1.0F);
    const __m512 magnitude = _mm512_div_ps(one, _mm512_add_ps(one, exp_floats(z)));
    return _mm512_mask_xor_ps(magnitude, positive, magnitude, sign);
  } else {
    return _mm512_sub_ps(margins, _mm512_loadu_ps(labels));
  }
}

template <class Loss>
__m512 unit_hessians(__m512 gradients) {
  const __m512 one = _mm512_set1_ps(1.0F);
  if constexpr (Loss::kObjective == Objective::kBinaryLogistic) {
    const __m512 magnitude = _mm512_abs_ps(gradients);
    return _mm512_mul_ps(magnitude, _mm512_sub_ps(one, magnitude));
  } else {
    return one;
  }
}

/// Looks weights up by leaf number: in registers up to 64 leaves, in memory beyond.
struct LeafLookup {
  const float* weights;
  int n_leaves;
  __m512 w0, w1, w2, w3;

  LeafLookup(const float* leaf_weights, int n) : weights(leaf_weights), n_leaves(n) {
    w0 = _mm512_loadu_ps(weights);
    w1 = _mm512_loadu_ps(weights + 16);
    w2 = _mm512_loadu_ps(weights + 32);
    w3 = _mm512_loadu_ps(weights + 48);
  }
  [[nodiscard]] __m512 operator()(__m512i leaves) const {
    if (n_leaves <= 32) return _mm512_permutex2var_ps(w0, leaves, w1);
    if (n_leaves <= 64) {
      const __mmask16 high = _mm512_test_epi32_mask(leaves, _mm512_set1_epi32(32));
      return _mm512_mask_blend_ps(high, _mm512_permutex2var_ps(w0, leaves, w1),
                                  _mm512_permutex2var_ps(w2, leaves, w3));
    }
    return _mm512_i32gather_ps(leaves, weights, 4);
  }
};

__m512i load_leaves(const std::uint8_t* narrow, const std::uint16_t* wide, std::size_t row) {
  if (narrow != nullptr)
    return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(narrow + row)));
  return _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(wide + row)));
}

void add_leaf_weights(const float* leaf_weights, int n_leaves, const std::uint8_t* narrow,
                      const std::uint16_t* wide, float* margins) {
  const LeafLookup lookup(leaf_weights, n_leaves);
  for (std::size_t i = 0; i < kBlockRows; i += 16)
    _mm512_storeu_ps(margins + i,
                     _mm512_add_ps(_mm512_loadu_ps(margins + i), lookup(load_leaves(narrow, wide, i))));
}

float sum_lanes(__m512 lanes) {
  alignas(64) float values[detail::kLanes];
  _mm512_store_ps(values, lanes);
  return detail::add_lanes(values);
}

/// Bits of the rows of a group of sixteen that are inside the table.
__mmask16 inside(std::size_t row, std::size_t n_rows) {
  if (row + 16 <= n_rows) return 0xffff;
  return row >= n_rows ? __mmask16{0} : static_cast<__mmask16>((1U << (n_rows - row)) - 1);
}

/// Which of sixteen rows a draw keeps.
struct LaneDraw {
  __m512 scale;
  __m512i key, certain, products;
  __mmask16 always;

  LaneDraw(const Draw& draw, __m512i rows) {
    scale = _mm512_set1_ps(draw.scale);
    key = _mm512_set1_epi32(static_cast<int>(draw.row_key));
    certain = _mm512_set1_epi32(draw.certain);
    products = _mm512_mullo_epi32(rows, _mm512_set1_epi32(static_cast<int>(kRowMultiplier)));
    always = draw.keeps_certain ? 0xffff : 0;
  }
  void next_rows() {
    products = _mm512_add_epi32(products, _mm512_set1_epi32(static_cast<int>(16 * kRowMultiplier)));
  }
  [[nodiscard]] __mmask16 kept(__m512 a, __mmask16 below) const {
    const __m512i limit = _mm512_mask_cvttps_epi32(certain, below, _mm512_mul_ps(a, scale));
    const __m512i drawn = _mm512_srli_epi32(draws_of_products(products, key), 1);
    return static_cast<__mmask16>(_mm512_cmplt_epi32_mask(drawn, limit) | (always & ~below));
  }
};

/// Appends the kept ones of sixteen rows; returns how many. Compresses in registers and stores whole: the
/// form that compresses to memory is slow on Zen 4.
std::size_t append_kept(const KeptRows& kept, std::size_t at, __mmask16 keep, __m512i rows, __m512 gradient,
                        __m512 hessian) {
  _mm512_storeu_si512(kept.rows + at, _mm512_maskz_compress_epi32(keep, rows));
  _mm512_storeu_ps(kept.gradients + at, _mm512_maskz_compress_ps(keep, gradient));
  _mm512_storeu_ps(kept.hessians + at, _mm512_maskz_compress_ps(keep, hessian));
  return static_cast<std::size_t>(std::popcount(static_cast<unsigned>(keep)));
}

/// Margins of sixteen rows, with the last tree.
__m512 take_tree(const Sweep& sweep, const LeafLookup& lookup, bool has_tree, std::size_t row) {
  __m512 margins = _mm512_loadu_ps(sweep.margins + row);
  if (has_tree) {
    margins = _mm512_add_ps(margins, lookup(load_leaves(sweep.narrow_leaves, sweep.wide_leaves, row)));
    _mm512_storeu_ps(sweep.margins + row, margins);
  }
  return margins;
}

/// Weighted gradients and hessians of sixteen rows.
struct LaneDerivatives {
  __m512 gradient, hessian;
};
template <class Loss, bool kWeighted>
LaneDerivatives weighted(__m512 unit, const float* weights, __mmask16 valid) {
  const __m512 hessian = _mm512_maskz_mov_ps(valid, unit_hessians<Loss>(unit));
  if constexpr (!kWeighted) return {unit, hessian};
  const __m512 w = _mm512_maskz_loadu_ps(valid, weights);
  return {_mm512_mul_ps(unit, w), _mm512_mul_ps(hessian, w)};
}

/// Importances of sixteen rows.
template <class Loss>
__m512 importances(const LaneDerivatives& of, const Draw& draw) {
  const __m512 a = _mm512_abs_ps(of.gradient);
  if constexpr (Loss::kObjective == Objective::kBinaryLogistic) return a;  // there is no floor
  const __m512 floor = _mm512_mul_ps(_mm512_set1_ps(draw.floor), of.hessian);
  return _mm512_max_ps(a, _mm512_min_ps(floor, _mm512_set1_ps(draw.threshold)));
}

/// Appends the kept rows of a block, `kept_bits[i]` those of group i of sixteen, after the gradients are
/// known.
template <class Loss, bool kWeighted>
std::size_t gather_kept(const Sweep& sweep, std::size_t first, const __mmask16* kept_bits,
                        std::uint32_t groups, const KeptRows& kept, SweepSums& sums) {
  const __m512 threshold = _mm512_set1_ps(sweep.draw.threshold), one = _mm512_set1_ps(1.0F);
  __m512 gradients = _mm512_setzero_ps(), hessians = _mm512_setzero_ps();
  std::size_t n = 0;
  for (; groups != 0; groups &= groups - 1) {
    const auto group = static_cast<std::size_t>(std::countr_zero(groups));
    const __mmask16 keep = kept_bits[group];
    const std::size_t row = first + 16 * group;
    const __m512 unit = _mm512_loadu_ps(sweep.gradients + row);
    LaneDerivatives of = weighted<Loss, kWeighted>(unit, sweep.weights + row, inside(row, sweep.n_rows));
    const __m512 a = importances<Loss>(of, sweep.draw);
    const __mmask16 is_below = _mm512_cmp_ps_mask(a, threshold, _CMP_LT_OQ);
    const __m512 times = _mm512_mask_div_ps(one, is_below, threshold, a);
    of.gradient = _mm512_mul_ps(of.gradient, times);
    of.hessian = _mm512_mul_ps(of.hessian, times);
    gradients = _mm512_mask_add_ps(gradients, keep, gradients, _mm512_abs_ps(of.gradient));
    hessians = _mm512_mask_add_ps(hessians, keep, hessians, of.hessian);
    const __m512i rows = _mm512_add_epi32(_mm512_set1_epi32(static_cast<int>(row)), lane_numbers());
    n += append_kept(kept, n, keep, rows, of.gradient, of.hessian);
  }
  sums.kept_gradient = sum_lanes(gradients);
  sums.kept_hessian = sum_lanes(hessians);
  return n;
}

template <class Loss, bool kWeighted>
std::size_t sweep_block(const Sweep& what, std::size_t block, KeptRows kept, SweepSums& sums) {
  constexpr bool kIsLogistic = Loss::kObjective == Objective::kBinaryLogistic;
  const Sweep sweep = what;  // a copy of our own, which vector stores cannot be suspected to change
  const bool has_tree = sweep.narrow_leaves != nullptr || sweep.wide_leaves != nullptr;
  alignas(64) static constexpr float kNoWeights[64] = {};
  const LeafLookup lookup(has_tree ? sweep.leaf_weights : kNoWeights, has_tree ? sweep.n_leaves : 1);
  const __m512 threshold = _mm512_set1_ps(sweep.draw.threshold), zero = _mm512_setzero_ps();
  __m512 squares = zero, below = zero, squares_below = zero, largest_gradient = zero, largest_hessian = zero;
  const std::size_t first = block * kBlockRows;
  LaneDraw draw(sweep.draw, _mm512_add_epi32(_mm512_set1_epi32(static_cast<int>(first)), lane_numbers()));
  // Whether a group of sixteen keeps a row is a coin toss for the branch predictor, so kept rows wait for a
  // second loop over the groups that have some.
  __mmask16 kept_bits[kBlockRows / 16];
  std::uint32_t groups = 0;
  for (std::size_t group = 0; group < kBlockRows / 16; ++group, draw.next_rows()) {
    const std::size_t row = first + 16 * group;
    const __mmask16 valid = inside(row, sweep.n_rows);
    const __m512 margins = take_tree(sweep, lookup, has_tree, row);
    __mmask16 positive = 0;
    if constexpr (kIsLogistic) positive = sweep.label_bits[row / 16];
    const __m512 unit =
        _mm512_maskz_mov_ps(valid, unit_gradients<Loss>(margins, positive, sweep.labels + row));
    _mm512_storeu_ps(sweep.gradients + row, unit);
    const LaneDerivatives of = weighted<Loss, kWeighted>(unit, sweep.weights + row, valid);
    const __m512 a = importances<Loss>(of, sweep.draw);
    largest_gradient = _mm512_max_ps(largest_gradient, _mm512_abs_ps(of.gradient));
    if constexpr (!kIsLogistic) largest_hessian = _mm512_max_ps(largest_hessian, of.hessian);
    const __m512 square = _mm512_mul_ps(a, a);
    squares = _mm512_add_ps(squares, square);
    const __mmask16 is_below = _mm512_cmp_ps_mask(a, threshold, _CMP_LT_OQ);
    below = _mm512_mask_add_ps(below, is_below, below, a);
    squares_below = _mm512_mask_add_ps(squares_below, is_below, squares_below, square);
    const auto keep = static_cast<__mmask16>(draw.kept(a, is_below) & valid);
    kept_bits[group] = keep;
    groups |= (keep != 0 ? 1U : 0U) << group;
  }
  sweep.largest_gradient[block] = _mm512_reduce_max_ps(largest_gradient);
  // The gradient of the log loss bounds its hessian.
  sweep.largest_hessian[block] = _mm512_reduce_max_ps(kIsLogistic ? largest_gradient : largest_hessian);
  sums = {sum_lanes(squares), sum_lanes(below), sum_lanes(squares_below), 0, 0};
  return gather_kept<Loss, kWeighted>(sweep, first, kept_bits, sweep.draws ? groups : 0, kept, sums);
}

/// detail::round_stochastic of sixteen values.
__m512i round_stochastic(__m512 x, float scale, __m512i random16) {
  const __m512 magnitude = _mm512_mul_ps(_mm512_abs_ps(x), _mm512_set1_ps(scale));
  __m512i whole = _mm512_cvttps_epi32(magnitude);
  const __m512 fraction = _mm512_sub_ps(magnitude, _mm512_cvtepi32_ps(whole));
  const __m512 drawn = _mm512_mul_ps(_mm512_cvtepi32_ps(random16), _mm512_set1_ps(0x1p-16F));
  const __mmask16 up = _mm512_cmp_ps_mask(drawn, fraction, _CMP_LT_OQ);
  whole = _mm512_mask_add_epi32(whole, up, whole, _mm512_set1_epi32(1));
  const __mmask16 negative = _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_LT_OQ);
  return _mm512_mask_sub_epi32(whole, negative, _mm512_setzero_si512(), whole);
}

/// Interleaves hessians (low halves) and gradients (high halves) of rows 0 .. 7 and 8 .. 15 to words.
struct WordPair {
  __m512i low, high;
};
WordPair interleave(__m512i gradients, __m512i hessians) {
  const __m512i low = _mm512_set_epi32(23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  const __m512i high = _mm512_set_epi32(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8);
  return {_mm512_permutex2var_epi32(hessians, low, gradients),
          _mm512_permutex2var_epi32(hessians, high, gradients)};
}

Word quantise_rows(const Quantisation& how, const KeptRows& kept, std::size_t n, Word* words) {
  __m512i sum = _mm512_setzero_si512();
  for (std::size_t i = 0; i < n; i += 16) {
    const __mmask16 valid = inside(i, n);
    const __m512i rows = _mm512_maskz_loadu_epi32(valid, kept.rows + i);
    const __m512i random = row_draws(rows, how.rounding_key);
    const __m512i gradients = round_stochastic(_mm512_maskz_loadu_ps(valid, kept.gradients + i),
                                               how.gradient_scale, _mm512_srli_epi32(random, 16));
    const __m512i hessians =
        round_stochastic(_mm512_maskz_loadu_ps(valid, kept.hessians + i), how.hessian_scale,
                         _mm512_and_si512(random, _mm512_set1_epi32(0xffff)));
    const WordPair pair = interleave(gradients, hessians);
    sum = _mm512_add_epi64(sum, _mm512_add_epi64(pair.low, pair.high));
    const auto valid_low = static_cast<__mmask8>(valid), valid_high = static_cast<__mmask8>(valid >> 8);
    if (how.scatter) {
      _mm512_mask_i32scatter_epi64(words, valid_low, _mm512_castsi512_si256(rows), pair.low, 8);
      _mm512_mask_i32scatter_epi64(words, valid_high, _mm512_extracti64x4_epi64(rows, 1), pair.high, 8);
    } else {
      _mm512_mask_storeu_epi64(words + i, valid_low, pair.low);
      _mm512_mask_storeu_epi64(words + i + 8, valid_high, pair.high);
    }
  }
  return _mm512_reduce_add_epi64(sum);
}

/// Scaled and rounded words of a block's rows, for leaf sums.
template <class Loss, bool kWeighted>
void block_words(const LeafSums& sums, std::size_t first, std::size_t n_rows, float gradient_scale,
                 float hessian_scale, Word* words) {
  const __m512 magic = _mm512_set1_ps(12582912.0F);
  const auto rounded = [&](__m512 x, float scale) {
    return _mm512_sub_epi32(
        _mm512_castps_si512(_mm512_add_ps(_mm512_mul_ps(x, _mm512_set1_ps(scale)), magic)),
        _mm512_castps_si512(magic));
  };
  for (std::size_t i = 0; i < kBlockRows; i += 16) {
    const __mmask16 valid = inside(first + i, n_rows);
    __m512 gradient = _mm512_maskz_loadu_ps(valid, sums.gradients + first + i);
    __m512 hessian = _mm512_maskz_mov_ps(valid, unit_hessians<Loss>(gradient));
    if constexpr (kWeighted) {
      const __m512 weights = _mm512_maskz_loadu_ps(valid, sums.weights + first + i);
      gradient = _mm512_mul_ps(gradient, weights);
      hessian = _mm512_mul_ps(hessian, weights);
    }
    const __m512i low_bits = rounded(hessian, hessian_scale);
    const WordPair pair = interleave(rounded(gradient, gradient_scale), low_bits);
    _mm512_store_si512(words + i, pair.low);
    _mm512_store_si512(words + i + 8, pair.high);
  }
}

/// Block sums by leaf, shifted into the 64-bit sums.
template <class Leaf>
void add_words(const Word* words, const Leaf* leaf_of_row, int n_leaves, int gradient_shift,
               int hessian_shift, LeafSum* leaves) {
  if (n_leaves > kNarrowLeaves) {
    for (std::size_t i = 0; i < kBlockRows; ++i) {
      LeafSum& leaf = leaves[leaf_of_row[i]];
      leaf.gradient +=
          static_cast<std::int64_t>(detail::gradient_of(words[i])) * (std::int64_t{1} << gradient_shift);
      leaf.hessian += static_cast<std::int64_t>(detail::hessian_of(words[i])) << hessian_shift;
    }
    return;
  }
  // Copies, so that neighbouring rows of one leaf do not wait for each other.
  constexpr std::size_t kCopies = 8;
  alignas(64) Word copies[kCopies][kNarrowLeaves + 8];
  const std::size_t bytes = static_cast<std::size_t>((n_leaves + 7) & ~7) * sizeof(Word);
  for (auto& copy : copies) std::memset(copy, 0, bytes);
  for (std::size_t i = 0; i < kBlockRows; i += kCopies)
    for (std::size_t j = 0; j < kCopies; ++j) copies[j][leaf_of_row[i + j]] += words[i + j];
  for (int k = 0; k < n_leaves; ++k) {
    Word sum = 0;
    for (const auto& copy : copies) sum += copy[k];
    leaves[k].gradient +=
        static_cast<std::int64_t>(detail::gradient_of(sum)) * (std::int64_t{1} << gradient_shift);
    leaves[k].hessian += static_cast<std::int64_t>(detail::hessian_of(sum)) << hessian_shift;
  }
}

void add_leaf_sums(const LeafSums& sums, std::size_t block, std::size_t n_rows, const std::uint8_t* narrow,
                   const std::uint16_t* wide, LeafSum* leaves) {
  const int gradient_bits = detail::block_exponent(sums.largest_gradient[block], sums.gradient_exponent);
  const int hessian_bits = detail::block_exponent(sums.largest_hessian[block], sums.hessian_exponent);
  const float gradient_scale = detail::exp2_float(gradient_bits);
  const float hessian_scale = detail::exp2_float(hessian_bits);
  const bool logistic = sums.objective == Objective::kBinaryLogistic;
  const bool weighted = sums.weights != nullptr;
  const auto make_words =
      logistic
          ? (weighted ? block_words<detail::LogisticLoss, true> : block_words<detail::LogisticLoss, false>)
          : (weighted ? block_words<detail::SquaredLoss, true> : block_words<detail::SquaredLoss, false>);
  alignas(64) Word words[kBlockRows];
  make_words(sums, block * kBlockRows, n_rows, gradient_scale, hessian_scale, words);
  const int gradient_shift = sums.gradient_exponent - gradient_bits;
  const int hessian_shift = sums.hessian_exponent - hessian_bits;
  if (narrow != nullptr)
    add_words(words, narrow, sums.n_leaves, gradient_shift, hessian_shift, leaves);
  else
    add_words(words, wide, sums.n_leaves, gradient_shift, hessian_shift, leaves);
}
