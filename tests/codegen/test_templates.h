#pragma once
// Test templates: tests/codegen/templates in a folder of its own, in use while the object lives, and the units made
// from them. Golden files by name.

#include <filesystem>
#include <string>
#include <string_view>

#include "codegen/kernel_source.h"
#include "nsajit/op.h"

namespace nsajit::codegen::testing {

class TemplateFolder {
 public:
  TemplateFolder();  // writes the templates; not yet in use
  TemplateFolder(const TemplateFolder&) = delete;
  TemplateFolder& operator=(const TemplateFolder&) = delete;
  ~TemplateFolder();  // back to the embedded templates

  const std::filesystem::path& path() const { return path_; }
  void write(const std::string& file, std::string_view text) const;
  void use() const;  // reads the files

 private:
  std::filesystem::path path_;
};

std::string golden(const std::string& name);

// The unit of the probe template with two entries, and the same as a source ready to compile.
Unit probe_cuda_unit();
KernelSource probe_cuda_source();
Unit probe_cpu_unit();
KernelSource probe_cpu_source();

}  // namespace nsajit::codegen::testing
