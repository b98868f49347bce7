#pragma once
// Include rules: which folder may include which, and which file is the door to an external library.
// docs/architecture.md has the same two tables for people.

#include <optional>
#include <string>
#include <vector>

namespace nsajit::tests {

struct Include {
  std::string file;  // from the repository root: "cache/cache.cpp"
  int line = 0;
  std::string target;   // "core/digest.h", "sqlite3.h"
  bool angled = false;  // <target>
};

// Every include of the C++ and CUDA sources below `root`, in the order of the paths.
std::vector<Include> read_includes(const std::string& root);

// The rule that the include breaks, as a sentence; nullopt where it breaks none.
std::optional<std::string> find_fault(const Include& include);

// One line per broken rule: "cache/cache.cpp:12: ...".
std::vector<std::string> list_faults(const std::vector<Include>& includes);

}  // namespace nsajit::tests
