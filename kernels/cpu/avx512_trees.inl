// Binning, split search, moving and routing rows with wide compares and compressions.

void bin_column(const CutTable& cuts, const float* values, std::size_t n, std::uint8_t* bins) {
  // Four vectors at a time: one waits for its lookup while the others go on.
  constexpr std::size_t kVectors = 4;
  __m512 tree[16];
  for (int i = 0; i < 16; ++i) tree[i] = _mm512_loadu_ps(cuts.tree.data() + 16 * i);
  const __m512i one = _mm512_set1_epi32(1);
  const __m512i before_leaves = _mm512_set1_epi32((1 << cuts.n_levels) - 1);
  const auto look_up = [&](__m512i at, int from, int n_registers) {
    if (n_registers == 2) return _mm512_permutex2var_ps(tree[from], at, tree[from + 1]);
    __m512 found = _mm512_permutex2var_ps(tree[from], at, tree[from + 1]);
    const __mmask16 bit5 = _mm512_test_epi32_mask(at, _mm512_set1_epi32(32));
    found = _mm512_mask_mov_ps(found, bit5, _mm512_permutex2var_ps(tree[from + 2], at, tree[from + 3]));
    if (n_registers == 4) return found;
    __m512 high = _mm512_permutex2var_ps(tree[from + 4], at, tree[from + 5]);
    high = _mm512_mask_mov_ps(high, bit5, _mm512_permutex2var_ps(tree[from + 6], at, tree[from + 7]));
    return _mm512_mask_mov_ps(found, _mm512_test_epi32_mask(at, _mm512_set1_epi32(64)), high);
  };
  const auto descend = [&](__m512 x, __m512i at, __m512 cut) {
    const __mmask16 right = _mm512_cmp_ps_mask(x, cut, _CMP_GE_OQ);
    at = _mm512_add_epi32(at, at);
    return _mm512_mask_add_epi32(at, right, at, one);
  };
  for (std::size_t i = 0; i < kBlockRows; i += 16 * kVectors) {
    __m512 x[kVectors];
    __m512i at[kVectors];
    const auto descend_all = [&](int from, int n_registers) {
      for (std::size_t v = 0; v < kVectors; ++v)
        at[v] = descend(x[v], at[v], look_up(at[v], from, n_registers));
    };
    for (std::size_t v = 0; v < kVectors; ++v) {
      x[v] = _mm512_maskz_loadu_ps(inside(i + 16 * v, n), values + i + 16 * v);
      at[v] = one;
      // The column's next block: its turn comes after all other columns'.
      __builtin_prefetch(values + kBlockRows + i + 16 * v);
    }
    for (int level = 0; level < std::min(cuts.n_levels, 5); ++level) descend_all(0, 2);
    if (cuts.n_levels > 5) descend_all(2, 2);
    if (cuts.n_levels > 6) descend_all(4, 4);
    if (cuts.n_levels > 7) descend_all(8, 8);
    for (std::size_t v = 0; v < kVectors; ++v) {
      const __mmask16 present = _mm512_mask_cmp_ps_mask(inside(i + 16 * v, n), x[v], x[v], _CMP_ORD_Q);
      const __m512i bin = _mm512_maskz_sub_epi32(present, at[v], before_leaves);
      _mm_storeu_si128(reinterpret_cast<__m128i*>(bins + i + 16 * v), _mm512_cvtepi32_epi8(bin));
    }
  }
}

void subtract(Word* parent, const Word* child, std::size_t n) {
  for (std::size_t i = 0; i < n; i += 8)
    _mm512_storeu_si512(parent + i,
                        _mm512_sub_epi64(_mm512_loadu_si512(parent + i), _mm512_loadu_si512(child + i)));
}

/// Eight candidates at a time, the best of each lane so far.
struct LaneBest {
  __m512d score;
  __m512i key, left;
  __mmask8 found = 0;  ///< lanes that have a candidate

  /// Candidates up to `least` are not looked at.
  explicit LaneBest(double least)
      : score(_mm512_set1_pd(least)), key(_mm512_setzero_si512()), left(_mm512_setzero_si512()) {}
};

/// What split_score needs, in all lanes.
struct LaneRule {
  __m512d gradient_unit, hessian_unit, total_gradient, total_hessian, lambda, alpha, min_hessian;
};

