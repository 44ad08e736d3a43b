// Cards by days, and what an investigator makes of them.
#include <coppice/detail/card_days.h>
#include <gmock/gmock.h>

#include <cmath>
#include <cstdint>
#include <vector>

namespace coppice::detail {
namespace {

using Floats = std::vector<float>;
using Numbers = std::vector<std::uint32_t>;
using ::testing::ElementsAre;

/// Rows of days 5 and 2 in any order; card 7 has two rows on day 5, its third has no weight.
struct Rows {
  Floats labels = {0, 1, 0, 1, 0, 1};
  Floats weights = {1, 2, 0.5, 1, 3, 0};
  Numbers groups = {7, 7, 1, 4, 4, 7};
  Numbers days = {5, 5, 5, 2, 5, 2};
  [[nodiscard]] EvaluationColumns columns() const {
    return {.labels = labels, .weights = weights, .groups = groups, .days = days};
  }
};

TEST(CardDays, AreInOrder) {
  const Rows rows;
  const CardDays days = card_days(rows.columns());
  EXPECT_EQ(days.n_days(), 2U);
  EXPECT_THAT(days.begins, ElementsAre(0, 1, 4));
  EXPECT_THAT(days.rows, ElementsAre(3, 2, 4, 0, 1));
  Numbers groups, numbers;
  for (const CardOfDay& card : days.cards) {
    groups.push_back(card.group);
    numbers.push_back(card.day);
  }
  EXPECT_THAT(groups, ElementsAre(4, 1, 4, 7));
  EXPECT_THAT(numbers, ElementsAre(0, 1, 1, 1));
  const CardOfDay& card = days.cards[3];
  EXPECT_EQ(card.begin, 3U);
  EXPECT_EQ(card.end, 5U);
  EXPECT_EQ(card.weight, 2);
  EXPECT_TRUE(card.is_positive);
  EXPECT_FALSE(days.cards[2].is_positive);
}

TEST(CardDays, OfNoRows) {
  const Rows rows;
  const Floats nothing(6, 0);
  EXPECT_EQ(card_days({}).n_days(), 0U);
  EvaluationColumns columns = rows.columns();
  columns.weights = nothing;
  EXPECT_EQ(card_days(columns).n_days(), 0U);
  EXPECT_EQ(end_of_numbers({}), 0U);
  EXPECT_EQ(end_of_numbers(rows.groups), 8U);
}

TEST(CardDays, ACardScoresAsItsBestRow) {
  const Numbers rows = {2, 0};
  const CardOfDay card{.begin = 0, .end = 2};
  const Floats high = {-0.0F, 9, -3}, low = {-1, 9, -3};
  EXPECT_EQ(falling_key(card, rows.data(), high.data()), ~sort_key(0));
  EXPECT_LT(falling_key(card, rows.data(), high.data()), falling_key(card, rows.data(), low.data()));
}

TEST(Investigation, TakesAPartOfTheLastCard) {
  Investigation today;
  today.take(2, false, 3.5);
  today.take(1, true, 3.5);
  today.take(0, true, 3.5);
  EXPECT_EQ(today.taken, 3);
  EXPECT_EQ(today.found, 1);
  today.take(2, true, 3.5);
  EXPECT_EQ(today.taken, 3.5);
  EXPECT_EQ(today.found, 1.5);
  EXPECT_EQ(mean_of_days(1.5, 2), 0.75);
  EXPECT_TRUE(std::isnan(mean_of_days(0, 0)));
}

}  // namespace
}  // namespace coppice::detail
