// Workload: text form, every validation rule, hash.
#include "nsajit/workload.h"

#include <unordered_set>

#include <catch2/catch_all.hpp>

#include "tests/core/refusal.h"

using namespace nsajit;
using tests::refusal_of;

namespace {

std::string why_invalid(const Workload& workload) {
  const auto refusal = refusal_of([&] { validate(workload); });
  const std::string prefix = "workload " + to_string(workload) + ": ";
  return refusal.message.starts_with(prefix) ? refusal.message.substr(prefix.size()) : "prefix missing: " + refusal.message;
}

}  // namespace

TEST_CASE("only the selection branch is limited to the blocks that exist") {
  CHECK_THROWS_AS(validate(parse_workload("selection,n_sel=16;S=100")), Error);
  for (const char* text : {"sliding;S=100", "compressed;S=1", "scoring;S=100"}) CHECK_NOTHROW(validate(parse_workload(text)));
}

TEST_CASE("a workload prints its problem and then its sizes") {
  const Workload workload{.B = 2, .S = 8192, .S_kv = 16384, .G = 4, .n = 8, .overlap_percent = 50};
  CHECK(to_string(workload) == to_string(Problem{}) + ";B=2,S=8192,S_kv=16384,G=4,n=8,overlap=50");
}

TEST_CASE("a workload with no default left reads back as itself") {
  const Workload workload{.problem = {.dtype = DType::FP32, .dk = 64, .n_sel = 8},
                          .B = 3,
                          .S = 17,
                          .S_kv = 3000000000,
                          .G = 5,
                          .n = 7,
                          .overlap_percent = 33};
  CHECK(parse_workload(to_string(workload)) == workload);
}

TEST_CASE("sizes that are left out follow from the others") {
  const Workload workload = parse_workload("n_sel=8,l_sel=128;S=4096");
  CHECK(workload.S_kv == 4096);
  CHECK(workload.n == 8);
  CHECK(workload.B == 1);
  CHECK(parse_workload("n_sel=8") == parse_workload("n_sel=8;"));
}

TEST_CASE("an unknown size is named beside what is accepted") {
  CHECK(refusal_of([] { parse_workload("bf16;s=4"); }).message ==
        "unknown field of a workload 's'; accepted: B, S, S_kv, G, n, overlap, selection");
  CHECK(refusal_of([] { parse_workload("bf16;S"); }).message ==
        "unknown word in a workload 'S'; accepted: B, S, S_kv, G, n, overlap, selection, each as name=number");
  CHECK(refusal_of([] { parse_workload(";S=4k"); }).message == "workload, field 'S': '4k' is not a whole number");
}

TEST_CASE("a workload whose problem is impossible is refused for the problem") {
  CHECK_THAT(refusal_of([] { validate(Workload{.problem = {.dk = 7}}); }).message,
             Catch::Matchers::EndsWith("dk=7 is not served; head sizes are multiples of 16 in 16..256"));
}

TEST_CASE("sizes below one are refused") {
  CHECK(why_invalid({.B = 0}) == "B=0 is too small; at least 1");
  CHECK(why_invalid({.S = 0}) == "S=0 is too small; at least 1");
  CHECK(why_invalid({.S = 1, .S_kv = -5}) == "S_kv=-5 is too small; at least 1");
  CHECK(why_invalid({.G = 0}) == "G=0 is too small; at least 1");
  CHECK(why_invalid({.n = 0}) == "n=0 is too small; at least 1");
}

TEST_CASE("more queries than positions are refused") {
  CHECK(why_invalid({.S = 1025, .S_kv = 1024}) == "S is larger than S_kv; the queries are the last S of S_kv positions");
}

TEST_CASE("packed sequences with other keys than rows are refused") {
  CHECK(why_invalid({.problem = {.layout = Layout::Varlen}, .S = 1024, .S_kv = 2048}) ==
        "S=1024 is not S_kv=2048; packed sequences (varlen) have as many keys as rows: give both the longest length");
  CHECK_NOTHROW(validate(Workload{.problem = {.layout = Layout::Varlen}, .S = 1024, .S_kv = 1024}));
}

TEST_CASE("positions beyond 32 bits are refused") {
  CHECK(why_invalid({.S_kv = 2147483648}) == "S_kv is too large; token positions are 32-bit in ranges and block indices");
}

TEST_CASE("more blocks than the problem has room for are refused") {
  CHECK(why_invalid({.n = 17}) == "n=17 is larger than n_sel=16");
}

TEST_CASE("more blocks than exist are refused, and the last partial block counts") {
  CHECK(why_invalid({.S = 960, .S_kv = 960}) ==
        "n=16 blocks are selected of 15 that exist (S_kv=960, l_sel=64); lower n or raise S_kv");
  CHECK_NOTHROW(validate(Workload{.S = 961, .S_kv = 961}));
}

TEST_CASE("an overlap that is not a percentage is refused") {
  CHECK(why_invalid({.overlap_percent = 101}) == "overlap=101 is not a percentage; 0..100");
  CHECK(why_invalid({.overlap_percent = -1}) == "overlap=-1 is not a percentage; 0..100");
}

TEST_CASE("a recorded selection is printed only where there is one, and read back") {
  const Workload recorded{.overlap_percent = 40, .selection = 0x00f0000000000a01};
  CHECK(to_string(recorded) == to_string(Workload{.overlap_percent = 40}) + ",selection=00f0000000000a01");
  CHECK(parse_workload(to_string(recorded)) == recorded);
  CHECK(recorded != Workload{.overlap_percent = 40});
  for (const char* digits :
       {"f0000000000a01", "00F0000000000A01", "0000000000000000", "x0f0000000000a01", "100f0000000000a01", ""}) {
    CAPTURE(digits);
    CHECK_THAT(refusal_of([&] { parse_workload(std::string(";selection=") + digits); }).message,
               Catch::Matchers::Contains("16 hexadecimal digits"));
  }
}

TEST_CASE("rows of a recorded selection may have more entries than there are blocks") {
  CHECK_NOTHROW(validate(Workload{.S = 64, .S_kv = 64, .selection = 1}));
}

TEST_CASE("a recorded selection where there can be none is refused") {
  CHECK_THAT(why_invalid({.problem = {.branch = Branch::Sliding}, .selection = 1}),
             Catch::Matchers::Contains("only the selection branch"));
  CHECK_THAT(why_invalid({.problem = {.layout = Layout::Varlen}, .selection = 1}), Catch::Matchers::Contains("layout varlen"));
}

TEST_CASE("a change of any one field changes the hash of a workload") {
  const std::unordered_set<Workload> workloads{Workload{}, {.problem = {.dk = 64}}, {.B = 2},
                                               {.S = 512}, {.S_kv = 2048},          {.G = 2},
                                               {.n = 8},   {.overlap_percent = 50}, {.selection = 5}};
  std::unordered_set<std::size_t> hashes;
  for (const Workload& workload : workloads) hashes.insert(std::hash<Workload>()(workload));
  CHECK(workloads.size() == 9);
  CHECK(hashes.size() == 9);
}