/// Offers candidates whose left sums are `left` to the lanes in `lanes`.
void offer(const LaneRule& rule, __m512i left, __m512i key, __mmask8 lanes, LaneBest& best) {
  const __m512d zero = _mm512_setzero_pd();
  const __m512d gl = _mm512_mul_pd(_mm512_cvtepi64_pd(_mm512_srai_epi64(left, 32)), rule.gradient_unit);
  const __m512d hl = _mm512_mul_pd(
      _mm512_cvtepi64_pd(_mm512_and_si512(left, _mm512_set1_epi64(0xffffffffLL))), rule.hessian_unit);
  const __m512d gr = _mm512_sub_pd(rule.total_gradient, gl);
  const __m512d hr = _mm512_sub_pd(rule.total_hessian, hl);
  lanes = _mm512_mask_cmp_pd_mask(lanes, hl, rule.min_hessian, _CMP_GE_OQ);
  lanes = _mm512_mask_cmp_pd_mask(lanes, hr, rule.min_hessian, _CMP_GE_OQ);
  if (lanes == 0) return;
  const __m512d tl = _mm512_max_pd(_mm512_sub_pd(_mm512_abs_pd(gl), rule.alpha), zero);
  const __m512d tr = _mm512_max_pd(_mm512_sub_pd(_mm512_abs_pd(gr), rule.alpha), zero);
  const __m512d dl = _mm512_add_pd(hl, rule.lambda);
  const __m512d dr = _mm512_add_pd(hr, rule.lambda);
  const __m512d sum =
      _mm512_add_pd(_mm512_mul_pd(_mm512_mul_pd(tl, tl), dr), _mm512_mul_pd(_mm512_mul_pd(tr, tr), dl));
  const __m512d product = _mm512_mul_pd(dl, dr);
  // Few candidates beat what was found before, and a division takes as long as all the rest: roundings are
  // far smaller than the slack, so none that would win is left out.
  const __m512d slack = _mm512_set1_pd(1 + 0x1p-40);
  lanes = _mm512_mask_cmp_pd_mask(lanes, _mm512_mul_pd(sum, slack), _mm512_mul_pd(best.score, product),
                                  _CMP_NLT_UQ);
  if (lanes == 0) return;
  const __m512d score = _mm512_div_pd(sum, product);
  // Keys rise within a lane, so a strict comparison keeps the first of equals.
  lanes = _mm512_mask_cmp_pd_mask(lanes, score, best.score, _CMP_GT_OQ);
  best.found = static_cast<__mmask8>(best.found | lanes);
  best.score = _mm512_mask_mov_pd(best.score, lanes, score);
  best.key = _mm512_mask_mov_epi64(best.key, lanes, key);
  best.left = _mm512_mask_mov_epi64(best.left, lanes, left);
}

/// Running sums of eight words on top of `carry`.
__m512i prefix_sums(__m512i words, __m512i carry) {
  const __m512i zero = _mm512_setzero_si512();
  words = _mm512_add_epi64(words, _mm512_alignr_epi64(words, zero, 7));
  words = _mm512_add_epi64(words, _mm512_alignr_epi64(words, zero, 6));
  words = _mm512_add_epi64(words, _mm512_alignr_epi64(words, zero, 4));
  return _mm512_add_epi64(words, carry);
}

void take_best_lane(const LaneBest& lanes, Split& best) {
  if (lanes.found == 0) return;
  alignas(64) double scores[8];
  alignas(64) std::int64_t keys[8];
  alignas(64) Word lefts[8];
  _mm512_store_pd(scores, lanes.score);
  _mm512_store_si512(keys, lanes.key);
  _mm512_store_si512(lefts, lanes.left);
  for (int i = 0; i < 8; ++i) {
    const auto key = static_cast<std::uint32_t>(keys[i]);
    if ((lanes.found >> i & 1) == 0 || !detail::is_better(scores[i], key, best)) continue;
    best.score = scores[i];
    best.key = key;
    best.left = lefts[i];
    best.is_categorical = false;
  }
}

