#include <coppice/detail/math.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

namespace coppice::detail {
namespace {

// Results are compared with the C library's in a wider type, whose own error is far below the bounds here.

static_assert(exp_float(0.0F) == 1.0F);
static_assert(exp_double(0.0) == 1.0);
static_assert(log_double(1.0) == 0.0);

double ulps_from_exp(float x) {
  const double exact = std::exp(static_cast<double>(x));
  const auto nearest = static_cast<float>(exact);
  const float unit = std::nextafter(nearest, std::numeric_limits<float>::infinity()) - nearest;
  return std::abs(exp_float(x) - exact) / unit;
}

TEST(ExpFloat, IsWithinOneUnitInTheLastPlace) {
  double worst = 0;
  const auto last = std::bit_cast<std::uint32_t>(80.0F);
  for (std::uint32_t bits = 0; bits <= last; bits += 1021) {
    const auto x = std::bit_cast<float>(bits);
    worst = std::max({worst, ulps_from_exp(x), ulps_from_exp(-x)});
  }
  RecordProperty("largest_error_in_ulps", std::to_string(worst));
  EXPECT_LE(worst, 0.99);
  EXPECT_GT(worst, 0.5);  // else the sweep looked at nothing
}

TEST(ExpFloat, KeepsItsBits) {
  // Vector twins and models depend on these: a change of any is a change of the model format.
  EXPECT_EQ(std::bit_cast<std::uint32_t>(exp_float(1.0F)), 0x402df854U);
  EXPECT_EQ(std::bit_cast<std::uint32_t>(exp_float(-1.0F)), 0x3ebc5ab2U);
  EXPECT_EQ(std::bit_cast<std::uint32_t>(exp_float(40.0F)), 0x5c51106aU);
  EXPECT_EQ(std::bit_cast<std::uint32_t>(exp_float(-40.0F)), 0x229cbc92U);
  EXPECT_EQ(std::bit_cast<std::uint32_t>(exp_float(0.3F)), 0x3facc82cU);
  EXPECT_EQ(std::bit_cast<std::uint32_t>(exp_float(-5.86112F)), 0x3b3aa660U);
}

double relative_error(double value, long double exact) {
  return static_cast<double>(std::abs((value - exact) / exact));
}

TEST(ExpDouble, HasASmallRelativeError) {
  double worst = 0;
  for (int i = -708'000; i <= 709'000; ++i) {
    const double x = i * 1e-3;
    worst = std::max(worst, relative_error(exp_double(x), std::exp(static_cast<long double>(x))));
  }
  EXPECT_LT(worst, 1e-15);
}

TEST(ExpDouble, RoundsToTheNearestFloat) {
  int different = 0;
  for (int i = -870'000; i <= 870'000; ++i) {
    const auto x = static_cast<float>(i * 1e-4);
    const auto nearest = static_cast<float>(std::exp(static_cast<long double>(x)));
    different += static_cast<float>(exp_double(x)) == nearest ? 0 : 1;
  }
  EXPECT_EQ(different, 0);
}

TEST(LogDouble, HasASmallRelativeError) {
  double worst = 0;
  for (int i = -700'000; i <= 700'000; ++i) {
    const double far = std::exp(i * 1e-3);
    const double near = 1.0 + i * 1e-6;  // where the logarithm vanishes
    if (i == 0) continue;
    worst = std::max({worst, relative_error(log_double(far), std::log(static_cast<long double>(far))),
                      relative_error(log_double(near), std::log(static_cast<long double>(near)))});
  }
  EXPECT_LT(worst, 1e-15);
}

TEST(LogDouble, TakesEveryArgument) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(log_double(0.0), -kInfinity);
  EXPECT_EQ(log_double(-0.0), -kInfinity);
  EXPECT_EQ(log_double(kInfinity), kInfinity);
  EXPECT_TRUE(std::isnan(log_double(-1.0)));
  EXPECT_TRUE(std::isnan(log_double(std::numeric_limits<double>::quiet_NaN())));
  const double smallest = std::numeric_limits<double>::denorm_min();  // 2^-1074
  EXPECT_NEAR(log_double(smallest), -1074 * 0.6931471805599453, 1e-12);
  EXPECT_NEAR(log_double(std::numeric_limits<double>::max()), 1024 * 0.6931471805599453, 1e-12);
}

TEST(Log1pDouble, HasASmallRelativeError) {
  double worst = 0;
  for (int i = 0; i <= 1'000'000; ++i) {
    const double x = std::exp(i * -4e-5);  // 1 down to 4e-18
    worst = std::max(worst, relative_error(log1p_double(x), std::log1p(static_cast<long double>(x))));
  }
  EXPECT_LT(worst, 1e-15);
  EXPECT_EQ(log1p_double(0.0), 0.0);
}

}  // namespace
}  // namespace coppice::detail
