// CacheKey and TrialKey: every field counts, and nothing else does.

#include "cache/cache_key.h"

#include <algorithm>
#include <functional>
#include <set>
#include <vector>

#include <catch2/catch_all.hpp>

#include "tests/cache/sample_records.h"

namespace nsajit::cache {
namespace {

using KernelChange = std::function<void(CacheKey&)>;
using TrialChange = std::function<void(TrialKey&)>;

std::vector<KernelChange> kernel_changes() {
  // Does not compile once a field is added: add its change below.
  [[maybe_unused]] const auto& [op, problem, config, arch, cpu_features, closure, generator_version, compiler, compiler_version,
                                compiler_options, format_version] = CacheKey{};
  return {
      [](CacheKey& key) { key.op = "sliding"; },
      [](CacheKey& key) { key.problem += ",dk=96"; },
      [](CacheKey& key) { key.config = "query_major{warps=8}"; },
      [](CacheKey& key) { key.arch = "90"; },
      [](CacheKey& key) { key.cpu_features += ",+avx512f"; },
      [](CacheKey& key) { key.closure.back() = '0'; },
      [](CacheKey& key) { ++key.generator_version; },
      [](CacheKey& key) { key.compiler = "llvm"; },
      [](CacheKey& key) { key.compiler_version = "13.1"; },
      [](CacheKey& key) { key.compiler_options += " -lineinfo"; },
      [](CacheKey& key) { ++key.format_version; },
  };
}

std::vector<TrialChange> trial_changes() {
  [[maybe_unused]] const auto& [kernel, workload, device, driver_version, gate_version, measure_version] = TrialKey{};
  std::vector<TrialChange> changes{
      [](TrialKey& key) { key.workload += ",S=256"; }, [](TrialKey& key) { key.device += ",other"; },
      [](TrialKey& key) { ++key.driver_version; },     [](TrialKey& key) { ++key.gate_version; },
      [](TrialKey& key) { ++key.measure_version; },
  };
  for (const KernelChange& change : kernel_changes()) {
    changes.push_back([change](TrialKey& key) { change(key.kernel); });
  }
  return changes;
}

template <typename Key, typename Change>
std::set<std::string> digests_after(const Key& original, const std::vector<Change>& changes) {
  std::set<std::string> digests{original.digest()};
  for (const Change& change : changes) {
    Key changed = original;
    change(changed);
    digests.insert(changed.digest());
  }
  return digests;
}

}  // namespace

TEST_CASE("changing any field of a kernel's key changes its digest") {
  REQUIRE(digests_after(sample_kernel_key("a{}"), kernel_changes()).size() == kernel_changes().size() + 1);
}

TEST_CASE("changing any field of a trial's key changes its digest") {
  REQUIRE(digests_after(sample_trial_key("a{}"), trial_changes()).size() == trial_changes().size() + 1);
}

TEST_CASE("equal fields give equal digests, whichever object holds them") {
  const CacheKey copy = sample_kernel_key("a{}");
  REQUIRE(copy.digest() == sample_kernel_key("a{}").digest());
  REQUIRE(sample_trial_key("a{}").digest() == sample_trial_key("a{}").digest());
}

TEST_CASE("the workload and the device of a trial leave its kernel's key alone") {
  TrialKey moved = sample_trial_key("a{}");
  moved.workload = "another";
  moved.device = "another";
  REQUIRE(moved.kernel.digest() == sample_trial_key("a{}").kernel.digest());
}

TEST_CASE("a value cannot pass for another field") {
  const CacheKey honest{.op = "selection", .problem = "p"};
  const CacheKey forged{.op = "selection\nproblem=p"};
  const CacheKey escaped{.op = "selection\\nproblem=p"};
  REQUIRE(honest.digest() != forged.digest());
  REQUIRE(forged.digest() != escaped.digest());
}

TEST_CASE("the key text has one line per field, in declaration order") {
  const std::string text = sample_trial_key("a{}").text();
  REQUIRE(std::count(text.begin(), text.end(), '\n') == 16);
  REQUIRE(text.rfind("op=selection\nproblem=", 0) == 0);
  REQUIRE(text.find("format_version=1\nworkload=") != std::string::npos);
}

TEST_CASE("a digest is 32 hexadecimal digits") {
  const std::string digest = CacheKey{}.digest();
  REQUIRE(digest.size() == 32);
  REQUIRE(digest.find_first_not_of("0123456789abcdef") == std::string::npos);
}

TEST_CASE("a field comes back from the key text as it went in") {
  TrialKey key = sample_trial_key("a{}");
  key.kernel.compiler_options = "-a\\b\n-c";
  key.kernel.op = "";
  REQUIRE(find_key_field(key.text(), "compiler_options") == "-a\\b\n-c");
  REQUIRE(find_key_field(key.text(), "op") == "");
  REQUIRE(find_key_field(key.text(), "device") == key.device);
  REQUIRE_FALSE(find_key_field(key.text(), "comp"));
  REQUIRE_FALSE(find_key_field("", "op"));
}

TEST_CASE("the kernel's part of a trial's key text is its kernel's key text") {
  const TrialKey key = sample_trial_key("a{}");
  REQUIRE(kernel_key_text(key.text()) == key.kernel.text());
  REQUIRE(kernel_key_text(key.kernel.text()).empty());
}

}  // namespace nsajit::cache
