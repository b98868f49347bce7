// The C interface: right results in both layouts, statuses and words for what is wrong.

#include <catch2/catch_all.hpp>

#include <cstring>
#include <string>

#include "nsajit/selection_args.h"
#include "tests/abi/attention_case.h"

namespace nsajit::testing {
using Catch::Matchers::Contains;
namespace {

std::string failure(nsajit_status status, nsajit_status expected) {
  CHECK(status == expected);
  return nsajit_last_error();
}

}  // namespace

TEST_CASE("header and library are of one ABI version", "[abi]") {
  CHECK(nsajit_abi_version() == NSAJIT_ABI_VERSION);
  CHECK(std::string(nsajit_version()) == "0.1.0");
}

TEST_CASE("selection forward is right in both layouts, prefill and decode", "[abi]") {
  const CpuContext context;
  REQUIRE(context.status() == NSAJIT_OK);
  for (const CaseLayout layout : {CaseLayout::Grouped, CaseLayout::Flash}) {
    for (const std::int64_t S : {1, 40}) {
      AttentionCase test(S, 71, layout);
      const nsajit_call call = test.call();
      REQUIRE(nsajit_selection_forward(context.get(), &call) == NSAJIT_OK);
      CHECK(test.selection_error() < 1e-5);
    }
  }
}

TEST_CASE("rows are padded to more entries than there are blocks yet", "[abi]") {
  const CpuContext context;
  AttentionCase test(7, 7);
  const nsajit_call call = test.call();
  REQUIRE(nsajit_selection_forward(context.get(), &call) == NSAJIT_OK);
  CHECK(test.selection_error() < 1e-5);
}

TEST_CASE("sliding forward is right", "[abi]") {
  const CpuContext context;
  AttentionCase test(40, 71);
  const nsajit_call call = test.call();
  REQUIRE(nsajit_sliding_forward(context.get(), &call) == NSAJIT_OK);
  CHECK(test.largest_error([](std::int64_t t, std::int64_t token) { return token > t - 20; }) < 1e-5);
}

TEST_CASE("strided tensors are read where they lie", "[abi]") {
  const CpuContext context;
  AttentionCase test(1, 50), longer(1, 71);
  longer.q = test.q;
  nsajit_call call = longer.call();  // the first 50 of 71 keys, as in a cache that is not full
  call.k.shape[2] = call.v.shape[2] = 50;
  REQUIRE(nsajit_selection_forward(context.get(), &call) == NSAJIT_OK);
  for (std::int64_t head = 0; head < AttentionCase::B * AttentionCase::G; ++head) {
    std::copy_n(longer.k.begin() + head * 71 * AttentionCase::dk, 50 * AttentionCase::dk,
                test.k.begin() + head * 50 * AttentionCase::dk);
    std::copy_n(longer.v.begin() + head * 71 * AttentionCase::dv, 50 * AttentionCase::dv,
                test.v.begin() + head * 50 * AttentionCase::dv);
  }
  test.blocks = longer.blocks;
  const nsajit_call whole = test.call();
  REQUIRE(nsajit_selection_forward(context.get(), &whole) == NSAJIT_OK);
  CHECK(test.o == longer.o);
}

TEST_CASE("blocks are selected as ranges and as indices, and attended to", "[abi]") {
  const CpuContext context;
  AttentionCase test(40, 80);
  nsajit_call call = test.call();
  call.S_kv = 80;
  call.dv = AttentionCase::dv;
  call.k.shape[2] = 5;  // 80 tokens, blocks of 16: five compressed keys, strides as they are
  call.lse.data = nullptr;
  std::vector<int> blocks(static_cast<std::size_t>(2 * 40 * 2 * 4)), ranges(2 * blocks.size());
  call.sel = AttentionCase::tensor(blocks.data(), {2, 40, 2, 4}, NSAJIT_INT32);
  REQUIRE(nsajit_select_blocks(context.get(), &call) == NSAJIT_OK);
  call.sel = AttentionCase::tensor(ranges.data(), {2, 40, 2, 4, 2}, NSAJIT_INT32);
  REQUIRE(nsajit_select_blocks(context.get(), &call) == NSAJIT_OK);
  for (std::size_t row = 0; row < blocks.size() / 4; ++row) {
    CHECK(blocks[4 * row] == 0);
    const int t = 40 + static_cast<int>(row / 2 % 40);
    int last = 0;
    for (std::size_t i = 0; i < 4; ++i) last = std::max(last, ranges[8 * row + 2 * i + 1]);
    CHECK(last == t + 1);  // the row's own block is always in
  }
}

TEST_CASE("a handle is bound once, says what it is and launches argument structs", "[abi]") {
  const CpuContext context;
  AttentionCase test(40, 71);
  const nsajit_call call = test.call();
  nsajit_kernel* kernel = nullptr;
  REQUIRE(nsajit_selection_kernel(context.get(), &call, &kernel) == NSAJIT_OK);
  nsajit_kernel_facts facts{};
  facts.struct_bytes = sizeof facts;
  REQUIRE(nsajit_kernel_info(kernel, &facts) == NSAJIT_OK);
  CHECK_THAT(facts.workload, Contains("selection,forward,fp32,dk=32,dv=16") && Contains("S=40,S_kv=71,G=2,n=2"));
  CHECK(std::string(facts.grade) == "fallback");
  CHECK_THAT(facts.config, Contains("packed_sdpa"));
  CHECK_THAT(facts.reason, Contains("nothing is stored"));
  CHECK(facts.threshold == -1);

  nsajit_kernel* same = nullptr;
  REQUIRE(nsajit_bind(context.get(), facts.workload, &same) == NSAJIT_OK);
  nsajit_selection_args args{};
  args.q = test.q.data(), args.k = test.k.data(), args.v = test.v.data(), args.o = test.o.data(), args.lse = test.lse.data();
  args.sel = test.blocks.data();
  args.q_h = 32, args.q_g = 96, args.q_s = 192, args.q_b = 40 * 192;
  args.k_s = 32, args.k_g = 71 * 32, args.k_b = 2 * 71 * 32;
  args.v_s = 16, args.v_g = 71 * 16, args.v_b = 2 * 71 * 16;
  args.o_h = 16, args.o_g = 48, args.o_s = 96, args.o_b = 40 * 96;
  args.lse_h = 1, args.lse_g = 3, args.lse_s = 6, args.lse_b = 40 * 6;
  args.sel_g = 2, args.sel_s = 4, args.sel_b = 160;
  args.B = 2, args.S = 40, args.S_kv = 71, args.G = 2, args.n = 2;
  args.scale = 1 / std::sqrt(32.0f);
  REQUIRE(nsajit_kernel_launch(same, &args, sizeof args, nullptr) == NSAJIT_OK);
  CHECK(test.selection_error() < 1e-5);
  CHECK_THAT(failure(nsajit_kernel_launch(same, &args, 8, nullptr), NSAJIT_INVALID_ARGUMENT), Contains("8 bytes of arguments"));
  nsajit_kernel_release(same);
  nsajit_kernel_release(kernel);
}

TEST_CASE("a kernel outlives the context that it was bound on", "[abi]") {
  nsajit_kernel* kernel = nullptr;
  {
    const CpuContext context;
    REQUIRE(nsajit_bind(context.get(), "sliding,fp32,dk=32,dv=16,group=3;B=2,S=4,S_kv=9,G=2", &kernel) == NSAJIT_OK);
  }
  nsajit_kernel_facts facts{};
  facts.struct_bytes = sizeof facts;
  CHECK(nsajit_kernel_info(kernel, &facts) == NSAJIT_OK);
  CHECK_THAT(facts.workload, Contains("sliding"));
  nsajit_kernel_release(kernel);
}

TEST_CASE("what is wrong with a call is said by tensor and dimension", "[abi]") {
  const CpuContext context;
  AttentionCase test(40, 71);
  const auto refused = [&](auto&& change) {
    nsajit_call call = test.call();
    change(call);
    return failure(nsajit_selection_forward(context.get(), &call), NSAJIT_INVALID_ARGUMENT);
  };
  CHECK_THAT(refused([](nsajit_call& c) { c.q.ndim = 3; }), Contains("selection_forward: q has 3 dimensions"));
  CHECK_THAT(refused([](nsajit_call& c) { c.k.dtype = NSAJIT_BF16; }), Contains("k has dtype bf16; it has to be fp32"));
  CHECK_THAT(refused([](nsajit_call& c) { c.v.shape[2] = 70; }),
             Contains("v has shape [2, 2, 70, 16]") && Contains("[2, 2, 71, 16]"));
  CHECK_THAT(refused([](nsajit_call& c) { c.o.data = nullptr; }), Contains("o is a null pointer"));
  CHECK_THAT(refused([](nsajit_call& c) { c.q.strides[4] = 2; }), Contains("q has stride 2 in its last dimension"));
  CHECK_THAT(refused([](nsajit_call& c) { c.sel.dtype = NSAJIT_FP32; }), Contains("sel has dtype fp32; it has to be int32"));
  CHECK_THAT(refused([](nsajit_call& c) { c.sparsity.n_sel = 1; }), Contains("n=2 is larger than n_sel=1"));
  CHECK_THAT(refused([](nsajit_call& c) { c.struct_bytes = 12345; }),
             Contains("struct_bytes is 12345") && Contains("sizeof(nsajit_call)"));
  CHECK_THAT(failure(nsajit_selection_forward(nullptr, nullptr), NSAJIT_INVALID_ARGUMENT), Contains("context is NULL"));
}

TEST_CASE("a call without rows does nothing", "[abi]") {
  const CpuContext context;
  AttentionCase test(40, 71);
  nsajit_call call = test.call();
  call.q.shape[1] = 0;
  CHECK(nsajit_selection_forward(context.get(), &call) == NSAJIT_OK);
  std::int64_t bytes = -1;
  CHECK(nsajit_selection_workspace_bytes(context.get(), &call, &bytes) == NSAJIT_OK);
  CHECK(bytes == 0);
}

TEST_CASE("a context that cannot be made says why", "[abi]") {
  nsajit_context* context = nullptr;
  const nsajit_context_options unknown{sizeof unknown, "tpu", nullptr, 0};
  CHECK_THAT(failure(nsajit_context_create(&unknown, &context), NSAJIT_INVALID_ARGUMENT), Contains("unknown device 'tpu'"));
  const nsajit_context_options flags{sizeof flags, "cpu", nullptr, 1u << 20};
  CHECK_THAT(failure(nsajit_context_create(&flags, &context), NSAJIT_INVALID_ARGUMENT), Contains("flags 0x100000"));
  CHECK(context == nullptr);
}

TEST_CASE("a frozen context never compiles", "[abi]") {
  const CpuContext context(NSAJIT_FROZEN);
  AttentionCase test(4, 40);
  const nsajit_call call = test.call();
  CHECK_THAT(failure(nsajit_selection_forward(context.get(), &call), NSAJIT_FROZEN_MISS), Contains("frozen"));
}

TEST_CASE("a context names its device, and a refresh of an unchanged cache changes nothing", "[abi]") {
  const CpuContext context;
  const char* text = nullptr;
  REQUIRE(nsajit_context_device(context.get(), &text) == NSAJIT_OK);
  CHECK(std::strncmp(text, "cpu;name=", 9) == 0);
  std::int64_t changed = -1;
  CHECK(nsajit_refresh(context.get(), &changed) == NSAJIT_OK);
  CHECK(changed == 0);
}

}  // namespace nsajit::testing
