// Test templates: see the header.

#include "tests/codegen/test_templates.h"

#include <unistd.h>

#include <atomic>
#include <fstream>
#include <stdexcept>

#include "codegen/cpu_unit.h"
#include "codegen/cuda_unit.h"
#include "codegen/embedded_templates.h"

namespace nsajit::codegen {
std::span<const EmbeddedFile> test_files();  // written by the build
}

namespace nsajit::codegen::testing {
namespace {

constexpr std::string_view kTemplates = "templates/";

// A name of its own per process and object: sets of templates are known by their folder.
std::filesystem::path fresh_folder() {
  static std::atomic<int> count{0};
  return std::filesystem::temp_directory_path() /
         ("nsajit-codegen-" + std::to_string(::getpid()) + "-" + std::to_string(++count));
}

}  // namespace

TemplateFolder::TemplateFolder() : path_(fresh_folder()) {
  for (const EmbeddedFile& file : test_files())
    if (file.path.starts_with(kTemplates)) write(file.path.substr(kTemplates.size()), file.text);
}

TemplateFolder::~TemplateFolder() {
  use_template_directory("");
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void TemplateFolder::write(const std::string& file, std::string_view text) const {
  std::filesystem::create_directories((path_ / file).parent_path());
  std::ofstream stream(path_ / file, std::ios::binary);
  stream.write(text.data(), static_cast<std::streamsize>(text.size()));
}

void TemplateFolder::use() const { use_template_directory(path_.string()); }

std::string golden(const std::string& name) {
  for (const EmbeddedFile& file : test_files())
    if (file.path == "golden/" + name) return std::string(file.text);
  throw std::runtime_error("no golden file " + name);
}

Unit probe_cuda_unit() {
  return {.template_path = "probe/probe.cuh",
          .entries = {"probe_main", "probe_reset"},
          .fields = {{"dk", 128}, {"tile", 256}},
          .element = "bf16",
          .bodies = {"nsajit::probe", "nsajit::probe_clear"},
          .args_type = "nsajit_selection_args",
          .args_header = "nsajit/selection_args.h",
          .bounds = {{.threads = 128, .blocks_per_sm = 2}, {.threads = 128, .blocks_per_sm = 2}}};
}

KernelSource probe_cuda_source() {
  const Unit unit = probe_cuda_unit();
  return {.name = "test.probe",
          .text = write_cuda_unit(unit, "test.probe"),
          .template_path = unit.template_path,
          .closure_digest = closure_digest(unit.template_path),
          .entries = unit.entries,
          .fields = unit.fields};
}

Unit probe_cpu_unit() {
  return {.template_path = "probe/probe_cpu.bc",
          .entries = {"probe_scale", "probe_sum"},
          .fields = {{"scale", 3}, {"offset", -1}, {"of_another_variant", 7}},
          .element = "fp32"};
}

KernelSource probe_cpu_source() {
  const Unit unit = probe_cpu_unit();
  return {.name = "test.probe",
          .text = write_cpu_unit(unit, "test.probe"),
          .template_path = unit.template_path,
          .closure_digest = closure_digest(unit.template_path),
          .entries = unit.entries,
          .fields = cpu_fields(unit)};
}

}  // namespace nsajit::codegen::testing
