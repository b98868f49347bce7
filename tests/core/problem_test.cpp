// Problem: text form, every validation rule, hash.
#include "nsajit/problem.h"

#include <unordered_set>

#include <catch2/catch_all.hpp>

#include "tests/core/refusal.h"

using namespace nsajit;
using tests::refusal_of;

namespace {

std::string why_invalid(const Problem& problem) {
  const auto refusal = refusal_of([&] { validate(problem); });
  const std::string prefix = "problem " + to_string(problem) + ": ";
  return refusal.message.starts_with(prefix) ? refusal.message.substr(prefix.size()) : "prefix missing: " + refusal.message;
}

std::string why_unread(const std::string& text) {
  const auto refusal = refusal_of([&] { parse_problem(text); });
  return refusal.code == ErrorCode::InvalidArgument ? refusal.message : "accepted";
}

}  // namespace

TEST_CASE("the default problem prints every field of the tuple in a fixed order") {
  CHECK(to_string(Problem{}) == "selection,forward,bf16,dk=128,dv=128,l=32,d=16,l_sel=64,n_sel=16,w=512,group=16,grouped,ranges");
}

TEST_CASE("a problem with no default left reads back as itself") {
  const Problem problem{.branch = Branch::Sliding,
                        .pass = Pass::Backward,
                        .dtype = DType::FP32,
                        .dk = 192,
                        .dv = 96,
                        .l = 48,
                        .d = 8,
                        .l_sel = 128,
                        .n_sel = 8,
                        .w = 0,
                        .group = 6,
                        .layout = Layout::Varlen,
                        .input = SelectionInput::Blocks};
  CHECK(parse_problem(to_string(problem)) == problem);
}

TEST_CASE("each enumerator reads back as itself") {
  const auto branch =
      GENERATE(Branch::Selection, Branch::Compressed, Branch::Scoring, Branch::Sliding, Branch::Gate, Branch::Decode);
  const auto pass = GENERATE(Pass::Forward, Pass::Backward, Pass::Decode);
  const auto dtype = GENERATE(DType::BF16, DType::FP16, DType::FP32);
  const auto layout = GENERATE(Layout::Grouped, Layout::Flash, Layout::Varlen);
  const auto input = GENERATE(SelectionInput::Ranges, SelectionInput::Blocks);
  const Problem problem{.branch = branch, .pass = pass, .dtype = dtype, .layout = layout, .input = input};
  CHECK(parse_problem(to_string(problem)) == problem);
  CHECK(parse_branch(to_string(branch)) == branch);
  CHECK(parse_pass(to_string(pass)) == pass);
  CHECK(parse_dtype(to_string(dtype)) == dtype);
  CHECK(parse_layout(to_string(layout)) == layout);
  CHECK(parse_selection_input(to_string(input)) == input);
}

TEST_CASE("what a text leaves out keeps its default") {
  CHECK(parse_problem("") == Problem{});
  CHECK(parse_problem("dk=64, fp16") == Problem{.dtype = DType::FP16, .dk = 64});
}

TEST_CASE("h is an alias of group") {
  CHECK(parse_problem("h=4").group == 4);
  CHECK(why_unread("h=4,group=4") == "problem 'h=4,group=4': 'h' and 'group' are the same field");
}

TEST_CASE("the word decode is the branch in front and the pass elsewhere") {
  CHECK(parse_problem("decode").branch == Branch::Decode);
  CHECK(parse_problem("decode").pass == Pass::Forward);
  CHECK(parse_problem("selection,decode").pass == Pass::Decode);
  CHECK(parse_problem("decode,decode") == Problem{.branch = Branch::Decode, .pass = Pass::Decode});
  CHECK(parse_problem("bf16,decode") == Problem{.pass = Pass::Decode});
}

TEST_CASE("an unknown word is named beside what is accepted") {
  CHECK(why_unread("selection,bf17") ==
        "unknown word in a problem 'bf17'; accepted: selection, compressed, scoring, sliding, gate, pooling, decode, forward, "
        "backward, decode, bf16, fp16, fp32, grouped, flash, varlen, ranges, blocks, dk=, dv=, l=, d=, l_sel=, n_sel=, "
        "w=, group=");
  CHECK_THAT(why_unread("head=4"), Catch::Matchers::StartsWith("unknown field of a problem 'head'; accepted: selection"));
}

