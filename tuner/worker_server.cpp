// The worker's side. It must not outlive its tuner: a kernel that never ends would keep the device for good.

#include "tuner/worker_server.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <thread>

#include <fmt/format.h>

#include "core/env.h"
#include "core/log.h"
#include "nsajit/error.h"
#include "tuner/compile_protocol.h"
#include "tuner/local_runner.h"
#include "tuner/worker_protocol.h"
#include "tuner/worker_runner.h"

namespace nsajit::tuner {
namespace {

constexpr int kExitNoDevice = 3;
constexpr int kExitDeviceLost = 4;
constexpr int kExitProtocol = 5;

bool write_all(int out, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = write(out, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

bool send(int out, const Frame& frame) { return write_all(out, encode_frame(frame)); }

// nullopt: end of file.
std::optional<Frame> receive(int in, FrameReader& reader) {
  std::array<std::byte, 64 << 10> part;
  while (true) {
    if (auto frame = reader.take()) return frame;
    const ssize_t count = read(in, part.data(), part.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return std::nullopt;
    reader.feed({part.data(), static_cast<std::size_t>(count)});
  }
}

// Ends this process when the tuner's end of `in` is closed, also while a kernel runs. Not PR_SET_PDEATHSIG: that
// fires when the *thread* that started the child ends, and a tuner may start its workers from any thread.
void watch_for_orphaning(int in) {
  std::thread([in] {
    pollfd entry{.fd = in, .events = 0, .revents = 0};
    while (poll(&entry, 1, -1) < 0 && errno == EINTR) {}
    _exit(0);
  }).detach();
}

// Hangup is only certain to be seen on a socket or pipe; a worker fed from a file or terminal runs to its end of file.
bool is_stream(int in) { return lseek(in, 0, SEEK_CUR) < 0 && errno == ESPIPE && isatty(in) == 0; }

WorkerReply answer(LocalRunner& runner, const WorkerRequest& request) {
  WorkerReply reply;
  const std::vector<RaceEntry> entries = request.entries();
  switch (request.kind) {
    case RequestKind::Prepare: try { runner.prepare(request.workload, request.gate);
      } catch (const std::exception& error) { reply.error = error.what(); }
      break;
    case RequestKind::Trial:
      reply.results.push_back(runner.run({.workload = request.workload,
                                          .config = entries.front().config,
                                          .binary = entries.front().binary,
                                          .gate = request.gate,
                                          .measure = request.measure}));
      break;
    case RequestKind::Race: reply.results = runner.race(request.workload, entries, request.measure).entries; break;
  }
  reply.device_lost = runner.device_lost().has_value();
  return reply;
}

CompileReply answer(codegen::Compiler& compiler, const CompileRequest& request) {
  try {
    return compiler.compile(request.source, request.target);
  } catch (const Error& error) {
    return CompilerError{.code = error.code(), .message = error.what()};
  } catch (const std::exception& error) { return CompilerError{.code = ErrorCode::Compile, .message = error.what()}; }
}

// Descriptors of the protocol that nothing else in the process knows: a library that prints to stdout must not
// break a frame, and one that reads stdin must not eat a request.
struct PrivateDescriptors {
  int in, out;
  PrivateDescriptors(int from, int to)
      : in(fcntl(from, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)), out(fcntl(to, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)) {
    if (to == STDOUT_FILENO) dup2(STDERR_FILENO, STDOUT_FILENO);
    const int nothing = from == STDIN_FILENO ? open("/dev/null", O_RDONLY | O_CLOEXEC) : -1;
    if (nothing < 0) return;
    dup2(nothing, STDIN_FILENO);
    close(nothing);
  }
};

}  // namespace

int serve_requests(runtime::Device& device, int in, int out, const Recordings& recordings) {
  if (!send(out, encode(WorkerHello{.target = device.target()}))) return kExitProtocol;
  if (is_stream(in)) watch_for_orphaning(in);
  LocalRunner runner(device, &recordings);
  FrameReader reader;
  try {
    while (const auto frame = receive(in, reader)) {
      const WorkerReply reply = answer(runner, decode_request(*frame));
      if (!send(out, encode(reply))) return kExitProtocol;
      if (reply.device_lost) return kExitDeviceLost;
    }
  } catch (const Error& error) {
    log_error(fmt::format("worker: {}", error.what()));
    return kExitProtocol;
  }
  return 0;
}

int serve_compiler(codegen::Compiler& compiler, int in, int out) {
  const PrivateDescriptors descriptors(in, out);
  if (is_stream(descriptors.in)) watch_for_orphaning(descriptors.in);
  FrameReader reader;
  try {
    while (const auto frame = receive(descriptors.in, reader)) {
      if (!send(descriptors.out, encode(answer(compiler, decode_compile_request(*frame))))) return kExitProtocol;
    }
  } catch (const Error& error) {
    log_error(fmt::format("compile worker: {}", error.what()));
    return kExitProtocol;
  }
  return 0;
}

int serve_worker(const std::string& device, std::span<const std::string> selections, int in, int out,
                 const Environment& environment) {
  const PrivateDescriptors descriptors(in, out);
  Recordings recordings;
  std::unique_ptr<runtime::Device> opened;
  try {
    for (const std::string& selection : selections) recordings.add(load_recording(selection));
    opened = runtime::make_device(device, environment);
  } catch (const std::exception& error) {
    WorkerHello hello;
    hello.error = error.what();
    send(descriptors.out, encode(hello));
    return kExitNoDevice;
  }
  return serve_requests(*opened, descriptors.in, descriptors.out, recordings);
}

}  // namespace nsajit::tuner
