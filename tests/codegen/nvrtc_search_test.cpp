// Where libnvrtc is looked for.
#include "codegen/nvrtc_search.h"

#include <catch2/catch_all.hpp>

#include <algorithm>

#include "core/env.h"
#include "tests/codegen/test_templates.h"

using namespace nsajit;
using namespace nsajit::codegen;

namespace {

std::vector<std::string>::difference_type position(const std::vector<std::string>& paths, const std::string& path) {
  const auto at = std::ranges::find(paths, path);
  REQUIRE(at != paths.end());
  return at - paths.begin();
}

}  // namespace

TEST_CASE("a named library is the only one tried") {
  Environment environment;
  environment.nvrtc_path = "/some/libnvrtc.so.12";
  CHECK(nvrtc_candidates(environment) == std::vector<std::string>{"/some/libnvrtc.so.12"});
}

TEST_CASE("the loader is asked first, for the newest version first") {
  const auto paths = nvrtc_candidates(Environment{});
  REQUIRE(paths.size() >= 4);
  CHECK(paths[0] == "libnvrtc.so.13");
  CHECK(paths[2] == "libnvrtc.so.11.2");
}

TEST_CASE("a toolkit of CUDA_HOME comes before pip's packages of a virtual environment") {
  const testing::TemplateFolder folder;  // a folder to put files into
  folder.write("cuda/lib64/libnvrtc.so.12", "");
  folder.write("venv/lib/python3.11/site-packages/nvidia/cuda_nvrtc/lib/libnvrtc.so.12", "");
  const std::string root = folder.path().string();
  Environment environment;
  environment.cuda_home = root + "/cuda";
  environment.virtual_env = root + "/venv";
  const auto paths = nvrtc_candidates(environment);
  CHECK(position(paths, root + "/cuda/lib64/libnvrtc.so.12") <
        position(paths, root + "/venv/lib/python3.11/site-packages/nvidia/cuda_nvrtc/lib/libnvrtc.so.12"));
}

TEST_CASE("a folder without the library adds no candidate") {
  Environment environment;
  environment.cuda_home = "/nonexistent/cuda";
  CHECK(nvrtc_candidates(environment) == nvrtc_candidates(Environment{}));
}