void find_numeric(std::uint32_t feature, const Word* bins, int n_bins, Word total, const SplitRule& rule,
                  Split& best) {
  LaneRule lane_rule;
  lane_rule.gradient_unit = _mm512_set1_pd(rule.gradient_unit);
  lane_rule.hessian_unit = _mm512_set1_pd(rule.hessian_unit);
  lane_rule.total_gradient =
      _mm512_set1_pd(static_cast<double>(detail::gradient_of(total)) * rule.gradient_unit);
  lane_rule.total_hessian =
      _mm512_set1_pd(static_cast<double>(detail::hessian_of(total)) * rule.hessian_unit);
  lane_rule.lambda = _mm512_set1_pd(rule.reg_lambda);
  lane_rule.alpha = _mm512_set1_pd(rule.reg_alpha);
  lane_rule.min_hessian = _mm512_set1_pd(rule.min_hessian);
  const std::uint32_t first_key = detail::split_key(feature, 0, 0);
  // Of equal scores the lower key wins: against features before this one, only a higher score.
  LaneBest lanes(best.key < first_key ? best.score : -1);
  const Word missing = bins[0];
  const __m512i missing_words = _mm512_set1_epi64(missing);
  const __m512i first = _mm512_set1_epi64(first_key);
  if (missing != 0) offer(lane_rule, missing_words, first, 1, lanes);
  const int n_candidates = n_bins - 2;
  __m512i carry = _mm512_setzero_si512();
  // Bins 1 .. 8, 9 .. 16, ...; a key is bin << 1 | side.
  __m512i key = _mm512_add_epi64(first, _mm512_set_epi64(16, 14, 12, 10, 8, 6, 4, 2));
  for (int i = 0; i < n_candidates; i += 8, key = _mm512_add_epi64(key, _mm512_set1_epi64(16))) {
    const __m512i words = _mm512_loadu_si512(bins + 1 + i);
    // Eight empty bins repeat the last candidate, with higher keys.
    if (_mm512_test_epi64_mask(words, words) == 0) continue;
    const __m512i left = prefix_sums(words, carry);
    carry = _mm512_permutexvar_epi64(_mm512_set1_epi64(7), left);
    const int rest = n_candidates - i;
    const auto valid = static_cast<__mmask8>(rest >= 8 ? 0xff : (1 << rest) - 1);
    offer(lane_rule, _mm512_add_epi64(left, missing_words), key, valid, lanes);
    if (missing != 0) offer(lane_rule, left, _mm512_or_si512(key, _mm512_set1_epi64(1)), valid, lanes);
  }
  take_best_lane(lanes, best);
}

/// Does each of sixteen bins go right by a split?
struct LaneSplit {
  bool is_categorical;
  __m512i shift, bin;
  alignas(64) std::int32_t right_words[8];  ///< the bin set in 32-bit words

  explicit LaneSplit(const Split& split) : is_categorical(split.is_categorical) {
    const int wraps = !split.is_categorical && split.missing_right() ? 1 : 0;
    shift = _mm512_set1_epi32(wraps);
    bin = _mm512_set1_epi32(split.bin() - wraps);
    std::memcpy(right_words, split.right_bins.data(), sizeof right_words);
  }
  [[nodiscard]] __mmask16 right(__m512i bins) const {
    if (!is_categorical) {
      const __m512i wrapped = _mm512_and_si512(_mm512_sub_epi32(bins, shift), _mm512_set1_epi32(255));
      return _mm512_cmpgt_epi32_mask(wrapped, bin);
    }
    const __m512i words = _mm512_permutexvar_epi32(
        _mm512_srli_epi32(bins, 5),
        _mm512_castsi256_si512(_mm256_load_si256(reinterpret_cast<const __m256i*>(right_words))));
    const __m512i bits = _mm512_srlv_epi32(words, _mm512_and_si512(bins, _mm512_set1_epi32(31)));
    return _mm512_test_epi32_mask(bits, _mm512_set1_epi32(1));
  }
};

/// The bins of sixteen slots, of which `valid` are asked for, and what it takes to find them.
class SlotBins {
 public:
  explicit SlotBins(const BinSource& source)
      : source_(source),
        block_stride_(_mm512_set1_epi32(static_cast<int>(source.block_stride))),
        row_stride_(_mm512_set1_epi32(static_cast<int>(source.row_stride))) {}

