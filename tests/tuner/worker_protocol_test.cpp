// Frames and messages: what is sent reads back, and what is broken is refused.

#include "tuner/worker_protocol.h"

#include <cmath>
#include <cstring>
#include <limits>

#include <catch2/catch_all.hpp>

#include "nsajit/error.h"
#include "tests/tuner/fake_candidates.h"

namespace {

using namespace nsajit;
using namespace nsajit::tuner;
using nsajit::testing::fake_binary;
using nsajit::testing::fake_config;
using nsajit::testing::fake_workload;
using nsajit::testing::Fault;

std::optional<Frame> read_back(std::span<const std::byte> bytes) {
  FrameReader reader;
  reader.feed(bytes);
  return reader.take();
}

std::vector<std::byte> prefix_with(std::uint32_t header, std::uint64_t payload) {
  std::vector<std::byte> bytes = encode_frame({});
  std::memcpy(bytes.data() + 4, &header, sizeof header);
  std::memcpy(bytes.data() + 8, &payload, sizeof payload);
  return bytes;
}

}  // namespace

TEST_CASE("a frame reads back, also byte by byte and two at once") {
  const Frame frame{.header = "{\"a\":1}", .payload = {std::byte{1}, std::byte{0}, std::byte{255}}};
  std::vector<std::byte> bytes = encode_frame(frame);
  const std::vector<std::byte> second = encode_frame({.header = "x"});
  bytes.insert(bytes.end(), second.begin(), second.end());
  FrameReader reader;
  std::vector<Frame> frames;
  for (const std::byte byte : bytes) {
    reader.feed({&byte, 1});
    if (auto taken = reader.take()) frames.push_back(*std::move(taken));
  }
  REQUIRE(frames.size() == 2);
  CHECK(frames[0].header == frame.header);
  CHECK(frames[0].payload == frame.payload);
  CHECK(frames[1].header == "x");
  CHECK_FALSE(reader.inside_frame());
}

TEST_CASE("a frame cut short is not taken") {
  const std::vector<std::byte> bytes = encode_frame({.header = "{}", .payload = std::vector<std::byte>(100)});
  for (std::size_t length = 0; length < bytes.size(); ++length) CHECK_FALSE(read_back(std::span(bytes).first(length)));
}

TEST_CASE("text in place of a frame is refused") {
  CHECK_THROWS_AS(read_back(std::as_bytes(std::span("Segmentation fault"))), Error);
}

TEST_CASE("an implausible length is refused before it is waited for") {
  CHECK_THROWS_AS(read_back(prefix_with(0xFFFFFFFFu, 0)), Error);
  CHECK_THROWS_AS(read_back(prefix_with(0, ~std::uint64_t{0})), Error);
}

TEST_CASE("a hello reads back") {
  WorkerHello hello{.target = nsajit::testing::fake_target()};
  hello.error = "no GPU";
  const WorkerHello back = decode_hello(encode(hello));
  CHECK(back.target == hello.target);
  CHECK(back.error == "no GPU");
  CHECK(back.gate_version == kGateVersion);
}

TEST_CASE("a request reads back, and a binary shared by two entries is sent once") {
  const codegen::Binary first = fake_binary(fake_config(Fault::None)), second = fake_binary(fake_config(Fault::Stale));
  const std::vector<RaceEntry> entries{
      {fake_config(Fault::None), &first}, {fake_config(Fault::Stale), &second}, {fake_config(Fault::None), &first}};
  const Frame frame =
      encode_request(RequestKind::Race, fake_workload(), false, {.warmup = 3, .rounds = 9, .min_rounds_us = 1.5}, entries);
  CHECK(frame.payload.size() == first.code.size() + second.code.size());
  const WorkerRequest request = decode_request(frame);
  CHECK(request.kind == RequestKind::Race);
  CHECK(request.workload == fake_workload());
  CHECK_FALSE(request.gate);
  CHECK(request.measure.rounds == 9);
  CHECK(request.measure.min_rounds_us == 1.5);
  REQUIRE(request.entries().size() == 3);
  CHECK(request.entries()[1].config == fake_config(Fault::Stale));
  CHECK(request.entries()[1].binary->code == second.code);
  CHECK(request.entries()[1].binary->entries == second.entries);
  CHECK(request.entries()[0].binary == request.entries()[2].binary);
}

TEST_CASE("a reply reads back, with NaN, infinity and bytes that are not UTF-8") {
  TrialResult result{.status = cache::TrialStatus::Parity, .reason = "bad \xff byte"};
  result.parity.verdicts.push_back(
      {.parity_case = "ragged",
       .tensor = "o",
       .error = {.max_abs = std::nan(""), .mean_abs = -std::numeric_limits<double>::infinity(), .relative_l2 = 2},
       .reason = "r"});
  result.timing.samples_us = {3, 1, 2};
  result.parity_ms = 4.5;
  WorkerReply reply;
  reply.results.push_back(result);
  reply.device_lost = true;
  const WorkerReply back = decode_reply(encode(reply));
  REQUIRE(back.results.size() == 1);
  CHECK(back.device_lost);
  CHECK(back.results[0].status == cache::TrialStatus::Parity);
  CHECK_THAT(back.results[0].reason, Catch::Matchers::StartsWith("bad "));
  CHECK(std::isnan(back.results[0].parity.verdicts.at(0).error.max_abs));
  CHECK(back.results[0].parity.verdicts[0].error.mean_abs == -std::numeric_limits<double>::infinity());
  CHECK(back.results[0].timing.summary.median == 2);
  CHECK(back.results[0].parity_ms == 4.5);
}

TEST_CASE("a request whose binary is longer than its payload is refused") {
  const codegen::Binary binary = fake_binary(fake_config(Fault::None));
  const RaceEntry entry{fake_config(Fault::None), &binary};
  Frame frame = encode_request(RequestKind::Trial, fake_workload(), true, {}, {&entry, 1});
  frame.payload.pop_back();
  CHECK_THROWS_AS(decode_request(frame), Error);
}

TEST_CASE("a malformed header is refused with its name") {
  const auto* header = GENERATE("", "{", "[]", "{\"results\":7}", "{\"error\":\"\",\"device_lost\":1,\"results\":[]}");
  CHECK_THROWS_WITH(decode_reply({.header = header}), Catch::Matchers::StartsWith("worker protocol: malformed reply: "));
}
