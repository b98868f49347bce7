// A decode step through the C interface, on the CPU: what its five calls give, lengths, pages, the choice, refusals, and the
// forward pass that it serves.

#include <catch2/catch_all.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "nsajit/forward.h"
#include "tests/abi/forward_case.h"
#include "tests/support/variable.h"

namespace nsajit::testing {
namespace {
using Catch::Matchers::Contains;

constexpr std::int64_t B = ForwardCase::B, G = ForwardCase::G, dk = ForwardCase::dk, dv = ForwardCase::dv;
constexpr int kChosen = ForwardCase::kSparsity.n_sel;

nsajit_decode_call step_of(ForwardCase& test) {
  const nsajit_forward_call whole = test.call();
  nsajit_decode_call call{};
  call.struct_bytes = sizeof call;
  call.q = whole.q, call.gates = whole.gates, call.o = whole.o;
  call.k_cmp = whole.k_cmp, call.v_cmp = whole.v_cmp;
  call.k_sel = whole.k_sel, call.v_sel = whole.v_sel;
  call.k_win = whole.k_win, call.v_win = whole.v_win;
  call.sparsity = whole.sparsity;
  return call;
}

nsajit_status run(nsajit_context* context, nsajit_decode_call call) {
  std::int64_t bytes = -1;
  const nsajit_status status = nsajit_decode_workspace_bytes(context, &call, &bytes);
  if (status != NSAJIT_OK) return status;
  const Workspace workspace(bytes);
  call.workspace = workspace.get(), call.workspace_bytes = bytes;
  const nsajit_status ran = nsajit_decode(context, &call);
  return workspace.end_is_intact() ? ran : NSAJIT_INTERNAL;
}

double distance(const std::vector<float>& a, const std::vector<float>& b) {
  double worst = a.size() == b.size() ? 0 : INFINITY;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    const double apart = std::abs(double{a[i]} - b[i]);
    worst = std::isnan(apart) ? INFINITY : std::max(worst, apart);
  }
  return worst;
}

// A cache [B,G,rows,size] in pages of `page` rows, the last page of all sequences first.
std::vector<float> in_pages(const std::vector<float>& cache, std::int64_t rows, std::int64_t size, std::int64_t page,
                            std::int64_t pages) {
  std::vector<float> made(static_cast<std::size_t>(B * pages * G * page * size), NAN);
  for (std::int64_t b = 0; b < B; ++b)
    for (std::int64_t g = 0; g < G; ++g)
      for (std::int64_t row = 0; row < rows; ++row) {
        const std::int64_t of = B * pages - 1 - (b * pages + row / page);
        std::copy_n(cache.begin() + ((b * G + g) * rows + row) * size, size,
                    made.begin() + ((of * G + g) * page + row % page) * size);
      }
  return made;
}

}  // namespace

TEST_CASE("a decode step gives what its five calls give, in both layouts", "[abi]") {
  const CpuContext context;
  for (const CaseLayout layout : {CaseLayout::Grouped, CaseLayout::Flash}) {
    for (const std::int64_t S_kv : {131, 64, 15, 1}) {
      ForwardCase test(1, S_kv, layout);
      const ForwardCase::Parts parts = test.run_parts(context.get());
      INFO("S_kv=" << S_kv << " " << nsajit_last_error());
      REQUIRE(run(context.get(), step_of(test)) == NSAJIT_OK);
      CHECK(distance(test.o, parts.o) < 1e-5);
      nsajit_decode_call one = step_of(test);
      one.only_branch = 2;
      REQUIRE(run(context.get(), one) == NSAJIT_OK);
      CHECK(distance(test.o, parts.o_sel) < 1e-5);
    }
  }
}

TEST_CASE("a decode step says which blocks it chose", "[abi]") {
  const CpuContext context;
  ForwardCase test(1, 131);
  const ForwardCase::Parts parts = test.run_parts(context.get());
  std::vector<int> blocks(static_cast<std::size_t>(B * G * kChosen), -7);
  nsajit_decode_call call = step_of(test);
  call.blocks = AttentionCase::tensor(blocks.data(), {B, 1, G, kChosen}, NSAJIT_INT32);
  REQUIRE(run(context.get(), call) == NSAJIT_OK);
  for (std::size_t row = 0; row < static_cast<std::size_t>(B * G); ++row) {
    int tokens = 0;
    for (std::size_t i = 0; i < kChosen; ++i) {
      const int block = blocks[row * kChosen + i];
      const auto first = parts.ranges.begin() + static_cast<std::ptrdiff_t>(row * kChosen * 2);
      tokens += std::min(131, (block + 1) * 16) - block * 16;
      bool inside = false;
      for (int range = 0; range < kChosen; ++range)
        inside = inside || (first[2 * range] <= block * 16 && block * 16 < first[2 * range + 1]);
      CHECK(inside);
    }
    CHECK(tokens == 3 * 16 + 3);
  }
}

