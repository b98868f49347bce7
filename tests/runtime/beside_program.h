#pragma once
// Files that the build puts beside the test program: found from where it runs, so an installed test finds them too.

#include <filesystem>
#include <string>

namespace nsajit::testing {

inline std::string beside_program(const std::string& name) {
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / name).string();
}

}  // namespace nsajit::testing
