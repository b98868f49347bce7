#pragma once
// Toolchain: which compilers and libraries this program finds on this machine, in words. For --version and doctor.

#include <optional>
#include <string>
#include <string_view>

#include "codegen/compiler.h"
#include "core/env.h"

namespace nsajit::cli {

std::string_view program_version();  // "0.1.0"
std::string_view built_backends();   // "cpu cuda": what this program was built with

struct CompilerState {
  std::optional<codegen::CompilerIdentity> identity;
  std::string problem;  // why there is none, and what to do
};
CompilerState find_compiler(Backend backend, const Environment& environment);

// Path of a shared library that this process has loaded; empty where none has `name` in its file name.
std::string find_loaded_library(std::string_view name);

std::string describe_version(const Environment& environment);

}  // namespace nsajit::cli
