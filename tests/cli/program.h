#pragma once
// Program: runs the nsajit program as a user would, with an environment and a folder of its own.

#include <string>

#include "tests/support/temporary_folder.h"

namespace nsajit::testing {

struct ProgramResult {
  int exit_code = -1;
  std::string out;
  std::string err;
};

// The program, the sweeps and the recorded spaces of the installed tree that this test lies in, else those of the build.
std::string program_path();
std::string sweeps_folder();
std::string replay_folder();

// `arguments` as typed in a shell; no NSAJIT_ variable of the caller's gets through, and no driver is found. `variables`:
// "NAME=value NAME=value", set on top.
ProgramResult run_program(const TemporaryFolder& folder, const std::string& arguments, const std::string& variables = "");

}  // namespace nsajit::testing
