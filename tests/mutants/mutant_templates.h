#pragma once
// Mutant templates: a folder for NSAJIT_TEMPLATE_DIR that holds the real templates with an edit made in one of them.

#include <optional>
#include <string>

#include "tests/mutants/mutant.h"

namespace nsajit::testing {

// Every CUDA template that is built into this library, so that an installed test needs no source tree. No edit: as they are.
void write_cuda_templates(const std::string& folder, const std::optional<Edit>& edit);

// Bitcode of the CPU templates that the edit reaches, compiled as the build does. Wants the source tree and its clang.
// No edit: both templates as they are.
void write_cpu_templates(const std::string& folder, const std::optional<Edit>& edit);

// The text of a CPU template or of one of its headers, from the source tree.
std::string read_cpu_template(const std::string& file);

}  // namespace nsajit::testing