TEST_CASE("a shorter sequence has what it has alone, and nothing behind it is read", "[abi]") {
  const CpuContext context;
  ForwardCase test(1, 131);
  std::vector<int> lengths{131, 60};
  nsajit_decode_call alone = step_of(test);
  alone.S_kv = 60;
  REQUIRE(run(context.get(), alone) == NSAJIT_OK);
  const std::vector<float> short_o = test.o;
  const std::size_t half = test.o.size() / 2;
  for (std::int64_t g = 0; g < G; ++g)  // of the second sequence
    for (std::int64_t token = 60; token < 131; ++token)
      for (std::int64_t c = 0; c < dk; ++c) test.k_sel[static_cast<std::size_t>(((G + g) * 131 + token) * dk + c)] = NAN;
  nsajit_decode_call call = step_of(test);
  call.lengths = AttentionCase::tensor(lengths.data(), {B}, NSAJIT_INT32);
  REQUIRE(run(context.get(), call) == NSAJIT_OK);
  CHECK(std::equal(test.o.begin() + static_cast<std::ptrdiff_t>(half), test.o.end(),
                   short_o.begin() + static_cast<std::ptrdiff_t>(half)));
  CHECK_FALSE(std::equal(test.o.begin(), test.o.begin() + static_cast<std::ptrdiff_t>(half), short_o.begin()));
}

TEST_CASE("caches in pages give the bits of caches in one piece", "[abi]") {
  const CpuContext context;
  ForwardCase test(1, 131);
  REQUIRE(run(context.get(), step_of(test)) == NSAJIT_OK);
  const std::vector<float> expected = test.o;
  constexpr std::int64_t page = 32, pages = 5, rows = page / ForwardCase::kSparsity.d;
  std::vector<float> k_cmp = in_pages(test.k_cmp, test.S_cmp, dk, rows, pages),
                     v_cmp = in_pages(test.v_cmp, test.S_cmp, dv, rows, pages),
                     k_sel = in_pages(test.k_sel, 131, dk, page, pages), v_sel = in_pages(test.v_sel, 131, dv, page, pages),
                     k_win = in_pages(test.k_win, 131, dk, page, pages), v_win = in_pages(test.v_win, 131, dv, page, pages);
  std::vector<int> table(static_cast<std::size_t>(B * pages));
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = static_cast<int>(table.size() - 1 - i);
  nsajit_decode_call call = step_of(test);
  const auto paged = [](std::vector<float>& data, std::int64_t tokens, std::int64_t size) {
    return AttentionCase::tensor(data.data(), {B * pages, G, tokens, size});
  };
  call.k_cmp = paged(k_cmp, rows, dk), call.v_cmp = paged(v_cmp, rows, dv);
  call.k_sel = paged(k_sel, page, dk), call.v_sel = paged(v_sel, page, dv);
  call.k_win = paged(k_win, page, dk), call.v_win = paged(v_win, page, dv);
  call.block_table = AttentionCase::tensor(table.data(), {B, pages}, NSAJIT_INT32);
  call.S_kv = 131;
  INFO(nsajit_last_error());
  REQUIRE(run(context.get(), call) == NSAJIT_OK);
  CHECK(test.o == expected);
}

TEST_CASE("a forward pass of one query is the decode step, and five launches where its choice is wanted", "[abi]") {
  const CpuContext context;
  for (const CaseLayout layout : {CaseLayout::Grouped, CaseLayout::Flash}) {
    ForwardCase test(1, 131, layout);
    const ForwardCase::Parts parts = test.run_parts(context.get());
    REQUIRE(run(context.get(), step_of(test)) == NSAJIT_OK);
    const std::vector<float> step = test.o;
    REQUIRE(test.run(context.get(), test.call()) == NSAJIT_OK);
    CHECK(test.o == step);
    std::vector<int> ranges(parts.ranges.size());
    nsajit_forward_call call = test.call();
    call.sel = AttentionCase::tensor(ranges.data(), {B, 1, G, kChosen, 2}, NSAJIT_INT32);
    REQUIRE(test.run(context.get(), call) == NSAJIT_OK);
    CHECK(test.o == parts.o);
    CHECK(ranges == parts.ranges);
  }
}

TEST_CASE("a toggle of one branch keeps a forward pass of one query at five launches", "[abi]") {
  ForwardCase test(1, 131);
  nsajit_forward_call call = test.call();
  std::int64_t fused = 0, apart = 0;
  const CpuContext open;
  REQUIRE(nsajit_forward_workspace_bytes(open.get(), &call, &fused) == NSAJIT_OK);
  const Variable variable("NSA_USE_FA2_WIN", "0");
  const CpuContext told;
  REQUIRE(nsajit_forward_workspace_bytes(told.get(), &call, &apart) == NSAJIT_OK);
  CHECK(fused != apart);
  REQUIRE(test.run(told.get(), test.call()) == NSAJIT_OK);
  const std::vector<float> o = test.o;
  CHECK(o == test.run_parts(told.get()).o);
}

TEST_CASE("a decode step that cannot be is refused with what is wrong", "[abi]") {
  const CpuContext context;
  ForwardCase test(1, 131);
  const auto refusal = [&](nsajit_decode_call call) {
    CHECK(run(context.get(), call) == NSAJIT_INVALID_ARGUMENT);
    return std::string(nsajit_last_error());
  };
  nsajit_decode_call call = step_of(test);
  call.q.shape[1] = 2;
  CHECK_THAT(refusal(call), Contains("2 positions"));
  call = step_of(test);
  call.k_cmp.shape[2] -= 1;
  CHECK_THAT(refusal(call), Contains("k_cmp has 14 rows"));
  call = step_of(test);
  call.only_branch = 4;
  CHECK_THAT(refusal(call), Contains("only_branch is 4"));
  call = step_of(test);
  call.S_kv = 132;
  CHECK_THAT(refusal(call), Contains("S_kv is 132; the caches hold 131"));
  ForwardCase other(2, 131);
  CHECK(other.run(context.get(), other.call()) == NSAJIT_OK);  // two queries: five launches
}

}  // namespace nsajit::testing
