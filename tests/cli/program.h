#pragma once
// Program: runs the nsajit program as a user would, with an environment and a folder of its own.

#include <filesystem>
#include <map>
#include <string>

namespace nsajit::testing {

struct ProgramResult {
  int exit_code = -1;
  std::string out;
  std::string err;
};

// A fresh folder, removed with the object.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string file(const std::string& name) const { return (path_ / name).string(); }
  std::string write(const std::string& name, const std::string& text) const;  // returns the file's path

 private:
  std::filesystem::path path_;
};

// The program, the sweeps and the recorded spaces of the installed tree that this test lies in, else those of the build.
std::string program_path();
std::string sweeps_folder();
std::string replay_folder();

// `arguments` as typed in a shell; no NSAJIT_ variable of the caller's gets through, and no driver is found. `variables`:
// "NAME=value NAME=value", set on top.
ProgramResult run_program(const TemporaryFolder& folder, const std::string& arguments, const std::string& variables = "");

}  // namespace nsajit::testing
