#include <coppice/io/time_text.h>
#include <gmock/gmock.h>

#include <string>

namespace coppice::io {
namespace {

void expect_time(const std::string& text, TimeScale scale, double value) {
  const auto time = parse_time(text);
  ASSERT_TRUE(time) << text;
  EXPECT_EQ(time->scale, scale) << text;
  EXPECT_EQ(time->value, value) << text;
}

TEST(TimeText, Numbers) {
  expect_time("0", TimeScale::kNumber, 0);
  expect_time("-1.5e3", TimeScale::kNumber, -1500);
  expect_time("1764003600", TimeScale::kNumber, 1764003600);
  expect_time("20261124100000", TimeScale::kNumber, 20261124100000.0);
}

TEST(TimeText, Dates) {
  expect_time("1970-01-01", TimeScale::kDate, 0);
  expect_time("1970-01-02 00:00:01", TimeScale::kDate, 86401);
  expect_time("1969-12-31T23:59:59", TimeScale::kDate, -1);
  expect_time("2026-11-24 10:00:00", TimeScale::kDate, 1795514400);  // date -u -d ... +%s
  expect_time("2024-02-29", TimeScale::kDate, 1709164800);
}

TEST(TimeText, EverythingElseIsRefused) {
  for (const char* text : {"",
                           "x",
                           "inf",
                           "nan",
                           "1e999",
                           "0x10",
                           "1,5",
                           "2026-11-24 ",
                           "2026-11",
                           "2026-13-01",
                           "2026-00-10",
                           "2026-02-29",
                           "2026-04-31",
                           "0000-01-01",
                           "26-11-24",
                           "2026/11/24",
                           "24.11.2026",
                           "2026-11-24 10:00",
                           "2026-11-24 24:00:00",
                           "2026-11-24 10:60:00",
                           "2026-11-24 10:00:60",
                           "2026-11-24T10:00:00Z",
                           "2026-11-24 10:00:00.5",
                           "2026-11-24  10:00:00",
                           "2026-11-24t10:00:00",
                           "2026-1-4",
                           "-2026-11-24"}) {
    EXPECT_FALSE(parse_time(text)) << text;
  }
}

TEST(TimeText, Lengths) {
  using ::testing::Optional;
  EXPECT_THAT(parse_time_length("7", TimeScale::kNumber), Optional(7));
  EXPECT_THAT(parse_time_length("0", TimeScale::kDate), Optional(0));
  EXPECT_THAT(parse_time_length("90s", TimeScale::kDate), Optional(90));
  EXPECT_THAT(parse_time_length("2m", TimeScale::kDate), Optional(120));
  EXPECT_THAT(parse_time_length("1.5h", TimeScale::kDate), Optional(5400));
  EXPECT_THAT(parse_time_length("7d", TimeScale::kDate), Optional(604800));
  for (const char* text : {"", "-1", "7d", "nan", "inf"}) {
    EXPECT_FALSE(parse_time_length(text, TimeScale::kNumber)) << text;
  }
  for (const char* text : {"", "7", "d", "-1d", "7w", "7 d", "1e308d", "infd"}) {
    EXPECT_FALSE(parse_time_length(text, TimeScale::kDate)) << text;
  }
}

}  // namespace
}  // namespace coppice::io
