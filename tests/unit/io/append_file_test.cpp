// Files that are only appended to: one writer, whole lines.
#include <coppice/error.h>
#include <coppice/io/append_file.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <utility>

#include "temporary_folder.h"

namespace coppice::io {
namespace {

TEST(AppendFile, GoesOnAfterTheLastWholeLine) {
  const TemporaryFolder folder;
  const std::string path = folder.path("log");
  {
    AppendFile file(path);
    EXPECT_EQ(file.text(), "");
    file.append("one\n");
    file.append("two\nthr");
    file.sync();
  }
  {
    AppendFile file(path);
    EXPECT_EQ(file.text(), "one\ntwo\n");
    file.append("three\n");
  }
  EXPECT_EQ(read_file(path), "one\ntwo\nthree\n");
  folder.write("torn", "no line end");
  EXPECT_EQ(AppendFile(folder.path("torn")).text(), "");
  EXPECT_EQ(read_file(folder.path("torn")), "");
}

TEST(AppendFile, HasOneWriter) {
  const TemporaryFolder folder;
  const std::string path = folder.path("log");
  EXPECT_FALSE(AppendFile::is_locked(path));
  {
    AppendFile file(path);
    file.append("begin of a");
    EXPECT_TRUE(AppendFile::is_locked(path));
    try {
      const AppendFile second(path);
      ADD_FAILURE();
    } catch (const Error& error) {
      EXPECT_EQ(folder.without_folder(error.what()),
                "[io.file.locked] log: another process writes to this file");
    }
    EXPECT_EQ(read_file(path), "begin of a");  // the second one has cut nothing
    EXPECT_TRUE(AppendFile::is_locked(path));
    AppendFile moved = std::move(file);
    moved.append(" line\n");
  }
  EXPECT_FALSE(AppendFile::is_locked(path));
}

TEST(AppendFile, ADeadWriterHasLeft) {
  const TemporaryFolder folder;
  const std::string path = folder.path("log");
  const pid_t child = ::fork();
  if (child == 0) {
    AppendFile file(path);
    file.append("whole\nhalf");
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_FALSE(AppendFile::is_locked(path));
  EXPECT_EQ(AppendFile(path).text(), "whole\n");
}

TEST(AppendFile, UnwritableFilesAreTold) {
  const TemporaryFolder folder;
  try {
    const AppendFile file(folder.path("none/log"));
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.id(), "io.file.write");
  }
}

}  // namespace
}  // namespace coppice::io
