// Mutant templates: CUDA ones are written as text; CPU ones are copied, edited and compiled to bitcode.

#include "tests/mutants/mutant_templates.h"

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "codegen/embedded_templates.h"

namespace nsajit::testing {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 7> kCpuTemplates{
    "selection/selection_cpu.cpp", "selection/packed_sdpa_cpu.cpp", "dense/dense_cpu.cpp",  "scoring/scoring_cpu.cpp",
    "gate/gate_cpu.cpp",           "pooling/pooling_cpu.cpp",       "decode/decode_cpu.cpp"};

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(fmt::format("cannot read {}", path.string()));
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void write_file(const fs::path& path, std::string_view text) {
  fs::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary);
  file << text;
  if (!file.flush()) throw std::runtime_error(fmt::format("cannot write {}", path.string()));
}

// A private header of the CPU templates is compiled into both of them, a template only into itself.
bool reaches(const std::optional<Edit>& edit, std::string_view cpu_template) {
  return !edit || edit->file == cpu_template || edit->file.ends_with(".h");
}

// The whole tree below templates/selection, because the templates include each other by paths from its root.
void copy_cpu_sources(const fs::path& root, const std::optional<Edit>& edit) {
  bool edited = !edit;
  const fs::path from = fs::path(NSAJIT_SOURCE_DIR) / "templates";
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(from)) {
    const std::string file = fs::relative(entry.path(), from).generic_string();
    if (!file.ends_with(".h") && !file.ends_with("_cpu.cpp")) continue;
    const bool wrong = edit && edit->file == file;
    const std::string text = read_file(entry.path());
    write_file(root / "templates" / file, wrong ? apply_edit(text, *edit) : text);
    edited = edited || wrong;
  }
  if (!edited) throw std::runtime_error(fmt::format("there is no CPU template or header {}", edit->file));
}

void compile_bitcode(const fs::path& root, std::string_view cpu_template, const fs::path& output) {
  fs::create_directories(output.parent_path());
  const std::string log = (root / "clang.log").string();
  const std::string command =
      fmt::format("cd '{}' && '{}' {} -I templates -I '{}/include' -I . -c templates/{} -o '{}' 2>'{}'", root.string(),
                  NSAJIT_CLANG, NSAJIT_CPU_TEMPLATE_FLAGS, NSAJIT_SOURCE_DIR, cpu_template, output.string(), log);
  if (std::system(command.c_str()) != 0)
    throw std::runtime_error(fmt::format("a mutant of {} does not compile: {}\n{}", cpu_template, command, read_file(log)));
}

}  // namespace

void write_cuda_templates(const std::string& folder, const std::optional<Edit>& edit) {
  bool edited = !edit;
  for (const codegen::EmbeddedFile& file : codegen::embedded_files()) {
    if (!file.path.ends_with(".cuh")) continue;
    const bool wrong = edit && edit->file == file.path;
    write_file(fs::path(folder) / file.path, wrong ? apply_edit(file.text, *edit) : std::string(file.text));
    edited = edited || wrong;
  }
  if (!edited) throw std::runtime_error(fmt::format("there is no CUDA template {}", edit->file));
}

void write_cpu_templates(const std::string& folder, const std::optional<Edit>& edit) {
  const fs::path sources = fs::path(folder) / "sources";
  copy_cpu_sources(sources, edit);
  for (const std::string_view cpu_template : kCpuTemplates) {
    if (!reaches(edit, cpu_template)) continue;
    compile_bitcode(sources, cpu_template, (fs::path(folder) / cpu_template).replace_extension(".bc"));
  }
}

std::string read_cpu_template(const std::string& file) { return read_file(fs::path(NSAJIT_SOURCE_DIR) / "templates" / file); }

}  // namespace nsajit::testing
