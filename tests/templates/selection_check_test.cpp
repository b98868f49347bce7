// Checked mode: each wrong argument of a launch is refused with its tensor, dimension and row.

#include "nsajit/selection_check.h"

#include <cstddef>
#include <functional>
#include <limits>
#include <vector>

#include <catch2/catch_all.hpp>

#include "nsajit/error.h"
#include "templates/selection/selection_inputs.h"
#include "templates/selection/selection_layout.h"

using namespace nsajit;
using namespace nsajit::templates;
using Catch::Matchers::Contains;

namespace {

// A right launch, to be spoiled.
struct Launch {
  Workload workload;
  std::vector<std::int32_t> sel, starts;
  nsajit_selection_args args{};
  CheckedLaunch checked;

  explicit Launch(const std::string& text) : workload(parse_workload(text)) {
    const auto inputs = make_selection_inputs(workload, {});
    const auto copy = [](const HostTensor& tensor) {
      const auto* values = reinterpret_cast<const std::int32_t*>(tensor.data.data());
      return std::vector<std::int32_t>(values, values + tensor.spec.elements());
    };
    sel = copy(inputs[kSel]);
    args = make_selection_args(workload);
    alignas(16) static std::byte memory[64];
    args.q = args.k = args.v = args.o = args.workspace = memory;
    args.lse = reinterpret_cast<float*>(memory);
    args.sel = reinterpret_cast<const int*>(memory);
    checked.sel = sel;
    if (!has_packed_sequences(workload)) return;
    args.cu_seqlens = args.sel;
    starts = copy(inputs.back());
    checked.cu_seqlens = starts;
  }

  std::string why() const {
    try {
      check_selection_arguments(workload.problem, args, checked);
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::InvalidArgument);
      return error.what();
    }
    return "right";
  }
};

constexpr const char* kRanges = "group=2,dk=32,dv=48,n_sel=4,l_sel=16;B=2,S=5,S_kv=130,G=3";
constexpr const char* kBlocks = "group=2,dk=32,dv=48,n_sel=4,l_sel=16,blocks,flash;B=2,S=5,S_kv=130,G=3";
constexpr const char* kPacked = "group=2,dk=32,dv=48,n_sel=2,l_sel=16,varlen,blocks;B=5,S=40,G=3";

// What is said of a right launch of `text` after `spoil`.
std::string why(const char* text, const std::function<void(Launch&)>& spoil) {
  Launch launch(text);
  spoil(launch);
  return launch.why();
}

template <typename Pointer>
Pointer shifted(Pointer pointer, std::ptrdiff_t bytes) {
  return reinterpret_cast<Pointer>(reinterpret_cast<std::uintptr_t>(pointer) + static_cast<std::uintptr_t>(bytes));
}

}  // namespace

TEST_CASE("right arguments of every layout and form pass, without a log-sum-exp too") {
  CHECK(Launch(kRanges).why() == "right");
  CHECK(Launch(kBlocks).why() == "right");
  CHECK(Launch(kPacked).why() == "right");
  CHECK(why(kRanges, [](Launch& launch) { launch.args.lse = nullptr; }) == "right");
  CHECK(why(kRanges, [](Launch& launch) { launch.args.workspace = nullptr; }) == "right");
}

TEST_CASE("a null pointer is named") {
  CHECK(why(kRanges, [](Launch& launch) { launch.args.q = nullptr; }) == "selection arguments: q is a null pointer");
  CHECK_THAT(why(kRanges, [](Launch& launch) { launch.args.k = nullptr; }), Contains("k is a null"));
  CHECK_THAT(why(kRanges, [](Launch& launch) { launch.args.v = nullptr; }), Contains("v is a null"));
  CHECK_THAT(why(kRanges, [](Launch& launch) { launch.args.o = nullptr; }), Contains("o is a null"));
  CHECK_THAT(why(kRanges, [](Launch& launch) { launch.args.sel = nullptr; }), Contains("sel is a null"));
  CHECK_THAT(why(kPacked, [](Launch& launch) { launch.args.cu_seqlens = nullptr; }), Contains("cu_seqlens is a null"));
  const auto needs_workspace = [](Launch& launch) { launch.args.workspace = nullptr, launch.checked.workspace_bytes = 4096; };
  CHECK_THAT(why(kRanges, needs_workspace), Contains("workspace is a null pointer; the launch plan needs 4096 bytes"));
}

TEST_CASE("a misaligned pointer is named, on the CPU only where an element is") {
  const auto shift = [](std::ptrdiff_t bytes, Backend backend) {
    return [=](Launch& launch) { launch.args.k = shifted(launch.args.k, bytes), launch.checked.backend = backend; };
  };
  CHECK_THAT(why(kRanges, shift(8, Backend::Cuda)), Contains("k begins at 0x") && Contains("not a multiple of 16 bytes"));
  CHECK(why(kRanges, shift(8, Backend::Cpu)) == "right");
  CHECK_THAT(why(kRanges, shift(1, Backend::Cpu)), Contains("not a multiple of 2 bytes"));
  CHECK_THAT(why(kRanges, [](Launch& launch) { launch.args.sel = shifted(launch.args.sel, 2); }), Contains("sel begins"));
  CHECK_THAT(why(kRanges, [](Launch& launch) { launch.args.lse = shifted(launch.args.lse, 2); }), Contains("lse begins"));
  CHECK_THAT(why(kRanges, [](Launch& launch) { launch.args.workspace = shifted(launch.args.workspace, 4); }),
             Contains("workspace begins"));
}

