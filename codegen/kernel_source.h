#pragma once
// KernelSource: the short generated unit that instantiates one checked-in template, and specialize(),
// which writes it. Second step of the data flow, after the search space and before compilation.

#include <string>
#include <utility>
#include <vector>

#include "nsajit/op.h"

namespace nsajit::codegen {

// Bumped when the same Unit would be written as different text.
inline constexpr int kGeneratorVersion = 1;

struct KernelSource {
  std::string name;            // "selection.query_major": for logs and file names
  std::string text;            // CUDA: the .cu unit. CPU: the field definitions, for dumps and keys
  std::string template_path;   // as in Unit
  std::string closure_digest;  // digest of the template and of all that it includes
  std::vector<std::string> entries;
  std::vector<std::pair<std::string, int>> fields;
};

// Throws Error{NotFound} where the template is not embedded.
KernelSource specialize(const Op& op, const Problem& problem, const Config& config, const Target& target);

}  // namespace nsajit::codegen
