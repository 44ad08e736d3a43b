#include <coppice/error.h>
#include <coppice/io/libsvm.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

namespace coppice::io {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

LibsvmRows rows_of(std::string_view text, LibsvmLabels labels = LibsvmLabels::kRequired) {
  LibsvmRows rows;
  append_libsvm(text, "train.txt", labels, rows);
  return rows;
}

std::string refusal(std::string_view text, LibsvmLabels labels = LibsvmLabels::kRequired) {
  try {
    (void)rows_of(text, labels);
  } catch (const Error& error) {
    return error.what();
  }
  return "read";
}

TEST(Libsvm, RowsOfATrainingFile) {
  const LibsvmRows rows = rows_of("1 1:0.5 7:-2e3\r\n\n# a comment\n0\n+1\t3:nan  2:.25 # 9:9");
  EXPECT_THAT(rows.labels, ElementsAre(1, 0, 1));
  EXPECT_TRUE(rows.weights.empty());
  EXPECT_THAT(rows.offsets, ElementsAre(0, 2, 2, 4));
  EXPECT_THAT(rows.indices, ElementsAre(1, 7, 3, 2));
  EXPECT_EQ(rows.values[1], -2000);
  EXPECT_TRUE(std::isnan(rows.values[2]));
  EXPECT_EQ(rows.values[3], 0.25F);
  EXPECT_EQ(rows.n_rows(), 3U);
  EXPECT_EQ(rows.first_index(), 1U);
  EXPECT_EQ(rows.n_features(), 7U);
}

TEST(Libsvm, WeightsFromTheRowThatHasOne) {
  EXPECT_THAT(rows_of("1 1:1\n0:2.5 1:1\n1 1:1\n").weights, ElementsAre(1, 2.5F, 1));
}

TEST(Libsvm, RowsToScore) {
  const LibsvmRows rows = rows_of("0:1 2:3\n1 1:4\n", LibsvmLabels::kOptional);
  EXPECT_TRUE(std::isnan(rows.labels[0]));
  EXPECT_EQ(rows.labels[1], 1);
  EXPECT_EQ(rows.first_index(), 0U);
  EXPECT_EQ(rows.n_features(), 3U);
}

TEST(Libsvm, AppendsAndClears) {
  LibsvmRows rows;
  append_libsvm("1 4:1\n", "a", LibsvmLabels::kRequired, rows);
  append_libsvm("0 0:1\n", "b", LibsvmLabels::kRequired, rows);
  EXPECT_EQ(rows.n_rows(), 2U);
  EXPECT_EQ(rows.first_index(), 0U);
  EXPECT_EQ(rows.n_features(), 5U);
  rows.clear();
  EXPECT_EQ(rows.n_rows(), 0U);
  EXPECT_EQ(rows.n_features(), 0U);
}

TEST(Libsvm, Errors) {
  EXPECT_EQ(refusal("1 1:1\n1 1:1 qid:7\n"),
            "[io.libsvm.syntax] train.txt:2: \"qid:7\" is not index:value, as 3:0.25");
  EXPECT_THAT(refusal("1 -1:1\n"), HasSubstr("[io.libsvm.syntax]"));
  EXPECT_THAT(refusal("1 :1\n"), HasSubstr("[io.libsvm.syntax]"));
  EXPECT_THAT(refusal("1 5\n"), HasSubstr("[io.libsvm.syntax]"));
  EXPECT_EQ(refusal("1 1:\n"), "[io.libsvm.value] train.txt:1: the value in \"1:\" is not a number");
  EXPECT_EQ(refusal("yes 1:2\n"), "[io.libsvm.value] train.txt:1: the label in \"yes\" is not a number");
  EXPECT_THAT(refusal("nan 1:2\n"), HasSubstr("the label in \"nan\" is not a number"));
  EXPECT_THAT(refusal("1 1:1e39\n"), HasSubstr("the value in \"1:1e39\" is infinite as a 32-bit float"));
  EXPECT_THAT(refusal("1 1:inf\n"), HasSubstr("infinite"));
  EXPECT_EQ(refusal("1:-2 1:2\n"), "[io.libsvm.weight] train.txt:1: the weight \"1:-2\" is negative");
}

}  // namespace
}  // namespace coppice::io