  [[nodiscard]] __m512i operator()(__m512i slot, __mmask16 valid) const {
    // A gather takes longer than all the rest, and the rows of a large node lie close together.
    if (source_.row_stride == 1) {
      const auto first = static_cast<std::uint32_t>(_mm512_cvtsi512_si32(slot));
      const std::size_t block = first / kBlockRows, row = std::min(first % kBlockRows, kBlockRows - kNear);
      const __m512i ahead =
          _mm512_sub_epi32(slot, _mm512_set1_epi32(static_cast<int>(block * kBlockRows + row)));
      if (_mm512_mask_cmplt_epu32_mask(valid, ahead, _mm512_set1_epi32(kNear)) == valid) {
        const std::uint8_t* bins = source_.base + block * source_.block_stride + row;
        const __m512i at = _mm512_castsi128_si512(_mm512_cvtepi32_epi8(ahead));
        const __m512i near =
            _mm512_permutex2var_epi8(_mm512_loadu_si512(bins), at, _mm512_loadu_si512(bins + 64));
        return _mm512_cvtepu8_epi32(_mm512_castsi512_si128(near));
      }
    }
    return _mm512_and_si512(
        _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), valid, offsets(slot), source_.base, 1),
        _mm512_set1_epi32(255));
  }

  /// Fetches what will be asked for of slots[0 .. 15], where they lie apart.
  void fetch(const std::uint32_t* slots) const {
    if (slots[15] - slots[0] < kNear) return;
    alignas(64) std::uint32_t at[16];
    _mm512_store_si512(at, offsets(_mm512_loadu_si512(slots)));
    for (const std::uint32_t offset : at) __builtin_prefetch(source_.base + offset);
  }

 private:
  [[nodiscard]] __m512i offsets(__m512i slot) const {
    const __m512i block = _mm512_srli_epi32(slot, std::countr_zero(kBlockRows));
    const __m512i row = _mm512_and_si512(slot, _mm512_set1_epi32(static_cast<int>(kBlockRows) - 1));
    return _mm512_add_epi32(_mm512_mullo_epi32(block, block_stride_), _mm512_mullo_epi32(row, row_stride_));
  }

  static constexpr std::size_t kNear = 128;  ///< rows whose bins two registers hold

  BinSource source_;
  __m512i block_stride_, row_stride_;
};

std::size_t part_slots(const BinSource& source, const Split& split, const std::uint32_t* slots,
                       std::uint32_t first_slot, std::size_t n, std::uint32_t* left, std::uint32_t* right) {
  if (!source.is_small) return scalar_kernels().part_slots(source, split, slots, first_slot, n, left, right);
  const LaneSplit lane_split(split);
  const SlotBins bins_of(source);
  constexpr std::size_t kAhead = 64;  // slots; a gather alone keeps too few lines on their way
  std::size_t n_left = 0, n_right = 0;
  for (std::size_t i = 0; i < n; i += 16) {
    const __mmask16 valid = inside(i, n);
    const __m512i slot =
        slots != nullptr
            ? _mm512_maskz_loadu_epi32(valid, slots + i)
            : _mm512_add_epi32(_mm512_set1_epi32(static_cast<int>(first_slot + i)), lane_numbers());
    if (slots != nullptr && i + kAhead + 16 <= n) bins_of.fetch(slots + i + kAhead);
    const auto to_right = static_cast<__mmask16>(lane_split.right(bins_of(slot, valid)) & valid);
    const auto to_left = static_cast<__mmask16>(valid & ~to_right);
    _mm512_storeu_si512(left + n_left, _mm512_maskz_compress_epi32(to_left, slot));
    _mm512_storeu_si512(right + n_right, _mm512_maskz_compress_epi32(to_right, slot));
    n_left += static_cast<std::size_t>(std::popcount(static_cast<unsigned>(to_left)));
    n_right += static_cast<std::size_t>(std::popcount(static_cast<unsigned>(to_right)));
  }
  return n_left;
}

/// Bins or leaf numbers of as many rows as a register holds.
using RowBytes [[gnu::vector_size(64)]] = std::uint8_t;

/// found[i] = set[bins[i]] for the rows of a register.
void look_up(const std::uint8_t* set, const std::uint8_t* bins, std::uint8_t* found) {
  const __m512i at = _mm512_loadu_si512(bins);
  const __m512i low = _mm512_permutex2var_epi8(_mm512_loadu_si512(set), at, _mm512_loadu_si512(set + 64));
  const __m512i high =
      _mm512_permutex2var_epi8(_mm512_loadu_si512(set + 128), at, _mm512_loadu_si512(set + 192));
  _mm512_storeu_si512(found, _mm512_mask_mov_epi8(low, _mm512_movepi8_mask(at), high));
}
