// Captured workloads: each once, lengths of a decode by their powers of two, mistakes with file and line.

#include "cli/captured_workloads.h"

#include <catch2/catch_all.hpp>

#include "nsajit/error.h"
#include "runtime/capture.h"
#include "tests/cli/program.h"

namespace nsajit::cli {
using Catch::Matchers::Contains;
using nsajit::testing::TemporaryFolder;

TEST_CASE("what is captured is read, each workload once") {
  const TemporaryFolder folder;
  const Workload prefill{.S = 4096, .S_kv = 4096, .G = 4}, sliding{.problem = {.branch = Branch::Sliding}, .S = 1, .S_kv = 600};
  {
    runtime::Capture capture(folder.file("captured"));
    for (int i = 0; i < 3; ++i)
      for (const Workload& workload : {prefill, sliding}) capture.record(workload);
  }
  CHECK(read_captured(folder.file("captured")).workloads == std::vector<Workload>{prefill, sliding});
}

TEST_CASE("the lengths of a decode become one per power of two, the longest") {
  const TemporaryFolder folder;
  runtime::Capture capture(folder.file("captured"));
  for (std::int64_t length = 1025; length <= 3000; ++length) capture.record(Workload{.S = 1, .S_kv = length});
  const auto workloads = read_captured(folder.file("captured")).workloads;
  REQUIRE(workloads.size() == 2);
  CHECK(workloads[0].S_kv == 2048);
  CHECK(workloads[1].S_kv == 3000);
}

TEST_CASE("rows that are padded to more entries than blocks are tuned with as many as there are") {
  const TemporaryFolder folder;
  runtime::Capture capture(folder.file("captured"));
  capture.record(Workload{.S = 1, .S_kv = 100, .n = 16, .selection = kOwnSelection});
  const auto workloads = read_captured(folder.file("captured")).workloads;
  REQUIRE(workloads.size() == 1);
  CHECK(workloads[0].n == 2);
  CHECK(workloads[0].selection == 0);
}

TEST_CASE("a captured line that is none is named, and so is a folder without any") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(read_captured(folder.file("nowhere")), Contains("no *.jsonl file is there") && Contains("NSAJIT_CAPTURE="));
  folder.write("1.jsonl", "{\"workload\":\"sliding,dk=128;S=64\"}\n{\"workload\":\"selection,dk=x\"}\n");
  CHECK_THROWS_WITH(read_captured(folder.file(".")), Contains("1.jsonl:2: "));
  folder.write("1.jsonl", "nonsense\n");
  CHECK_THROWS_WITH(read_captured(folder.file(".")), Contains("1.jsonl:1: no captured workload"));
}

}  // namespace nsajit::cli