TEST_CASE("a number that is malformed is named with its field") {
  CHECK(why_unread("dk=abc") == "problem, field 'dk': 'abc' is not a whole number");
  CHECK(why_unread("dk=") == "problem, field 'dk': '' is not a whole number");
  CHECK(why_unread("dk=99999999999") == "problem, field 'dk': '99999999999' does not fit a 32-bit integer");
}

TEST_CASE("two words of one kind are refused") {
  CHECK(why_unread("bf16,fp16") == "problem 'bf16,fp16': 'fp16' is the second word of its kind");
}

TEST_CASE("each enum parser names the text and lists its names") {
  CHECK(refusal_of([] { parse_branch("x"); }).message ==
        "unknown branch 'x'; accepted: selection, compressed, scoring, sliding, gate, pooling, decode");
  CHECK(refusal_of([] { parse_pass("x"); }).message == "unknown pass 'x'; accepted: forward, backward, decode");
  CHECK(refusal_of([] { parse_dtype("x"); }).message == "unknown dtype 'x'; accepted: bf16, fp16, fp32");
  CHECK(refusal_of([] { parse_layout("x"); }).message == "unknown layout 'x'; accepted: grouped, flash, varlen");
  CHECK(refusal_of([] { parse_selection_input("x"); }).message == "unknown selection input 'x'; accepted: ranges, blocks");
}

TEST_CASE("the tuples that users run are valid") {
  CHECK_NOTHROW(validate(Problem{.dk = 32, .dv = 32, .group = 4}));
  CHECK_NOTHROW(validate(Problem{.dk = 192, .dv = 128, .group = 16}));
  CHECK_NOTHROW(validate(Problem{.dk = 16, .dv = 256, .l = 16, .l_sel = 16, .n_sel = 1, .w = 0, .group = 1}));
  CHECK_NOTHROW(validate(Problem{.group = 64}));
}

TEST_CASE("a head size that no kernel serves is refused") {
  const std::string rule = " is not served; head sizes are multiples of 16 in 16..256";
  CHECK(why_invalid({.dk = 7}) == "dk=7" + rule);
  CHECK(why_invalid({.dk = 0}) == "dk=0" + rule);
  CHECK(why_invalid({.dk = 272}) == "dk=272" + rule);
  CHECK(why_invalid({.dv = 100}) == "dv=100" + rule);
  CHECK(why_invalid({.dv = -16}) == "dv=-16" + rule);
}

TEST_CASE("block lengths must be multiples of the stride") {
  CHECK(why_invalid({.l_sel = 72}) == "l_sel=72 is not a multiple of the compression stride d=16");
  CHECK(why_invalid({.l = 24}) == "l=24 is not a multiple of the compression stride d=16");
}

TEST_CASE("lengths and counts below one are refused") {
  CHECK(why_invalid({.l = 0}) == "l=0 is too small; at least 1");
  CHECK(why_invalid({.d = 0}) == "d=0 is too small; at least 1");
  CHECK(why_invalid({.l_sel = -64}) == "l_sel=-64 is too small; at least 1");
  CHECK(why_invalid({.n_sel = 0}) == "n_sel=0 is too small; at least 1");
  CHECK(why_invalid({.w = -1}) == "w=-1 is too small; at least 0");
}

TEST_CASE("a group outside 1 to 64 is refused") {
  CHECK(why_invalid({.group = 0}) == "group=0 is not served; 1..64 query heads share a KV head");
  CHECK(why_invalid({.group = 65}) == "group=65 is not served; 1..64 query heads share a KV head");
}

TEST_CASE("a change of any one field changes the hash of a problem") {
  const std::unordered_set<Problem> problems{Problem{},
                                             {.branch = Branch::Gate},
                                             {.pass = Pass::Backward},
                                             {.dtype = DType::FP16},
                                             {.dk = 64},
                                             {.dv = 64},
                                             {.l = 64},
                                             {.d = 8},
                                             {.l_sel = 128},
                                             {.n_sel = 8},
                                             {.w = 256},
                                             {.group = 4},
                                             {.layout = Layout::Flash},
                                             {.input = SelectionInput::Blocks}};
  std::unordered_set<std::size_t> hashes;
  for (const Problem& problem : problems) hashes.insert(std::hash<Problem>()(problem));
  CHECK(problems.size() == 14);
  CHECK(hashes.size() == 14);
}

TEST_CASE("dtype sizes are in bytes") {
  CHECK(element_bytes(DType::BF16) == 2);
  CHECK(element_bytes(DType::FP16) == 2);
  CHECK(element_bytes(DType::FP32) == 4);
}
