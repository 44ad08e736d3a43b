// coppice_generate_fraud: the table of a seed.
#include <gmock/gmock.h>

#include <algorithm>
#include <cstdint>

#include "program.h"

namespace coppice::test {
namespace {

using ::testing::MatchesRegex;

using Generator = ProgramTest;

/// FNV-1a.
std::uint64_t hash_of(const std::string& text) {
  std::uint64_t hash = 0xCBF29CE484222325U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  return hash;
}

std::ptrdiff_t count_frauds(const std::string& table) {
  return std::ranges::count_if(lines_of(table), [](const std::string& line) { return line.ends_with(",1"); });
}

TEST_F(Generator, MakesTheAskedTable) {
  const Outcome outcome = run({"--rows", "2000", "--positives-share", "0.0375"});
  ASSERT_EQ(outcome.exit_code, 0);
  const auto lines = lines_of(outcome.output);
  ASSERT_EQ(lines.size(), 2001);
  EXPECT_THAT(lines[0], MatchesRegex("Time,V1,V2,.*,V28,Amount,Class"));
  EXPECT_THAT(lines[1], MatchesRegex("[0-9]+(,-?[0-9.]+(e-[0-9]+)?){28},[0-9]+\\.[0-9][0-9],[01]"));
  EXPECT_EQ(count_frauds(outcome.output), 75);
  EXPECT_EQ(count_frauds(run({"--rows", "1000", "--balanced"}).output), 500);
}

TEST_F(Generator, SameOptionsSameBytesOnEveryMachine) {
  const Words words = {"--rows", "1000", "--positives-share", "0.05", "--seed", "42"};
  const Outcome outcome = run(words);
  // A new number here means that tables named by a seed are no longer the same tables.
  EXPECT_EQ(hash_of(outcome.output), 9830338603291292106U);
  EXPECT_NE(run({"--rows", "1000", "--positives-share", "0.05", "--seed", "43"}).output, outcome.output);
  Words to_file = words;
  to_file.insert(to_file.end(), {"--out", "t.csv"});
  EXPECT_EQ(run(to_file).exit_code, 0);
  EXPECT_EQ(read("t.csv"), outcome.output);
}

TEST_F(Generator, RefusesNonsense) {
  for (const Words& words : {Words{"--rows", "0"}, Words{"--rows"}, Words{"--digits", "18"},
                             Words{"--seeds", "1"}, Words{"--positives-share", "1.5"}}) {
    EXPECT_EQ(run(words).exit_code, 2);
  }
  EXPECT_EQ(run({"--out", "no/such/folder.csv", "--rows", "5"}).exit_code, 1);
}

}  // namespace
}  // namespace coppice::test
