// Documents that tell what the program does, held against the program.
#include <gmock/gmock.h>

#include <fstream>
#include <iterator>

#include "program.h"

namespace coppice::test {
namespace {

using Documents = ProgramTest;

TEST_F(Documents, ParameterPageIsWhatTheProgramPrints) {
  const Outcome outcome = run({"parameters", "--markdown"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(read_source("docs/parameters.md"), outcome.output)
      << "write it anew: coppice parameters --markdown > docs/parameters.md";
}

/// The commands of a transcript: what follows `$ `, with the lines that a backslash continues.
std::vector<std::string> commands_of(const std::string& transcript) {
  std::vector<std::string> commands;
  bool continues = false;
  for (const std::string& line : lines_of(transcript)) {
    if (continues) commands.back() += '\n' + line;
    const bool begins = !continues && line.starts_with("$ ");
    if (begins) commands.push_back(line.substr(2));
    continues = (begins || continues) && line.ends_with('\\');
  }
  return commands;
}

TEST_F(Documents, ReadmeCommandsRun) {
  const auto commands = commands_of(between(read_source("README.md"), "<!-- demo -->", "<!-- /demo -->"));
  ASSERT_FALSE(commands.empty()) << "README.md shows no commands between <!-- demo --> and <!-- /demo -->";
  std::filesystem::create_directory_symlink(std::filesystem::path(COPPICE_SOURCE_DIR) / "datasets",
                                            folder() / "datasets");
  for (const std::string& command : commands) {
    const Outcome outcome = run_shell(command);
    EXPECT_EQ(outcome.exit_code, 0) << command << '\n' << outcome.errors;
  }
}

TEST_F(Documents, ReadmeSnippetIsTheProgramThatThePackageTestsBuild) {
  const std::string snippet = between(read_source("README.md"), "```cpp\n", "```");
  ASSERT_FALSE(snippet.empty());
  EXPECT_NE(read_source("tests/package/consumer/quick_start.cpp").find(snippet), std::string::npos)
      << "README.md has to show a part of tests/package/consumer/quick_start.cpp, verbatim";
}

}  // namespace
}  // namespace coppice::test
