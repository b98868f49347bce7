// Frames and their JSON headers.

#include "tuner/worker_protocol.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "nsajit/error.h"
#include "tuner/protocol_json.h"

namespace nsajit::tuner {
namespace {

using nlohmann::json;

constexpr std::uint32_t kMagic = 0x314A534E;  // "NSJ1" on the wire
constexpr std::size_t kPrefixBytes = 16;
// A report of hundreds of verdicts is some 100 KB, a large object file some MB: beyond these it is garbage.
constexpr std::uint32_t kLongestHeader = 64u << 20;
constexpr std::uint64_t kLongestPayload = std::uint64_t{1} << 30;

// JSON has no NaN or infinity, and a wrong kernel's errors are often that.
json number(double value) {
  if (std::isfinite(value)) return value;
  return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

double to_double(const json& value) {
  if (value.is_number()) return value.get<double>();
  const auto& text = value.get_ref<const std::string&>();
  const double infinity = std::numeric_limits<double>::infinity();
  return text == "inf" ? infinity : text == "-inf" ? -infinity : std::numeric_limits<double>::quiet_NaN();
}

json to_json(const MeasureOptions& options) {
  return {{"warmup", options.warmup},
          {"rounds", options.rounds},
          {"min_rounds_us", options.min_rounds_us},
          {"max_total_us", options.max_total_us}};
}

MeasureOptions to_measure(const json& value) {
  return {.warmup = value.at("warmup"),
          .rounds = value.at("rounds"),
          .min_rounds_us = value.at("min_rounds_us"),
          .max_total_us = value.at("max_total_us")};
}

json to_json(const ErrorFigures& figures) {
  return {number(figures.max_abs), number(figures.mean_abs), number(figures.relative_l2)};
}

ErrorFigures to_figures(const json& value) {
  return {.max_abs = to_double(value.at(0)), .mean_abs = to_double(value.at(1)), .relative_l2 = to_double(value.at(2))};
}

json to_json(const ParityReport& report) {
  json verdicts = json::array();
  for (const TensorVerdict& verdict : report.verdicts)
    verdicts.push_back({{"case", verdict.parity_case},
                        {"tensor", verdict.tensor},
                        {"error", to_json(verdict.error)},
                        {"allowed", to_json(verdict.allowed)},
                        {"passed", verdict.passed},
                        {"reason", verdict.reason}});
  return {{"passed", report.passed}, {"reason", report.reason}, {"verdicts", std::move(verdicts)}};
}

ParityReport to_parity(const json& value) {
  ParityReport report{.passed = value.at("passed"), .reason = value.at("reason")};
  for (const json& verdict : value.at("verdicts"))
    report.verdicts.push_back({.parity_case = verdict.at("case"),
                               .tensor = verdict.at("tensor"),
                               .error = to_figures(verdict.at("error")),
                               .allowed = to_figures(verdict.at("allowed")),
                               .passed = verdict.at("passed"),
                               .reason = verdict.at("reason")});
  return report;
}

json to_json(const Timing& timing) {
  json samples = json::array();
  for (const double sample : timing.samples_us) samples.push_back(number(sample));
  return {{"samples_us", std::move(samples)},
          {"sm_mhz", timing.sm_mhz},
          {"memory_mhz", timing.memory_mhz},
          {"disturbance", timing.disturbance}};
}

// The summary follows from the samples and is not sent.
Timing to_timing(const json& value) {
  Timing timing{.sm_mhz = value.at("sm_mhz"), .memory_mhz = value.at("memory_mhz"), .disturbance = value.at("disturbance")};
  for (const json& sample : value.at("samples_us")) timing.samples_us.push_back(to_double(sample));
  if (!timing.samples_us.empty()) timing.summary = summarize(timing.samples_us);
  return timing;
}

json to_json(const TrialResult& result) {
  return {{"status", std::string(cache::to_string(result.status))},
          {"reason", result.reason},
          {"parity", to_json(result.parity)},
          {"timing", to_json(result.timing)},
          {"parity_ms", result.parity_ms},
          {"measure_ms", result.measure_ms}};
}

TrialResult to_result(const json& value) {
  return {.status = cache::parse_trial_status(value.at("status").get_ref<const std::string&>()),
          .reason = value.at("reason"),
          .parity = to_parity(value.at("parity")),
          .timing = to_timing(value.at("timing")),
          .parity_ms = value.at("parity_ms"),
          .measure_ms = value.at("measure_ms")};
}

// What loading needs; log and resources stay with the tuner.
json to_json(const codegen::Binary& binary) {
  return {{"backend", static_cast<int>(binary.backend)},
          {"arch", binary.arch},
          {"entries", binary.entries},
          {"bytes", binary.code.size()}};
}

// Cuts the binary's code off the front of `payload`.
codegen::Binary to_binary(const json& value, std::span<const std::byte>& payload) {
  const std::size_t bytes = value.at("bytes").get<std::size_t>();
  if (bytes > payload.size())
    throw Error(ErrorCode::Worker,
                fmt::format("worker protocol: a binary of {} bytes, but {} are left in the frame", bytes, payload.size()));
  codegen::Binary binary{.backend = value.at("backend").get<int>() == 0 ? Backend::Cpu : Backend::Cuda,
                         .arch = value.at("arch"),
                         .code = {payload.begin(), payload.begin() + static_cast<std::ptrdiff_t>(bytes)},
                         .entries = value.at("entries")};
  payload = payload.subspan(bytes);
  return binary;
}

template <typename Value>
Value read_value(const std::vector<std::byte>& bytes, std::size_t offset) {
  Value value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

}  // namespace

std::vector<std::byte> encode_frame(const Frame& frame) {
  const auto header = static_cast<std::uint32_t>(frame.header.size());
  const auto payload = static_cast<std::uint64_t>(frame.payload.size());
  std::vector<std::byte> bytes(kPrefixBytes + frame.header.size() + frame.payload.size());
  std::memcpy(bytes.data(), &kMagic, sizeof kMagic);
  std::memcpy(bytes.data() + 4, &header, sizeof header);
  std::memcpy(bytes.data() + 8, &payload, sizeof payload);
  std::memcpy(bytes.data() + kPrefixBytes, frame.header.data(), frame.header.size());
  std::copy(frame.payload.begin(), frame.payload.end(),
            bytes.begin() + static_cast<std::ptrdiff_t>(kPrefixBytes + frame.header.size()));
  return bytes;
}

void FrameReader::feed(std::span<const std::byte> bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }

std::optional<Frame> FrameReader::take() {
  if (bytes_.size() >= sizeof kMagic && read_value<std::uint32_t>(bytes_, 0) != kMagic)
    throw Error(ErrorCode::Worker, "worker protocol: the bytes are not a frame (something else wrote to the pipe)");
  if (bytes_.size() < kPrefixBytes) return std::nullopt;
  const auto header = read_value<std::uint32_t>(bytes_, 4);
  const auto payload = read_value<std::uint64_t>(bytes_, 8);
  if (header > kLongestHeader || payload > kLongestPayload)
    throw Error(ErrorCode::Worker,
                fmt::format("worker protocol: a frame of {} + {} bytes is beyond the limits", header, payload));
  const std::size_t total = kPrefixBytes + header + payload;
  if (bytes_.size() < total) return std::nullopt;
  const auto text = bytes_.begin() + kPrefixBytes;
  const auto end = bytes_.begin() + static_cast<std::ptrdiff_t>(total);
  Frame frame{.header = std::string(reinterpret_cast<const char*>(bytes_.data()) + kPrefixBytes, header),
              .payload = {text + header, end}};
  bytes_.erase(bytes_.begin(), end);
  return frame;
}

std::vector<RaceEntry> WorkerRequest::entries() const {
  std::vector<RaceEntry> entries;
  for (std::size_t i = 0; i < configs.size(); ++i) entries.push_back({.config = configs[i], .binary = &binaries[binary_of[i]]});
  return entries;
}

Frame encode(const WorkerHello& hello) {
  return {.header = dump({{"protocol", hello.protocol_version},
                          {"gate", hello.gate_version},
                          {"measure", hello.measure_version},
                          {"target", to_json(hello.target)},
                          {"error", hello.error}})};
}

Frame encode(const WorkerReply& reply) {
  json results = json::array();
  for (const TrialResult& result : reply.results) results.push_back(to_json(result));
  return {.header = dump({{"results", std::move(results)}, {"error", reply.error}, {"device_lost", reply.device_lost}})};
}

Frame encode_request(RequestKind kind, const Workload& workload, bool gate, const MeasureOptions& measure,
                     std::span<const RaceEntry> entries) {
  std::vector<const codegen::Binary*> unique;
  json configs = json::array();
  json binaries = json::array();
  Frame frame;
  for (const RaceEntry& entry : entries) {
    const auto found = std::find(unique.begin(), unique.end(), entry.binary);
    configs.push_back({{"config", to_string(entry.config)}, {"binary", found - unique.begin()}});
    if (found != unique.end()) continue;
    unique.push_back(entry.binary);
    binaries.push_back(to_json(*entry.binary));
    frame.payload.insert(frame.payload.end(), entry.binary->code.begin(), entry.binary->code.end());
  }
  frame.header = dump({{"kind", static_cast<int>(kind)},
                       {"workload", to_string(workload)},
                       {"gate", gate},
                       {"measure", to_json(measure)},
                       {"configs", std::move(configs)},
                       {"binaries", std::move(binaries)}});
  return frame;
}

WorkerHello decode_hello(const Frame& frame) {
  return decode_header(frame, "hello", [](const json& value) {
    return WorkerHello{.protocol_version = value.at("protocol"),
                       .gate_version = value.at("gate"),
                       .measure_version = value.at("measure"),
                       .target = to_target(value.at("target")),
                       .error = value.at("error")};
  });
}

WorkerRequest decode_request(const Frame& frame) {
  return decode_header(frame, "request", [&](const json& value) {
    const int kind = value.at("kind").get<int>();
    if (kind < 0 || kind > static_cast<int>(RequestKind::Race))
      throw Error(ErrorCode::Worker, fmt::format("worker protocol: request kind {} is not known", kind));
    WorkerRequest request{.kind = static_cast<RequestKind>(kind),
                          .workload = parse_workload(value.at("workload").get_ref<const std::string&>()),
                          .gate = value.at("gate"),
                          .measure = to_measure(value.at("measure"))};
    std::span<const std::byte> payload = frame.payload;
    for (const json& binary : value.at("binaries")) request.binaries.push_back(to_binary(binary, payload));
    for (const json& entry : value.at("configs")) {
      request.configs.push_back(parse_config(entry.at("config").get_ref<const std::string&>()));
      request.binary_of.push_back(entry.at("binary").get<std::size_t>());
      if (request.binary_of.back() >= request.binaries.size())
        throw Error(ErrorCode::Worker, fmt::format("worker protocol: config {} names a binary that is not in the frame",
                                                   to_string(request.configs.back())));
    }
    if (request.kind == RequestKind::Trial && request.configs.size() != 1)
      throw Error(ErrorCode::Worker, fmt::format("worker protocol: a trial of {} configs", request.configs.size()));
    return request;
  });
}

WorkerReply decode_reply(const Frame& frame) {
  return decode_header(frame, "reply", [](const json& value) {
    WorkerReply reply{.error = value.at("error"), .device_lost = value.at("device_lost")};
    for (const json& result : value.at("results")) reply.results.push_back(to_result(result));
    return reply;
  });
}

}  // namespace nsajit::tuner
