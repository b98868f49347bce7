// Toolchain: asks the door files themselves, so that what is printed is what a run would use.

#include "cli/toolchain.h"

#include <fstream>

#include <fmt/format.h>

#include "nsajit/error.h"

namespace nsajit::cli {

std::string_view program_version() { return NSAJIT_VERSION; }
std::string_view built_backends() { return NSAJIT_BACKENDS; }

CompilerState find_compiler(Backend backend, const Environment& environment) {
  try {
    return {.identity = codegen::make_compiler(backend, environment)->identity()};
  } catch (const Error& error) { return {.problem = error.what()}; }
}

std::string find_loaded_library(std::string_view name) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    const auto path = line.find('/');
    if (path == std::string::npos) continue;
    const auto file = line.rfind('/') + 1;
    if (std::string_view(line).substr(file).starts_with(name)) return line.substr(path);
  }
  return {};
}

std::string describe_version(const Environment& environment) {
  std::string text = fmt::format("nsajit {}\nbackends built: {}\n", program_version(), built_backends());
  for (const Backend backend : {Backend::Cpu, Backend::Cuda}) {
    const auto state = find_compiler(backend, environment);
    text += state.identity ? fmt::format("{} compiler: {} {}", to_string(backend), state.identity->name, state.identity->version)
                           : fmt::format("{} compiler: none: {}", to_string(backend), state.problem);
    const auto library = backend == Backend::Cuda ? find_loaded_library("libnvrtc.so") : std::string();
    text += library.empty() ? "\n" : fmt::format(" ({})\n", library);
  }
  text.pop_back();
  return text;
}

}  // namespace nsajit::cli
