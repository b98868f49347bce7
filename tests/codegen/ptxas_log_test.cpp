// Reading ptxas's figures, on logs as NVRTC wrote them.
#include "codegen/ptxas_log.h"

#include <catch2/catch_all.hpp>

using namespace nsajit::codegen;

namespace {

// NVRTC 13.0, two kernels; `calls` has a device function that was not inlined.
constexpr std::string_view kNvrtc13 = R"(ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'calls' for 'sm_80'
ptxas info    : Function properties for calls
ptxas         .     16 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 31 registers, used 0 barriers, 360 bytes cmem[0]
ptxas info    : Compile time = 5.638 ms
ptxas info    : Function properties for _Z4slowPfi
ptxas         .     96 bytes stack frame, 8 bytes spill stores, 8 bytes spill loads
ptxas info    : Compiling entry function 'spills' for 'sm_80'
ptxas info    : Function properties for spills
ptxas         .     2336 bytes stack frame, 3924 bytes spill stores, 4792 bytes spill loads
ptxas info    : Used 32 registers, used 1 barriers, 2336 bytes cumulative stack size, 1024 bytes smem, 368 bytes cmem[0]
ptxas info    : Compile time = 178.372 ms
)";

// The shape of CUDA 11 and 12: indented properties, shared memory as "smem" after the barriers.
constexpr std::string_view kCuda11 =
    "ptxas info    : 0 bytes gmem\n"
    "ptxas info    : Compiling entry function 'k' for 'sm_86'\n"
    "ptxas info    : Function properties for k\n"
    "    8 bytes stack frame, 12 bytes spill stores, 16 bytes spill loads\n"
    "ptxas info    : Used 255 registers, 49152 bytes smem, 472 bytes cmem[0]\n";

}  // namespace

TEST_CASE("each kernel of a log has its own figures") {
  const auto entries = parse_ptxas_log(kNvrtc13);
  REQUIRE(entries.size() == 2);
  CHECK(entries[1].name == "spills");
  CHECK(entries[1].registers == 32);
  CHECK(entries[1].static_smem_bytes == 1024);
  CHECK(entries[1].stack_bytes == 2336);
  CHECK(entries[1].spill_store_bytes == 3924);
  CHECK(entries[1].spill_load_bytes == 4792);
}

TEST_CASE("the figures of a called device function are not the kernel's") {
  const auto entries = parse_ptxas_log(kNvrtc13);
  REQUIRE(entries.size() == 2);
  CHECK(entries[0].name == "calls");
  CHECK(entries[0].registers == 31);
  CHECK(entries[0].stack_bytes == 16);
  CHECK(entries[0].spill_store_bytes == 0);
  CHECK(entries[0].static_smem_bytes == 0);
}

TEST_CASE("the older form of the log is read") {
  const auto entries = parse_ptxas_log(kCuda11);
  REQUIRE(entries.size() == 1);
  CHECK(entries[0].registers == 255);
  CHECK(entries[0].static_smem_bytes == 49152);
  CHECK(entries[0].stack_bytes == 8);
  CHECK(entries[0].spill_store_bytes == 12);
  CHECK(entries[0].spill_load_bytes == 16);
}

TEST_CASE("a log without kernels is empty") {
  CHECK(parse_ptxas_log("").empty());
  CHECK(parse_ptxas_log("t.cu(1): error: identifier \"y\" is undefined\n").empty());
}

TEST_CASE("a log that breaks off keeps what it has") {
  const auto entries = parse_ptxas_log(kNvrtc13.substr(0, kNvrtc13.find("Used 32")));
  REQUIRE(entries.size() == 2);
  CHECK(entries[1].registers == 0);
}
