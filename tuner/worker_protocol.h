#pragma once
// Worker protocol: what a WorkerRunner and its child say to each other. A frame is a 16-byte prefix (magic,
// header length, payload length), a JSON header and a binary payload. The child first sends a hello, then
// one reply per request. Everything read is bounds checked: a child may be killed or corrupted in mid-frame.
// Pure: no descriptors, no processes.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tuner/trial_runner.h"

namespace nsajit::tuner {

inline constexpr int kProtocolVersion = 1;

struct Frame {
  std::string header;
  std::vector<std::byte> payload;
};

std::vector<std::byte> encode_frame(const Frame& frame);

// Collects bytes as they come and cuts frames out of them.
class FrameReader {
 public:
  void feed(std::span<const std::byte> bytes);
  // nullopt: more bytes are needed. Throws Error{Worker} where the bytes are no frame, or an implausibly long one.
  std::optional<Frame> take();
  bool inside_frame() const { return !bytes_.empty(); }

 private:
  std::vector<std::byte> bytes_;
};

struct WorkerHello {
  int protocol_version = kProtocolVersion;
  int gate_version = kGateVersion;
  int measure_version = kMeasureVersion;
  Target target;
  std::string error;  // not empty: no device; the child ends after this frame
};

enum class RequestKind : std::uint8_t { Prepare, Trial, Race };

struct WorkerRequest {
  RequestKind kind = RequestKind::Trial;
  Workload workload;
  bool gate = true;
  MeasureOptions measure;
  std::vector<Config> configs;
  std::vector<codegen::Binary> binaries;  // each once, however many configs share it
  std::vector<std::size_t> binary_of;     // per config: index into `binaries`

  std::vector<RaceEntry> entries() const;  // views into `binaries`
};

struct WorkerReply {
  std::vector<TrialResult> results;  // one per config
  std::string error;                 // Prepare only: why it failed
  bool device_lost = false;          // the child ends after this frame
};

Frame encode(const WorkerHello& hello);
Frame encode(const WorkerReply& reply);
// The request is encoded from views: binaries are not copied twice.
Frame encode_request(RequestKind kind, const Workload& workload, bool gate, const MeasureOptions& measure,
                     std::span<const RaceEntry> entries);

// Throw Error{Worker} naming what is missing or malformed.
WorkerHello decode_hello(const Frame& frame);
WorkerRequest decode_request(const Frame& frame);
WorkerReply decode_reply(const Frame& frame);

}  // namespace nsajit::tuner
