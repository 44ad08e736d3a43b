#include "program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <system_error>

namespace coppice::test {
namespace {

/// Where the three streams of a process go.
struct Streams {
  std::string input = "/dev/null";
  std::string output;  // empty: closed
  std::string errors;
};

pid_t spawn(const std::filesystem::path& folder, const std::string& program, const Words& words,
            const Streams& streams) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, streams.input.c_str(), O_RDONLY, 0);
  constexpr int kWrite = O_WRONLY | O_CREAT | O_TRUNC;
  if (streams.output.empty()) {
    posix_spawn_file_actions_addclose(&actions, 1);
  } else {
    posix_spawn_file_actions_addopen(&actions, 1, streams.output.c_str(), kWrite, 0644);
  }
  posix_spawn_file_actions_addopen(&actions, 2, streams.errors.c_str(), kWrite, 0644);
  posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
  std::vector<char*> arguments = {const_cast<char*>(program.c_str())};
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t process = 0;
  const int error = posix_spawn(&process, program.c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::system_error(error, std::generic_category(), program);
  return process;
}

std::string read_path(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_path(const std::filesystem::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

}  // namespace

ProgramTest::ProgramTest() {
  std::string pattern = (std::filesystem::temp_directory_path() / "coppice_cli_XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make a temporary folder");
  folder_ = pattern;
}

ProgramTest::~ProgramTest() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

Outcome ProgramTest::run(const Words& words, std::string_view input) const {
  const std::filesystem::path streams = folder_.string() + ".streams";
  std::filesystem::create_directory(streams);
  write_path(streams / "input", input);
  const pid_t process =
      spawn(folder_, COPPICE_PROGRAM, words,
            {(streams / "input").string(), (streams / "output").string(), (streams / "errors").string()});
  const int exit_code = wait(process);
  Outcome outcome{exit_code, read_path(streams / "output"), read_path(streams / "errors")};
  std::filesystem::remove_all(streams);
  return outcome;
}

Outcome ProgramTest::run_into(const std::string& output, const Words& words) const {
  const std::string errors = folder_.string() + ".errors";
  const int exit_code = wait(spawn(folder_, COPPICE_PROGRAM, words, {"/dev/null", output, errors}));
  Outcome outcome{exit_code, "", read_path(errors)};
  std::filesystem::remove(errors);
  return outcome;
}

Outcome ProgramTest::run_shell(const std::string& command) const {
  const std::string folder = std::filesystem::path(COPPICE_PROGRAM).parent_path().string();
  const std::string output = folder_.string() + ".output";
  const std::string errors = folder_.string() + ".errors";
  const std::string script = fmt::format("PATH='{}':$PATH\n{}", folder, command);
  const int exit_code = wait(spawn(folder_, "/bin/sh", {"-ec", script}, {"/dev/null", output, errors}));
  Outcome outcome{exit_code, read_path(output), read_path(errors)};
  std::filesystem::remove(output);
  std::filesystem::remove(errors);
  return outcome;
}

pid_t ProgramTest::start(const Words& words) const {
  return spawn(folder_, COPPICE_PROGRAM, words,
               {"/dev/null", (folder_ / "stdout").string(), (folder_ / "stderr").string()});
}

int ProgramTest::wait(pid_t process) {
  int status = 0;
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void ProgramTest::write(const std::string& name, std::string_view text) const {
  write_path(folder_ / name, text);
}

std::string ProgramTest::read(const std::string& name) const { return read_path(folder_ / name); }

std::vector<std::string> ProgramTest::files() const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    names.push_back(entry.path().filename().string());
  }
  return names;
}

ModelTest::ModelTest() {
  write("t.csv", fraud_table(600, 1));
  write("new.csv", fraud_table(200, 2));
  EXPECT_EQ(run({"train", "--train", "t.csv", "--label", "Class", "--model", "m.json", "--param",
                 "num_round=20", "--log-period", "0"})
                .exit_code,
            0);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::string between(const std::string& text, const std::string& begin, const std::string& end) {
  const std::size_t first = text.find(begin);
  if (first == std::string::npos) return {};
  const std::size_t start = first + begin.size();
  return text.substr(start, text.find(end, start) - start);
}

std::string read_source(const std::string& name) {
  std::ifstream file(std::filesystem::path(COPPICE_SOURCE_DIR) / name);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string fraud_table(int rows, unsigned seed) {
  constexpr std::array<std::string_view, 5> kCountries = {"DE", "FR", "NL", "\"Korea, South\"", ""};
  std::string text = "Time,Amount,Country,Class\n";
  unsigned state = seed;
  const auto draw = [&state] { return (state = state * 1664525U + 1013904223U) >> 8U; };
  for (int i = 0; i < rows; ++i) {
    const unsigned amount = draw() % 10000;
    const unsigned country = draw() % 5;
    const bool is_fraud = (amount > 8000 && country == 3) || draw() % 16 == 0;
    const std::string amount_text =
        draw() % 20 == 0 ? "" : fmt::format("{}.{:02}", amount / 100, amount % 100);
    text += fmt::format("{},{},{},{}\n", 10 * i, amount_text, kCountries[country], is_fraud ? 1 : 0);
  }
  return text;
}

}  // namespace coppice::test