TEST_CASE("a stride that is not a multiple of 16 bytes is named with tensor and dimension on CUDA") {
  const auto spoil = [](long long nsajit_selection_args::*stride, Backend backend) {
    return [=](Launch& launch) { launch.args.*stride += 4, launch.checked.backend = backend; };
  };
  using Args = nsajit_selection_args;
  const std::pair<long long Args::*, const char*> strides[] = {
      {&Args::q_b, "q, dimension b"}, {&Args::q_s, "q, dimension s"}, {&Args::q_g, "q, dimension g"},
      {&Args::q_h, "q, dimension h"}, {&Args::k_b, "k, dimension b"}, {&Args::k_g, "k, dimension g"},
      {&Args::k_s, "k, dimension s"}, {&Args::v_b, "v, dimension b"}, {&Args::v_g, "v, dimension g"},
      {&Args::v_s, "v, dimension s"}, {&Args::o_b, "o, dimension b"}, {&Args::o_s, "o, dimension s"},
      {&Args::o_g, "o, dimension g"}, {&Args::o_h, "o, dimension h"}};
  for (const auto& [stride, name] : strides) {
    CHECK_THAT(why(kRanges, spoil(stride, Backend::Cuda)), Contains(name) && Contains("not a multiple of 16"));
    CHECK(why(kRanges, spoil(stride, Backend::Cpu)) == "right");
  }
  CHECK_THAT(why(kRanges, spoil(&Args::k_s, Backend::Cuda)), Contains("k_s=36 elements is 72 bytes"));
}

TEST_CASE("impossible sizes are refused") {
  CHECK_THAT(why(kRanges, [](Launch& launch) { launch.args.S = 131; }), Contains("S=131 is larger than S_kv=130"));
  CHECK_THAT(why(kRanges, [](Launch& launch) { launch.args.n = 5; }), Contains("n=5 entries a row are more than n_sel=4"));
  CHECK_THAT(why(kRanges, [](Launch& launch) { launch.args.B = 0; }), Contains("B=0 is too small"));
  CHECK_THAT(why(kRanges, [](Launch& launch) { launch.args.S_kv = 1LL << 31; }), Contains("32-bit"));
  CHECK_THAT(why(kRanges, [](Launch& launch) { launch.args.scale = std::numeric_limits<float>::quiet_NaN(); }),
             Contains("scale=nan"));
  CHECK_THAT(why(kRanges, [](Launch& launch) { launch.workload.problem.dk = 7; }), Contains("dk=7"));
}

TEST_CASE("entries that are no selection are named by row and entry, through the strides of the copy") {
  Launch launch(kBlocks);
  // Every group padded by two ints, every row by one group: as a slice of a larger tensor lies.
  launch.args.sel_g = 6, launch.args.sel_s = 24, launch.args.sel_b = 5 * 24;
  launch.sel.assign(2 * 5 * 24, -1);
  launch.checked.sel = launch.sel;
  CHECK(launch.why() == "right");
  launch.sel[1 * 120 + 3 * 24 + 2 * 6 + 3] = 9;
  CHECK(launch.why() ==
        "selection arguments: sel, row (b=1, s=3, g=2), entry 3: block 9 is outside the 130 keys (blocks of 16; -1 = unused)");
  launch.sel[1 * 120 + 3 * 24 + 2 * 6 + 3] = 8;  // cut at 130, but there
  CHECK(launch.why() == "right");
  launch.sel[1 * 120 + 3 * 24 + 2 * 6] = 8;
  CHECK_THAT(launch.why(), Contains("(b=1, s=3, g=2), entry 3: block 8 is selected twice, in entry 0 too"));
  CHECK_THAT(why(kRanges, [](Launch& other) { other.sel[8] = 40, other.sel[9] = 39; }),
             Contains("sel, row (b=0, s=0, g=1), entry 0: range [40, 39) ends before it begins"));
}

TEST_CASE("a copy shorter than the strides reach is refused, and without one the entries are not looked at") {
  CHECK_THAT(why(kRanges, [](Launch& launch) { launch.checked.sel = launch.checked.sel.first(200); }),
             Contains("sel, row (b=1, s=3, g=1)") && Contains("the copy has 200"));
  CHECK(why(kRanges, [](Launch& launch) { launch.sel[1] = -5, launch.checked.sel = {}; }) == "right");
}

TEST_CASE("packed sequences that are none are refused, and their rows named by sequence") {
  CHECK_THAT(why(kPacked, [](Launch& launch) { launch.starts[0] = 1; }), Contains("cu_seqlens, b=0: begins at 1"));
  CHECK_THAT(why(kPacked, [](Launch& launch) { launch.starts[3] = -1; }), Contains("cu_seqlens, b=2: from "));
  CHECK_THAT(why(kPacked, [](Launch& launch) { launch.starts[5] += 1; }), Contains("b=4") && Contains("41 rows; 0 to S=40"));
  CHECK_THAT(why(kPacked, [](Launch& launch) { launch.checked.cu_seqlens = {}; }), Contains("has 0 values; 5 sequences have 6"));
  CHECK_THAT(why(kPacked, [](Launch& launch) { launch.args.k_b = 64; }),
             Contains("k, dimension b: the stride k_b=64 is to be 0"));
  CHECK_THAT(why(kPacked, [](Launch& launch) { launch.args.S_kv = 41; }), Contains("S=40 is not S_kv=41"));
  // The last sequence has 40 rows, and block 2 as its last.
  const auto spoil = [](Launch& launch) { launch.sel[launch.sel.size() - 1] = 3; };
  CHECK_THAT(why(kPacked, spoil), Contains("row (b=4, s=39, g=2), entry 1: block 3 is outside the 40 keys"));
}
