// The same on a GPU: a kernel that holds it for ever, and one that poisons its context. What is measured afterwards
// shows that the GPU was free again.

#include <catch2/catch_all.hpp>

#include <algorithm>

#include "codegen/embedded_templates.h"
#include "tests/mutants/cuda_search.h"
#include "tests/mutants/faults.h"
#include "tests/mutants/mutant_templates.h"

using namespace nsajit::testing;
using nsajit::cache::TrialStatus;

namespace {

constexpr const char* kQuery = "const int query = threadIdx.x / (32 * Kernel::kRowWarps);";
constexpr const char* kTuple = "bf16,dk=64,dv=64,group=4,l_sel=64,n_sel=6;S=200,S_kv=512,G=2";

// The default, query_major with two stages, stays as it is.
FaultyTemplate with_fault(const std::string& statement) {
  return {
      .edit = {"selection/query_major.cuh", kQuery, std::string(kQuery) + "\n  if constexpr (Fields::stages == 3) " + statement},
      .marks = {"query_major{", "stages=3"}};
}

// The shortest search from kMixed on whose last candidate is healthy: spaces change, what is shown must not.
SearchOrder find_fault_search(const FaultyTemplate& faulty) {
  SearchOrder search = kMixed;
  for (;; ++search.trials) {
    const auto tried = tried_configs(kTuple, search);
    if (!is_faulty(faulty, to_string(tried[tried.size() - 2])) || tried.size() < search.trials + 1) return search;
  }
}

TuningOutcome tune_faulty(const FaultyTemplate& faulty, const std::string& flags) {
  const TemporaryFolder templates;
  write_cuda_templates(templates.path(), faulty.edit);
  return tune_with(templates.path(), search_flags(kTuple, find_fault_search(faulty)) + flags);
}

// The same in the body that no other variant shares, `before` in front of it: the fault is the compiler's.
FaultyTemplate with_compile_fault(const std::string& before, const std::string& statement) {
  const std::string template_line = "template <class Fields>\n";
  const std::string begin = "__device__ __forceinline__ void query_major(const nsajit_selection_args& args, int64 first_row) {\n";
  return {.edit = {"selection/query_major.cuh", template_line + begin, before + template_line + begin + statement},
          .marks = {"query_major{", "stages=3"}};
}

// 2^40 instantiations.
FaultyTemplate endless_compilation() {
  return with_compile_fault(
      "template <int kDepth, long long kPath>\nstruct Endless {\n"
      "  static constexpr long long kValue = Endless<kDepth - 1, 2 * kPath>::kValue + Endless<kDepth - 1, 2 * kPath + "
      "1>::kValue;\n"
      "};\ntemplate <long long kPath>\nstruct Endless<0, kPath> { static constexpr long long kValue = 0; };\n",
      "  static_assert(Endless<Fields::stages == 3 ? 40 : 0, 1>::kValue == 0);\n");
}

FaultyTemplate endless() { return with_fault("{\n    for (;;) asm volatile(\"nanosleep.u32 1000;\");\n  }"); }

}  // namespace

TEST_CASE("every faulty CUDA template can still be made") {
  for (const FaultyTemplate& faulty : {endless(), endless_compilation()})
    CHECK_NOTHROW(apply_edit(*nsajit::codegen::find_embedded(faulty.edit.file), faulty.edit));
}

TEST_CASE("the sweep that a faulty CUDA kernel is in reaches it, begins with others and goes on after it") {
  const auto tried = tried_configs(kTuple, find_fault_search(endless()));
  const auto faulty = std::ranges::count_if(tried, [](const auto& config) { return is_faulty(endless(), to_string(config)); });
  CHECK(faulty >= 1);
  CHECK(faulty <= 6);  // each costs its timeout
  CHECK_FALSE(is_faulty(endless(), to_string(tried.front())));
  CHECK_FALSE(is_faulty(endless(), to_string(tried[tried.size() - 2])));
}

TEST_CASE("a CUDA kernel that never ends is recorded as a hang and the GPU is free for the next", "[gpu]") {
  const TuningOutcome outcome = tune_faulty(endless(), " --worker-timeout 5");
  print_trials("a CUDA kernel that never ends, --worker-timeout 5", outcome);
  CHECK(find_fault_objections(endless(), TrialStatus::Hang, "no answer within 5 s", outcome) == std::vector<std::string>{});
}

TEST_CASE("a CUDA kernel with an illegal address is recorded as one and the next trials are measured", "[gpu]") {
  const FaultyTemplate faulty = with_fault("*reinterpret_cast<volatile int*>(8) = 1;");
  const TuningOutcome outcome = tune_faulty(faulty, "");
  print_trials("a CUDA kernel that writes to address 8", outcome);
  CHECK(find_fault_objections(faulty, TrialStatus::IllegalAccess, "", outcome) == std::vector<std::string>{});
}

TEST_CASE("a CUDA kernel that does not compile is recorded as one and all others are measured", "[gpu]") {
  const FaultyTemplate faulty = with_compile_fault("", "  static_assert(Fields::stages != 3, \"fault asked for\");\n");
  const TuningOutcome outcome = tune_faulty(faulty, "");
  print_trials("a CUDA kernel that does not compile", outcome);
  CHECK(find_fault_objections(faulty, TrialStatus::CompileError, "", outcome) == std::vector<std::string>{});
}

TEST_CASE("a CUDA kernel whose compilation never ends is killed at its limit and all others are measured", "[gpu]") {
  const TuningOutcome outcome = tune_faulty(endless_compilation(), " --compile-timeout 4");
  print_trials("a CUDA kernel whose compilation never ends, --compile-timeout 4", outcome);
  CHECK(find_fault_objections(endless_compilation(), TrialStatus::CompileTimeout, "within 4 s", outcome) ==
        std::vector<std::string>{});
}
