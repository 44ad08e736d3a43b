#include <coppice/nearest_name.h>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace coppice {
namespace {

TEST(NearestName, PrefersFewEdits) {
  const std::vector<std::string> names = {"amount", "hour", "merchant", "account"};
  EXPECT_EQ(nearest_name("amuont", names), "amount");     // neighbours swapped: one edit
  EXPECT_EQ(nearest_name("hours", names), "hour");        // insertion
  EXPECT_EQ(nearest_name("merhant", names), "merchant");  // deletion
  EXPECT_EQ(nearest_name("acciunt", names), "account");   // replacement
  EXPECT_EQ(nearest_name("hour", names), "hour");
  EXPECT_EQ(nearest_name("ampunt", names), "amount");
}

TEST(NearestName, IsEmptyWhenNoneIsNear) {
  const std::vector<std::string> names = {"amount", "hour"};
  EXPECT_EQ(nearest_name("zip_code", names), "");
  EXPECT_EQ(nearest_name("", names), "");
  EXPECT_EQ(nearest_name("amount", {}), "");
}

TEST(NearestName, TakesTheFirstOfEquals) {
  const std::vector<std::string> names = {"cat", "car"};
  EXPECT_EQ(nearest_name("cas", names), "cat");
}

TEST(NearestName, DoesNotLookAtCase) {
  const std::vector<std::string> names = {"Class", "class_id"};
  EXPECT_EQ(nearest_name("CLASS", names), "Class");
}

}  // namespace
}  // namespace coppice
