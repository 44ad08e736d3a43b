// Binning, split search, moving and routing rows with wide compares and compressions.

/// The upper levels of a CutTable in registers.
struct UpperCuts {
  __m512 level[5];  ///< a register each

  explicit UpperCuts(const CutTable& cuts) : level{_mm512_set1_ps(cuts.tree_by_bits[1])} {
    for (int k = 1; k < 5; ++k) level[k] = _mm512_loadu_ps(cuts.tree_by_bits.data() + (1 << k));
  }
};

/// Where sixteen values are in a CutTable, and the comparison that takes them there.
struct LaneSearch {
  __m512 x = {};
  __m512i at = {};

  __mmask16 descend(int level, __m512 cut) {
    const __mmask16 right = _mm512_cmp_ps_mask(x, cut, _CMP_GE_OQ);
    at = _mm512_mask_add_epi32(at, right, at, _mm512_set1_epi32(1 << level));
    return right;
  }
  /// The cuts at the places among 32, of which bits of `at` beyond the fifth say nothing.
  [[nodiscard]] __m512 look_up(const float* cuts) const {
    return _mm512_permutex2var_ps(_mm512_loadu_ps(cuts), at, _mm512_loadu_ps(cuts + 16));
  }
  /// The same among 64; bit5: which places are in the upper half.
  [[nodiscard]] __m512 look_up(const float* cuts, __mmask16 bit5) const {
    return _mm512_mask_mov_ps(look_up(cuts), bit5, look_up(cuts + 32));
  }
};

/// The levels below UpperCuts.
inline void descend_below(const CutTable& cuts, LaneSearch& search) {
  const float* const tree = cuts.tree_by_bits.data();
  if (cuts.n_levels <= 5) return;
  const __mmask16 bit5 = search.descend(5, search.look_up(tree + 32));
  if (cuts.n_levels <= 6) return;
  const __mmask16 bit6 = search.descend(6, search.look_up(tree + 64, bit5));
  if (cuts.n_levels <= 7) return;
  const __m512 low = search.look_up(tree + 128, bit5);
  search.descend(7, _mm512_mask_mov_ps(low, bit6, search.look_up(tree + 192, bit5)));
}

/// Bins of 64 values at `places` of a table of n_levels, 0 where `present` has no bit.
inline __m512i bins_of_places(__m512i places, int n_levels, __mmask64 present) {
  const __m512i nibbles = _mm512_set1_epi8(0x0f);
  const __m512i reversed =  // of four bits
      _mm512_broadcast_i32x4(_mm_setr_epi8(0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15));
  const __m512i low = _mm512_shuffle_epi8(reversed, _mm512_and_si512(places, nibbles));
  const __m512i high = _mm512_shuffle_epi8(reversed, _mm512_and_si512(_mm512_srli_epi16(places, 4), nibbles));
  const __m512i bits = _mm512_or_si512(_mm512_slli_epi16(low, 4), high);
  const __m512i below = _mm512_and_si512(_mm512_srl_epi16(bits, _mm_cvtsi32_si128(8 - n_levels)),
                                         _mm512_set1_epi8(static_cast<char>((1 << n_levels) - 1)));
  return _mm512_maskz_add_epi8(present, below, _mm512_set1_epi8(1));
}

