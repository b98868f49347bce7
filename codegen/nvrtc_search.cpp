// NVRTC search: see the header.

#include "codegen/nvrtc_search.h"

#include <glob.h>

#include <array>

#include "core/env.h"

namespace nsajit::codegen {
namespace {

// Since 11.2 a library serves its whole major number. The plain name is a development link, which may point anywhere.
constexpr std::array kNames{"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2", "libnvrtc.so"};

std::vector<std::string> expand(const std::string& pattern) {
  std::vector<std::string> paths;
  glob_t matches{};
  if (::glob(pattern.c_str(), 0, nullptr, &matches) == 0)
    for (std::size_t index = 0; index < matches.gl_pathc; ++index) paths.emplace_back(matches.gl_pathv[index]);
  ::globfree(&matches);
  return paths;
}

}  // namespace

std::vector<std::string> nvrtc_folders(const Environment& environment) {
  std::vector<std::string> patterns;
  if (environment.cuda_home) patterns.push_back(*environment.cuda_home + "/lib64");
  patterns.emplace_back("/usr/local/cuda/lib64");
  patterns.emplace_back("/usr/local/cuda-*/lib64");
  if (environment.virtual_env)
    patterns.push_back(*environment.virtual_env + "/lib/python3*/site-packages/nvidia/*/lib");
  if (environment.home) patterns.push_back(*environment.home + "/.local/lib/python3*/site-packages/nvidia/*/lib");
  patterns.emplace_back("/usr/local/lib/python3*/*-packages/nvidia/*/lib");
  return patterns;
}

std::vector<std::string> nvrtc_candidates(const Environment& environment) {
  if (environment.nvrtc_path) return {*environment.nvrtc_path};
  std::vector<std::string> paths(kNames.begin(), kNames.end());
  for (const std::string& folder : nvrtc_folders(environment))
    for (const char* name : kNames)
      for (std::string& path : expand(folder + "/" + name)) paths.push_back(std::move(path));
  return paths;
}

}  // namespace nsajit::codegen
