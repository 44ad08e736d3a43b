// --device on machines without a GPU, whether or not the program was built with CUDA.
#include <gmock/gmock.h>

#include "program.h"

namespace coppice::test {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

constexpr const char* kNoCuda =
    "coppice: [kernels.device.missing] this build has no CUDA backend: use the device cpu or auto\n";

class DeviceTest : public ModelTest {
 protected:
  /// A GPU may be there: then nothing is refused.
  void expect_no_device(const Outcome& outcome) const {
    if (outcome.exit_code == 0) GTEST_SKIP() << "there is a GPU";
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_THAT(outcome.errors,
                AnyOf(HasSubstr(kNoCuda), HasSubstr("coppice: [kernels.device.missing] cuda: no device (")));
  }
};

TEST_F(DeviceTest, TrainingSaysThatThereIsNoDevice) {
  expect_no_device(
      run({"train", "--train", "t.csv", "--label", "Class", "--model", "x.json", "--device", "cuda"}));
  EXPECT_FALSE(exists("x.json"));
}

TEST_F(DeviceTest, ScoringSaysThatThereIsNoDevice) {
  expect_no_device(run({"predict", "--model", "m.json", "new.csv", "--out", "s.csv", "--device", "cuda:0"}));
  EXPECT_FALSE(exists("s.csv"));
}

TEST_F(DeviceTest, AutoTakesTheCpu) {
  const Outcome outcome = run({"train", "--train", "t.csv", "--label", "Class", "--model", "x.json",
                               "--device", "auto", "--json", "--param", "num_round=2"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.output, HasSubstr("\"device\": \"cpu\""));
}

TEST_F(DeviceTest, PredictKnowsItsDevices) {
  const Outcome outcome =
      run({"predict", "--model", "m.json", "new.csv", "--out", "s.csv", "--device", "gpu"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.errors,
            "coppice: [kernels.device.unknown] unknown device 'gpu': use cpu, cuda or cuda:N\n");
  const Outcome leaves =
      run({"predict", "--model", "m.json", "new.csv", "--output", "leaf", "--device", "cuda"});
  EXPECT_EQ(leaves.exit_code, 2);
  EXPECT_EQ(leaves.errors,
            "coppice: [cli.usage] --output leaf is computed on the CPU: leave --device away\n");
}

}  // namespace
}  // namespace coppice::test