void bin_column(const CutTable& cuts, const float* values, std::size_t n, std::uint8_t* bins) {
  // Four vectors at a time: one waits for its lookup while the others go on.
  constexpr std::size_t kVectors = 4;
  const UpperCuts upper(cuts);
  for (std::size_t i = 0; i < kBlockRows; i += 16 * kVectors) {
    LaneSearch search[kVectors];
    __mmask64 present = 0;
    for (std::size_t v = 0; v < kVectors; ++v) {
      const __mmask16 valid = inside(i + 16 * v, n);
      search[v].x = _mm512_maskz_loadu_ps(valid, values + i + 16 * v);
      const __mmask16 is_number = _mm512_mask_cmp_ps_mask(valid, search[v].x, search[v].x, _CMP_ORD_Q);
      present |= static_cast<__mmask64>(is_number) << (16 * v);
      // The column's next block: its turn comes after all other columns'.
      __builtin_prefetch(values + kBlockRows + i + 16 * v);
    }
    for (int level = 0; level < std::min(cuts.n_levels, 5); ++level)
      for (LaneSearch& lanes : search)
        lanes.descend(level, _mm512_permutexvar_ps(lanes.at, upper.level[level]));
    for (LaneSearch& lanes : search) descend_below(cuts, lanes);
    __m512i places = _mm512_castsi128_si512(_mm512_cvtepi32_epi8(search[0].at));
    places = _mm512_inserti32x4(places, _mm512_cvtepi32_epi8(search[1].at), 1);
    places = _mm512_inserti32x4(places, _mm512_cvtepi32_epi8(search[2].at), 2);
    places = _mm512_inserti32x4(places, _mm512_cvtepi32_epi8(search[3].at), 3);
    _mm512_storeu_si512(bins + i, bins_of_places(places, cuts.n_levels, present));
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
  __m512d bar;  ///< a little less: below it no candidate is better, however it is rounded
  __m512i key, left;
  __mmask8 found = 0;  ///< lanes that have a candidate

  /// Candidates up to `least` are not looked at.
  explicit LaneBest(double least)
      : score(_mm512_set1_pd(least)), key(_mm512_setzero_si512()), left(_mm512_setzero_si512()) {
    set_bar();
  }
  void set_bar() { bar = _mm512_mul_pd(score, _mm512_set1_pd(1 - 0x1p-40)); }
};

/// What split_score needs, in all lanes. Gradients and hessians stay in the units of the words, which are
/// powers of two: every step is that of split_score times such a power, and rounded alike.
struct LaneRule {
  __m512d total_gradient, total_hessian, lambda, alpha, min_hessian;
  double score_unit;

  LaneRule(const SplitRule& rule, Word total)
      : total_gradient(_mm512_set1_pd(static_cast<double>(detail::gradient_of(total)))),
        total_hessian(_mm512_set1_pd(static_cast<double>(detail::hessian_of(total)))),
        lambda(_mm512_set1_pd(rule.reg_lambda / rule.hessian_unit)),
        alpha(_mm512_set1_pd(rule.reg_alpha / rule.gradient_unit)),
        min_hessian(_mm512_set1_pd(rule.min_hessian / rule.hessian_unit)),
        score_unit(rule.gradient_unit * rule.gradient_unit / rule.hessian_unit) {}
};

/// Square of a gradient sum that the L1 penalty has moved towards 0.
template <bool kHasAlpha>
__m512d shrunk_square(__m512d gradient, __m512d alpha) {
  if constexpr (!kHasAlpha) return _mm512_mul_pd(gradient, gradient);
  const __m512d rest = _mm512_max_pd(_mm512_sub_pd(_mm512_abs_pd(gradient), alpha), _mm512_setzero_pd());
  return _mm512_mul_pd(rest, rest);
}

/// Offers candidates whose left sums are `left` to the lanes in `lanes`.
template <bool kHasAlpha>
void offer(const LaneRule& rule, __m512i left, __m512i key, __mmask8 lanes, LaneBest& best) {
  const __m512d gl = _mm512_cvtepi64_pd(_mm512_srai_epi64(left, 32));
  const __m512d hl = _mm512_cvtepi64_pd(_mm512_and_si512(left, _mm512_set1_epi64(0xffffffffLL)));
  const __m512d gr = _mm512_sub_pd(rule.total_gradient, gl);
  const __m512d hr = _mm512_sub_pd(rule.total_hessian, hl);
  lanes = _mm512_mask_cmp_pd_mask(lanes, hl, rule.min_hessian, _CMP_GE_OQ);
  lanes = _mm512_mask_cmp_pd_mask(lanes, hr, rule.min_hessian, _CMP_GE_OQ);
  if (lanes == 0) return;
  const __m512d dl = _mm512_add_pd(hl, rule.lambda);
  const __m512d dr = _mm512_add_pd(hr, rule.lambda);
  const __m512d sum = _mm512_add_pd(_mm512_mul_pd(shrunk_square<kHasAlpha>(gl, rule.alpha), dr),
                                    _mm512_mul_pd(shrunk_square<kHasAlpha>(gr, rule.alpha), dl));
  const __m512d product = _mm512_mul_pd(dl, dr);
  // Few candidates beat what was found before, and a division takes as long as all the rest.
  lanes = _mm512_mask_cmp_pd_mask(lanes, sum, _mm512_mul_pd(best.bar, product), _CMP_NLT_UQ);
  if (lanes == 0) return;
  const __m512d score = _mm512_div_pd(sum, product);
  // Keys rise within a lane, so a strict comparison keeps the first of equals.
  lanes = _mm512_mask_cmp_pd_mask(lanes, score, best.score, _CMP_GT_OQ);
  best.found = static_cast<__mmask8>(best.found | lanes);
  best.score = _mm512_mask_mov_pd(best.score, lanes, score);
  best.set_bar();
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

void take_best_lane(const LaneBest& lanes, double score_unit, Split& best) {
  if (lanes.found == 0) return;
  alignas(64) double scores[8];
  alignas(64) std::int64_t keys[8];
  alignas(64) Word lefts[8];
  _mm512_store_pd(scores, lanes.score);
  _mm512_store_si512(keys, lanes.key);
  _mm512_store_si512(lefts, lanes.left);
  for (int i = 0; i < 8; ++i) {
    const auto key = static_cast<std::uint32_t>(keys[i]);
    const double score = scores[i] * score_unit;
    if ((lanes.found >> i & 1) == 0 || !detail::is_better(score, key, best)) continue;
    best.score = score;
    best.key = key;
    best.left = lefts[i];
    best.is_categorical = false;
  }
}

template <bool kHasAlpha>
void find_numeric(std::uint32_t feature, const Word* bins, int n_bins, const LaneRule& rule, Split& best) {
  const std::uint32_t first_key = detail::split_key(feature, 0, 0);
  // Of equal scores the lower key wins: against features before this one, only a higher score.
  LaneBest lanes(best.key < first_key ? best.score / rule.score_unit : -1);
  const Word missing = bins[0];
  const __m512i missing_words = _mm512_set1_epi64(missing);
  const __m512i first = _mm512_set1_epi64(first_key);
  if (missing != 0) offer<kHasAlpha>(rule, missing_words, first, 1, lanes);
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
    offer<kHasAlpha>(rule, _mm512_add_epi64(left, missing_words), key, valid, lanes);
    if (missing != 0) offer<kHasAlpha>(rule, left, _mm512_or_si512(key, _mm512_set1_epi64(1)), valid, lanes);
  }
  take_best_lane(lanes, rule.score_unit, best);
}

void find_numeric(std::uint32_t feature, const Word* bins, int n_bins, Word total, const SplitRule& rule,
                  Split& best) {
  const LaneRule lane_rule(rule, total);
  if (rule.reg_alpha > 0)
    find_numeric<true>(feature, bins, n_bins, lane_rule, best);
  else
    find_numeric<false>(feature, bins, n_bins, lane_rule, best);
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
