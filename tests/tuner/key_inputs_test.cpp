// What a stored result depends on, end to end: every input of a trial is changed in turn, and the cache must miss; what
// the result does not depend on is changed, and the cache must hit.

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include <catch2/catch_all.hpp>

#include "cache/cache.h"
#include "codegen/embedded_templates.h"
#include "templates/selection/selection_op.h"
#include "tests/support/fake_op.h"
#include "tests/support/temporary_folder.h"
#include "tuner/candidates.h"

namespace {

using namespace nsajit;
namespace fs = std::filesystem;

// All that a trial is made from.
struct Inputs {
  const Op* op = nullptr;
  Workload workload{.problem = {.dk = 64, .dv = 64, .group = 4}, .S = 2048, .S_kv = 2048, .G = 2};
  Target target = cuda_profile("90");
  codegen::CompilerIdentity compiler{.name = "nvrtc", .version = "13.0", .options = "--std=c++20"};
  std::function<void(cache::TrialKey&)> edit = [](cache::TrialKey&) {};  // versions that a build fixes

  Inputs() {
    static const templates::SelectionOp selection;
    op = &selection;
    target.name = "NVIDIA H200";
    target.processors = 132;
    target.memory_bytes = std::int64_t{140} << 30;
    target.l2_bytes = 50 << 20;
    target.driver_version = 13000;
  }
};

using Change = std::function<void(Inputs&)>;

struct Case {
  std::string name;
  Change change;
  bool same_kernel = false;  // the compiled kernel does not depend on it
};

std::vector<Case> problem_cases() {
  return {{"dtype", [](Inputs& in) { in.workload.problem.dtype = DType::FP16; }},
          {"dk", [](Inputs& in) { in.workload.problem.dk = 128; }},
          {"dv", [](Inputs& in) { in.workload.problem.dv = 128; }},
          {"l_sel", [](Inputs& in) { in.workload.problem.l_sel = 128; }},
          {"n_sel", [](Inputs& in) { in.workload.problem.n_sel = 32; }},
          {"group", [](Inputs& in) { in.workload.problem.group = 8; }},
          {"layout", [](Inputs& in) { in.workload.problem.layout = Layout::Flash; }},
          {"input", [](Inputs& in) { in.workload.problem.input = SelectionInput::Blocks; }}};
}

std::vector<Case> workload_cases() {
  return {{"B", [](Inputs& in) { in.workload.B = 2; }, true},
          {"S", [](Inputs& in) { in.workload.S = 1024; }, true},
          {"S_kv", [](Inputs& in) { in.workload.S_kv = 4096; }, true},
          {"G", [](Inputs& in) { in.workload.G = 4; }, true},
          {"n", [](Inputs& in) { in.workload.n = 8; }, true},
          {"overlap", [](Inputs& in) { in.workload.overlap_percent = 50; }, true}};
}

std::vector<Case> machine_cases() {
  return {{"GPU name", [](Inputs& in) { in.target.name = "NVIDIA H200 NVL"; }, true},
          {"arch", [](Inputs& in) { in.target.arch = 80; }},
          {"processors", [](Inputs& in) { in.target.processors = 114; }, true},
          {"L2", [](Inputs& in) { in.target.l2_bytes = 60 << 20; }, true},
          {"memory", [](Inputs& in) { in.target.memory_bytes = std::int64_t{80} << 30; }, true},
          {"driver", [](Inputs& in) { in.target.driver_version = 13010; }, true},
          {"CPU features", [](Inputs& in) { in.target.features = "+avx2"; }},
          {"compiler", [](Inputs& in) { in.compiler.name = "llvm"; }},
          {"compiler version", [](Inputs& in) { in.compiler.version = "13.1"; }},
          {"compiler options", [](Inputs& in) { in.compiler.options += " -lineinfo"; }}};
}

std::vector<Case> code_cases() {
  return {
      {"operation", [](Inputs& in) { in.edit = [](cache::TrialKey& key) { key.kernel.op = "sliding"; }; }},
      {"variant", [](Inputs& in) { in.edit = [](cache::TrialKey& key) { key.kernel.config = "another" + key.kernel.config; }; }},
      {"tile parameter", [](Inputs& in) { in.edit = [](cache::TrialKey& key) { key.kernel.config.back() = '1'; }; }},
      {"template", [](Inputs& in) { in.edit = [](cache::TrialKey& key) { key.kernel.closure.front() ^= 1; }; }},
      {"generator", [](Inputs& in) { in.edit = [](cache::TrialKey& key) { ++key.kernel.generator_version; }; }},
      {"format", [](Inputs& in) { in.edit = [](cache::TrialKey& key) { ++key.kernel.format_version; }; }},
      {"parity rules", [](Inputs& in) { in.edit = [](cache::TrialKey& key) { ++key.gate_version; }; }, true},
      {"measurement", [](Inputs& in) { in.edit = [](cache::TrialKey& key) { ++key.measure_version; }; }, true}};
}

std::vector<Case> all_cases() {
  std::vector<Case> cases = problem_cases();
  for (const auto& more : {workload_cases(), machine_cases(), code_cases()}) cases.insert(cases.end(), more.begin(), more.end());
  return cases;
}

// The default config of the unchanged inputs, so that a change shows by itself and not by another default.
cache::TrialKey key_of(const Inputs& inputs) {
  const auto config_of = [](const Inputs& in) {
    return tuner::make_candidates(*in.op, canonical(*in.op, in.workload), in.target, in.compiler).offered.front().trial_key;
  };
  static const std::string config = config_of(Inputs()).kernel.config;
  cache::TrialKey key = config_of(inputs);
  key.kernel.config = config;
  inputs.edit(key);
  return key;
}

// A cache that holds the trial and the binary of the unchanged inputs.
class StoredTrial {
 public:
  StoredTrial() {
    const cache::TrialKey key = key_of(Inputs());
    const auto run = cache_.begin_run({.command = "test", .device = key.device});
    const cache::TrialRecord trial{.key = key.digest(),
                                   .key_text = key.text(),
                                   .kernel_key = key.kernel.digest(),
                                   .op = key.kernel.op,
                                   .problem = key.kernel.problem,
                                   .workload = key.workload,
                                   .device = key.device,
                                   .config = key.kernel.config,
                                   .time_us = 1,
                                   .samples = 1,
                                   .run = run};
    cache_.store_trial(trial, {}, cache::BinaryRecord{.kernel_key = key.kernel.digest(), .key_text = key.kernel.text()});
  }
  bool has_trial(const cache::TrialKey& key) { return cache_.find_trial(key).has_value(); }
  bool has_binary(const cache::TrialKey& key) { return cache_.find_binary(key.kernel).has_value(); }

