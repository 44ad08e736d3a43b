#include <coppice/error.h>
#include <coppice/io/libsvm_file.h>
#include <gmock/gmock.h>

#include <cmath>
#include <string>
#include <vector>

#include "gzip_text.h"
#include "temporary_folder.h"

namespace coppice::io {
namespace {

using testing::ElementsAre;
using testing::IsNan;
using testing::StartsWith;

std::vector<float> values(const Buffer<float>& buffer) { return {buffer.begin(), buffer.end()}; }

TEST(ReadLibsvm, MakesADenseTable) {
  const TemporaryFolder folder;
  const std::vector<std::string> paths = {folder.write("a", "1 1:0.5 3:2\n0 2:7\n"),
                                          folder.write("b.gz", gzip_text("1:2.5 3:-1\n"))};
  const LibsvmTable table = read_libsvm(paths);
  EXPECT_EQ(table.shape, (LibsvmShape{.first_index = 1, .n_features = 3}));
  EXPECT_EQ(table.data.n_rows, 3U);
  EXPECT_THAT(values(table.data.columns[0]), ElementsAre(0.5F, IsNan(), IsNan()));
  EXPECT_THAT(values(table.data.columns[1]), ElementsAre(IsNan(), 7, IsNan()));
  EXPECT_THAT(values(table.data.columns[2]), ElementsAre(2, IsNan(), -1));
  EXPECT_THAT(values(table.data.labels), ElementsAre(1, 0, 1));
  EXPECT_THAT(values(table.data.weights), ElementsAre(1, 1, 2.5F));
  EXPECT_EQ(table.data.schema.features[2].name, "f2");
  EXPECT_FALSE(table.data.schema.has_header);
}

TEST(ReadLibsvm, TakesTheShapeOfTheTrainingTable) {
  const TemporaryFolder folder;
  const LibsvmShape from_zero{.first_index = 0, .n_features = 4};
  const LibsvmTable table = read_libsvm({folder.write("a", "1 1:5\n")}, &from_zero);
  EXPECT_EQ(table.data.n_features(), 4U);
  EXPECT_THAT(values(table.data.columns[1]), ElementsAre(5));
  EXPECT_EQ(table.data.weights.size(), 0U);
}

TEST(ReadLibsvm, SaysWhatIsWrong) {
  const TemporaryFolder folder;
  const auto message = [&](const std::string& text, const LibsvmShape* like) {
    try {
      static_cast<void>(read_libsvm({folder.write("t", text)}, like));
    } catch (const Error& error) {
      return folder.without_folder(error.what());
    }
    return std::string("no error");
  };
  const LibsvmShape shape{.first_index = 1, .n_features = 2};
  EXPECT_EQ(message("1 3:1\n", &shape),
            "[io.libsvm.index] t: index 3, but the training table has the indices 1 to 2");
  EXPECT_THAT(message("1 0:1\n", &shape), StartsWith("[io.libsvm.index] t: index 0, "));
  EXPECT_EQ(message("", nullptr), "[io.libsvm.empty] t: no row");
  EXPECT_EQ(message("1\n0\n", nullptr), "[io.libsvm.empty] t: no row names a feature");
  EXPECT_THAT(message("1 0:1\n0 0:1\n1 0:1 4294967295:1\n", nullptr),
              StartsWith("[io.libsvm.size] t: 3 rows"));
  EXPECT_THAT(message("1 0:x\n", nullptr), StartsWith("[io.libsvm."));
}

}  // namespace
}  // namespace coppice::io
