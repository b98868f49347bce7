#pragma once
// Fields config: which config a word of the native case table means; shared by the test and by the step that writes
// the fields, so that both mean the same.

#include <string_view>

#include "nsajit/op.h"

namespace nsajit::templates_test {

// A CPU with vectors of 16 floats, or of 8.
inline Target cpu_target(int width) {
  return {
      .backend = Backend::Cpu, .name = "test", .features = width == 16 ? "+avx2,+f16c,+avx512f" : "+avx2,+f16c", .processors = 2};
}

// "default16", "baseline8" (for a CPU of that width), or a config in full.
inline Config fields_config(const Problem& problem, std::string_view word) {
  const Op& op = find_op(problem);
  const Target target = cpu_target(word.ends_with("16") ? 16 : 8);
  if (word.starts_with("default")) return op.default_config(problem, target);
  if (word.starts_with("baseline")) return op.baseline_config(problem, target);
  return parse_config(word);
}

}  // namespace nsajit::templates_test