 private:
  testing::TemporaryFolder folder_;
  cache::Cache cache_ = cache::Cache::open(folder_.path() + "/cache.db", cache::OpenMode::ReadWrite);
};

// The embedded templates as files; `edit` may change each one's text.
void write_templates(const std::string& folder, const std::function<void(const std::string&, std::string&)>& edit) {
  for (const auto& file : codegen::embedded_files()) {
    if (!file.path.ends_with(".cuh") && !file.path.ends_with(".h")) continue;
    std::string text(file.text);
    edit(file.path, text);
    fs::create_directories((fs::path(folder) / file.path).parent_path());
    std::ofstream(fs::path(folder) / file.path, std::ios::binary) << text;
  }
}

// The key of the unchanged inputs with the templates of `folder`; back to the embedded ones afterwards.
cache::TrialKey key_with_templates(const std::string& folder) {
  codegen::use_template_directory(folder);
  const cache::TrialKey key = key_of(Inputs());
  codegen::use_template_directory("");
  return key;
}

}  // namespace

TEST_CASE("every input that is changed makes a stored result a miss") {
  StoredTrial stored;
  const auto cases = all_cases();
  REQUIRE(cases.size() >= 25);
  for (const Case& one : cases) {
    INFO(one.name);
    Inputs inputs;
    one.change(inputs);
    const cache::TrialKey key = key_of(inputs);
    CHECK_FALSE(stored.has_trial(key));
    CHECK(stored.has_binary(key) == one.same_kernel);
  }
}

TEST_CASE("unchanged inputs, and inputs that nothing depends on, are hits") {
  const std::vector<Case> cases{
      {"nothing", [](Inputs&) {}},
      {"compression block length", [](Inputs& in) { in.workload.problem.l = 64; }},
      {"compression stride", [](Inputs& in) { in.workload.problem.d = 32; }},
      {"window", [](Inputs& in) { in.workload.problem.w = 1024; }},
      {"memory that a driver reserves", [](Inputs& in) { in.target.memory_bytes -= 100 << 20; }},
      {"largest dynamic shared memory of a block", [](Inputs& in) { in.target.smem_bytes -= 1024; }},
      {"the operation's object",
       [](Inputs& in) {
         static const templates::SelectionOp another;
         in.op = &another;
       }},
  };
  StoredTrial stored;
  for (const Case& one : cases) {
    INFO(one.name);
    Inputs inputs;
    one.change(inputs);
    CHECK(stored.has_trial(key_of(inputs)));
    CHECK(stored.has_binary(key_of(inputs)));
  }
}

TEST_CASE("the same templates in another place, and in the program, are hits") {
  StoredTrial stored;
  const testing::TemporaryFolder here;
  const testing::TemporaryFolder there;
  const auto unchanged = [](const std::string&, std::string&) {};
  write_templates(here.path(), unchanged);
  write_templates(there.path() + "/moved/install", unchanged);
  CHECK(stored.has_trial(key_with_templates(here.path())));
  CHECK(stored.has_trial(key_with_templates(there.path() + "/moved/install")));
}

TEST_CASE("a changed template is a miss for the kernels that include it, and a hit for all others") {
  StoredTrial stored;
  const std::string used = key_of(Inputs()).kernel.closure;
  int misses = 0;
  int hits = 0;
  for (const auto& file : codegen::embedded_files()) {
    if (!file.path.ends_with(".cuh")) continue;
    const testing::TemporaryFolder folder;
    write_templates(folder.path(), [&](const std::string& path, std::string& text) {
      if (path == file.path) text += "// changed\n";
    });
    const cache::TrialKey key = key_with_templates(folder.path());
    INFO(file.path);
    CHECK(stored.has_trial(key) == (key.kernel.closure == used));
    ++(stored.has_trial(key) ? hits : misses);
  }
  CHECK(misses > 0);
  CHECK(hits > 0);
}
