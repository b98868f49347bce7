// Program: through the shell, output into files.

#include "tests/cli/program.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <sys/wait.h>

namespace nsajit::testing {
namespace {

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// A test program is installed three folders below the prefix.
std::string installed_or(const std::string& below_prefix, const std::string& otherwise) {
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe");
  const std::filesystem::path installed = program.parent_path() / "../../.." / below_prefix;
  return std::filesystem::exists(installed) ? std::filesystem::canonical(installed).string() : otherwise;
}

}  // namespace

std::string program_path() { return installed_or("bin/nsajit", NSAJIT_BUILT_PROGRAM); }
std::string sweeps_folder() { return installed_or("share/nsajit/sweeps", NSAJIT_SOURCE_SWEEPS); }
std::string replay_folder() { return installed_or("share/nsajit/bench/replay", NSAJIT_SOURCE_REPLAY); }

ProgramResult run_program(const TemporaryFolder& folder, const std::string& arguments, const std::string& variables) {
  const std::string clean =
      "env -u NSAJIT_TEMPLATE_DIR -u NSAJIT_DUMP -u NSAJIT_FROZEN -u NSAJIT_LOG NSAJIT_LIBCUDA=/nonexistent/libcuda.so "
      "NSAJIT_THREADS=2 NSAJIT_CACHE=" +
      folder.file("cache.db") + " " + variables;
  const std::string command =
      clean + " " + program_path() + " " + arguments + " >" + folder.file("out") + " 2>" + folder.file("err");
  const int status = std::system(command.c_str());
  return {.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
          .out = read_file(folder.file("out")),
          .err = read_file(folder.file("err"))};
}

}  // namespace nsajit::testing
