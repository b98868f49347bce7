// Include rules: see include_rules.h.
#include "tests/layering/include_rules.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace nsajit::tests {
namespace {

namespace fs = std::filesystem;

// Folder -> folders that its files may include, besides "nsajit/..." and themselves.
const std::map<std::string, std::set<std::string>, std::less<>> kMayInclude{
    {"include", {}},
    {"core", {}},
    {"cache", {"core"}},
    {"codegen", {"core"}},
    {"templates", {"core"}},
    {"runtime", {"core", "cache", "codegen"}},
    {"tuner", {"core", "cache", "codegen", "runtime"}},
};
// Users of the library: they include anything, nobody else includes them.
const std::set<std::string, std::less<>> kUsers{"cli", "tests", "bench", "examples"};
// The engine is where operations and machinery meet.
constexpr std::string_view kMeetsTemplates = "tuner/engine.cpp";

struct Door {
  std::string_view header;              // what an include of the library starts with
  std::vector<std::string_view> files;  // what the path of a file that may include it starts with
};
const std::vector<Door> kDoors{
    {"llvm", {"codegen/llvm_compiler.cpp", "codegen/host_cpu.cpp", "runtime/orc_loader.cpp"}},
    {"cuda.h", {"runtime/cuda_"}},
    {"nvrtc.h", {"codegen/nvrtc_"}},
    {"sqlite3.h", {"cache/sqlite_database.cpp"}},
    {"zstd.h", {"cache/compression.cpp"}},
    {"xxhash.h", {"core/digest.cpp"}},
    {"spdlog/", {"core/log.cpp"}},
    {"toml++/", {"cli/sweep_file.cpp"}},
    {"CLI/", {"cli/"}},
    {"nlohmann/", {"cache/record_json.cpp", "runtime/stored_binary.cpp", "tuner/", "cli/"}},  // formats are written where their fields are known
    {"fmt/", {""}},                     // the formatter is everywhere; its types are std's since C++20
    {"catch2/", {"tests/"}},
    {"benchmark/", {"bench/"}},
};
// The C++ library's names have neither dot nor slash; these are the system's.
const std::regex kSystemHeader(
    R"((sys|linux|netinet|arpa)/.+|(dirent|dlfcn|elf|execinfo|fcntl|glob|link|poll|pthread|sched|signal|spawn|stddef|stdint|termios|unistd)\.h|[a-z_0-9]+|(imm|x86)intrin\.h)");

std::string folder_of(std::string_view path) { return std::string(path.substr(0, path.find('/'))); }

std::optional<std::string> find_direction_fault(const Include& include) {
  const auto rule = kMayInclude.find(folder_of(include.file));
  if (rule == kMayInclude.end() || include.target.starts_with("nsajit/")) return std::nullopt;
  const std::string to = folder_of(include.target);
  if (to == rule->first || rule->second.contains(to)) return std::nullopt;
  if (to == "templates" && include.file == kMeetsTemplates) return std::nullopt;
  if (kUsers.contains(to)) return fmt::format("{} includes {}; nobody includes {}", rule->first, include.target, to);
  if (kMayInclude.contains(to)) {
    return fmt::format("{} includes {}; it may include {}", rule->first, include.target,
                       rule->second.empty() ? "only include/nsajit" : fmt::format("{}", fmt::join(rule->second, ", ")));
  }
  // Device code is compiled with templates/ as its root: it knows no other folder.
  if (rule->first == "templates" && include.file.ends_with(".cuh") && include.target.find('/') != std::string::npos)
    return std::nullopt;
  return fmt::format("{} is not written from the repository root", include.target);
}

std::optional<std::string> find_door_fault(const Include& include) {
  const auto starts = [](std::string_view text) { return [text](std::string_view prefix) { return text.starts_with(prefix); }; };
  const auto door =
      std::find_if(kDoors.begin(), kDoors.end(), [&](const Door& d) { return include.target.starts_with(d.header); });
  if (door == kDoors.end()) {
    if (std::regex_match(include.target, kSystemHeader)) return std::nullopt;
    return fmt::format("<{}> belongs to no library with a door; name its door in tests/layering/include_rules.cpp",
                       include.target);
  }
  if (std::any_of(door->files.begin(), door->files.end(), starts(include.file))) return std::nullopt;
  return fmt::format("<{}> outside its door: {}", include.target, fmt::join(door->files, ", "));
}

void read_file_includes(const fs::path& root, const fs::path& path, std::vector<Include>& includes) {
  static const std::regex kInclude(R"(^\s*#\s*include\s*([<"])([^>"]+)[>"])");
  std::ifstream stream(path);
  int number = 0;
  for (std::string line; std::getline(stream, line);) {
    ++number;
    std::smatch match;
    if (!std::regex_search(line, match, kInclude)) continue;
    includes.push_back(
        {.file = path.lexically_relative(root).string(), .line = number, .target = match[2], .angled = match[1] == "<"});
  }
}

}  // namespace

std::vector<Include> read_includes(const std::string& root) {
  static const std::set<std::string> kSources{".h", ".hpp", ".cpp", ".cuh", ".cu"};
  std::set<fs::path> paths;
  for (const char* folder :
       {"include", "core", "cache", "codegen", "templates", "runtime", "tuner", "cli", "bench", "examples"}) {
    if (!fs::is_directory(fs::path(root) / folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(root) / folder)) {
      if (entry.is_regular_file() && kSources.contains(entry.path().extension().string())) paths.insert(entry.path());
    }
  }
  std::vector<Include> includes;
  for (const fs::path& path : paths) read_file_includes(root, path, includes);
  return includes;
}

std::optional<std::string> find_fault(const Include& include) {
  if (!include.angled) return find_direction_fault(include);
  const std::string folder = folder_of(include.file);
  // Tests, benches and examples look behind every door.
  return kUsers.contains(folder) && folder != "cli" ? std::nullopt : find_door_fault(include);
}

std::vector<std::string> list_faults(const std::vector<Include>& includes) {
  std::vector<std::string> faults;
  for (const Include& include : includes) {
    if (const auto fault = find_fault(include)) faults.push_back(fmt::format("{}:{}: {}", include.file, include.line, *fault));
  }
  return faults;
}

}  // namespace nsajit::tests
