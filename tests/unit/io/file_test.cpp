// Whole files.
#include <coppice/error.h>
#include <coppice/io/file.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <string>

#include "temporary_folder.h"

namespace coppice::io {
namespace {

namespace fs = std::filesystem;

std::string message_of(const TemporaryFolder& folder, auto&& action) {
  try {
    action();
  } catch (const Error& error) {
    return folder.without_folder(error.what());
  }
  return {};
}

std::size_t n_entries(const TemporaryFolder& folder) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(folder.path("")), fs::directory_iterator()));
}

TEST(File, ReadsBackWhatWasWritten) {
  const TemporaryFolder folder;
  std::string bytes(300000, 'x');
  bytes[7] = '\0';
  write_file_atomically(folder.path("a"), bytes);
  EXPECT_EQ(read_file(folder.path("a")), bytes);
  write_file_atomically(folder.path("a"), "");
  EXPECT_EQ(read_file(folder.path("a")), "");
  EXPECT_EQ(n_entries(folder), 1u);
}

TEST(File, NewFilesFollowTheUmaskAndReplacedOnesKeepTheirPermissions) {
  const TemporaryFolder folder;
  const mode_t mask = ::umask(0027);
  folder.write("a", "1");
  ::umask(mask);
  EXPECT_EQ(fs::status(folder.path("a")).permissions(), fs::perms{0640});
  fs::permissions(folder.path("a"), fs::perms{0604});
  folder.write("a", "2");
  EXPECT_EQ(fs::status(folder.path("a")).permissions(), fs::perms{0604});
}

TEST(File, LinkStaysALink) {
  const TemporaryFolder folder;
  folder.write("a", "1");
  fs::create_symlink("a", folder.path("link"));
  folder.write("link", "2");
  EXPECT_TRUE(fs::is_symlink(folder.path("link")));
  EXPECT_EQ(read_file(folder.path("a")), "2");
}

TEST(File, WhatIsNoRegularFileIsWrittenTo) {
  write_file_atomically("/dev/null", "bytes");
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST(File, Errors) {
  const TemporaryFolder folder;
  EXPECT_EQ(message_of(folder, [&] { (void)read_file(folder.path("none")); }),
            "[io.file.read] none: cannot read the file: No such file or directory");
  fs::create_directory(folder.path("folder"));
  EXPECT_EQ(message_of(folder, [&] { (void)read_file(folder.path("folder")); }),
            "[io.file.read] folder: cannot read the file: Is a directory");
  EXPECT_EQ(message_of(folder, [&] { write_file_atomically(folder.path("folder"), "x"); }),
            "[io.file.write] folder: cannot write the file: Is a directory");
  EXPECT_EQ(message_of(folder, [&] { write_file_atomically(folder.path("none/a"), "x"); }),
            "[io.file.write] none/a: cannot write the file: No such file or directory");
  EXPECT_EQ(message_of(folder, [&] { write_file_atomically("/dev/full", "x"); }),
            "[io.file.write] /dev/full: cannot write the file: No space left on device");
}

TEST(File, AbandonedFileLeavesThePreviousOne) {
  const TemporaryFolder folder;
  folder.write("a", "old");
  {
    AtomicFile file(folder.path("a"));
    file.write("new");
    EXPECT_EQ(read_file(folder.path("a")), "old");
  }
  EXPECT_EQ(read_file(folder.path("a")), "old");
  EXPECT_EQ(n_entries(folder), 1u);
}

TEST(File, KilledProcessLeavesNoTemporaryFile) {
  const TemporaryFolder folder;
  const int nameless = ::open(folder.path("").c_str(), O_WRONLY | O_TMPFILE, 0600);
  if (nameless < 0) GTEST_SKIP() << "this file system has no files without a name";
  ::close(nameless);
  folder.write("a", "old");
  const pid_t process = ::fork();
  if (process == 0) {
    AtomicFile replacing(folder.path("a")), made(folder.path("b"));
    replacing.write("new");
    made.write("new");
    ::raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(process, &status, 0), process);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(read_file(folder.path("a")), "old");
  EXPECT_EQ(n_entries(folder), 1u);
}

}  // namespace
}  // namespace coppice::io
