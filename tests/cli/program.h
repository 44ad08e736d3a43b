// Runs the program under test as a shell would, in a folder of its own.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::test {

using Words = std::vector<std::string>;

/// How a process ended and what it wrote.
struct Outcome {
  int exit_code = -1;  ///< 128 + signal when a signal ended it
  std::string output;
  std::string errors;
};

/// A test in a fresh folder, which is the program's working folder and is removed afterwards.
class ProgramTest : public ::testing::Test {
 protected:
  ProgramTest();
  ~ProgramTest() override;

  /// Runs COPPICE_PROGRAM with these words and this standard input.
  Outcome run(const Words& words, std::string_view input = "") const;
  /// The same, with standard output going to a file of this name (`/dev/full`), or closed when it is empty.
  Outcome run_into(const std::string& output, const Words& words) const;
  /// Runs a command of /bin/sh with the program's folder on the PATH.
  Outcome run_shell(const std::string& command) const;
  /// Starts the program and does not wait. Its streams go to the files `stdout` and `stderr` of the folder.
  pid_t start(const Words& words) const;
  /// Waits for a process; as Outcome::exit_code.
  static int wait(pid_t process);

  void write(const std::string& name, std::string_view text) const;
  /// Empty when there is no such file.
  std::string read(const std::string& name) const;
  bool exists(const std::string& name) const { return std::filesystem::exists(folder_ / name); }
  const std::filesystem::path& folder() const { return folder_; }
  std::vector<std::string> files() const;

 private:
  std::filesystem::path folder_;
};

/// With a table t.csv, a model m.json of it, and another table new.csv.
class ModelTest : public ProgramTest {
 protected:
  ModelTest();
};

[[nodiscard]] std::vector<std::string> lines_of(const std::string& text);
/// What stands between two marks, the first time; empty without them.
[[nodiscard]] std::string between(const std::string& text, const std::string& begin, const std::string& end);
/// A file of the repository.
[[nodiscard]] std::string read_source(const std::string& name);

/// A small fraud table that trees can learn: `Time,Amount,Country,Class`, with missing amounts, a category
/// that needs quotes, and one fraud in ten. The same rows for the same arguments.
[[nodiscard]] std::string fraud_table(int rows, unsigned seed = 1);

}  // namespace coppice::test
