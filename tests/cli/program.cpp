// Program: through the shell, output into files.

#include "tests/cli/program.h"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include <sys/wait.h>

namespace nsajit::testing {
namespace {

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "nsajit-cli-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() { std::filesystem::remove_all(path_); }

std::string TemporaryFolder::write(const std::string& name, const std::string& text) const {
  std::ofstream(file(name)) << text;
  return file(name);
}

ProgramResult run_program(const TemporaryFolder& folder, const std::string& arguments) {
  const std::string clean =
      "env -u NSAJIT_TEMPLATE_DIR -u NSAJIT_DUMP -u NSAJIT_LOG NSAJIT_LIBCUDA=/nonexistent/libcuda.so "
      "NSAJIT_THREADS=2 NSAJIT_CACHE=" +
      folder.file("cache.db");
  const std::string command = clean + " " NSAJIT_PROGRAM " " + arguments + " >" + folder.file("out") + " 2>" + folder.file("err");
  const int status = std::system(command.c_str());
  return {.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
          .out = read_file(folder.file("out")),
          .err = read_file(folder.file("err"))};
}

}  // namespace nsajit::testing
