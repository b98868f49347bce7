#pragma once
// A million rows of top-n against the reference: random scores and ties, ranges formed both ways.

#include <cstdint>
#include <string>

#include "codegen/compiler.h"
#include "runtime/device.h"

namespace nsajit::templates_test {

struct MillionChoices {
  std::int64_t rows = 0;
  std::string wrong;  // the first wrong row and why; empty: none
};

// Each row by the default config, and the same rows by the baseline, which have to be equal to the last bit.
MillionChoices count_million_choices(codegen::Compiler& compiler, runtime::Device& device);

}  // namespace nsajit::templates_test
