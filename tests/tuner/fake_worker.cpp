// fake_worker: stands in for `nsajit worker --device D`. D "fake" serves the real loop over the fake device; the
// other words misbehave at the start, or ("script") in the way that each request's variant asks for.

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>

#include "nsajit/error.h"
#include "tests/support/fake_compiler.h"
#include "tests/tuner/fake_candidates.h"
#include "tuner/worker_process.h"
#include "tuner/worker_protocol.h"
#include "tuner/worker_server.h"

namespace {

using namespace nsajit;
using namespace nsajit::tuner;

void write_frame(const Frame& frame, std::size_t withheld = 0) {
  const std::vector<std::byte> bytes = encode_frame(frame);
  if (write(STDOUT_FILENO, bytes.data(), bytes.size() - withheld) < 0) std::_Exit(9);
}

Frame read_frame() {
  static FrameReader reader;
  std::byte part[4096];
  while (true) {
    if (auto frame = reader.take()) return *std::move(frame);
    const ssize_t count = read(STDIN_FILENO, part, sizeof part);
    if (count <= 0) std::_Exit(0);
    reader.feed({part, static_cast<std::size_t>(count)});
  }
}

[[noreturn]] void sleep_for_ever() {
  while (true) pause();
}

// Descriptors beyond the standard ones.
std::string open_descriptors() {
  int count = 0;
  DIR* folder = opendir("/proc/self/fd");
  while (const dirent* entry = readdir(folder))
    if (const int number = std::atoi(entry->d_name); number > STDERR_FILENO && number != dirfd(folder)) ++count;
  closedir(folder);
  return std::to_string(count);
}

WorkerReply measured(const std::string& reason) {
  WorkerReply reply;
  reply.results.push_back({.status = cache::TrialStatus::Measured, .reason = reason, .timing = {.samples_us = {1, 2, 3}}});
  return reply;
}

void act(const std::string& command) {
  if (command == "hang") sleep_for_ever();
  if (command == "segv") raise(SIGSEGV);
  if (command == "abort") std::abort();
  if (command == "kill") raise(SIGKILL);
  if (command == "exit") std::_Exit(7);
  if (command == "garbage") std::puts("** kernel printed this **"), std::fflush(stdout), sleep_for_ever();
  if (command == "short") write_frame(encode(measured("cut")), 3), std::_Exit(0);
  if (command == "nonsense") return write_frame({.header = "{}"});
  if (command == "empty") return write_frame(encode(WorkerReply{}));
  if (command == "lost") {
    WorkerReply reply;
    reply.results.push_back({.status = cache::TrialStatus::IllegalAccess, .reason = "CUDA_ERROR_ILLEGAL_ADDRESS"});
    reply.device_lost = true;
    write_frame(encode(reply));
    std::_Exit(4);
  }
  write_frame(encode(measured(command == "descriptors" ? open_descriptors() : std::to_string(getpid()))));
}

int serve_script() {
  write_frame(encode(WorkerHello{.target = nsajit::testing::fake_target()}));
  while (true) {
    const WorkerRequest request = decode_request(read_frame());
    if (request.kind == RequestKind::Prepare)
      write_frame(encode(WorkerReply{}));
    else
      act(request.configs.front().variant);
  }
}

// Starts a worker of its own, sets it on a candidate that never ends, and tells its process id as an "error".
int be_parent(const char* program) {
  WorkerProcess child({program, "worker", "--device", "fake"});
  const auto soon = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  child.receive(soon);
  const Config config = nsajit::testing::fake_config(nsajit::testing::Fault::Hang);
  const codegen::Binary binary = nsajit::testing::fake_binary(config);
  const RaceEntry entry{config, &binary};
  child.send(encode_request(RequestKind::Trial, nsajit::testing::fake_workload(), false, {}, {&entry, 1}), soon);
  WorkerHello hello;
  hello.error = std::to_string(child.pid());
  write_frame(encode(hello));
  sleep_for_ever();
}

// Does what the source's name says.
class ScriptedCompiler final : public codegen::Compiler {
 public:
  codegen::CompilerIdentity identity() const override { return fake_.identity(); }
  codegen::CompileResult compile(const codegen::KernelSource& source, const Target& target) override {
    if (source.name == "hang") sleep_for_ever();
    if (source.name == "crash") std::abort();
    if (source.name == "throw") throw Error(ErrorCode::Unsupported, "no compiler here");
    if (source.name == "pid") return codegen::CompileFailure{.reason = std::to_string(getpid()), .log = "a log"};
    return fake_.compile(source, target);
  }

 private:
  nsajit::testing::FakeCompiler fake_;
};

}  // namespace

int main(int argc, char** argv) {
  const std::string_view device = argc >= 4 ? argv[3] : "";
  if (device == "script") return serve_script();
  if (device == "parent") return be_parent(argv[0]);
  if (device == "mute") sleep_for_ever();
  if (device == "compiler") {
    ScriptedCompiler compiler;
    return serve_compiler(compiler, STDIN_FILENO, STDOUT_FILENO);
  }
  if (device == "garbage") return std::puts("usage: something else entirely") < 0;
  WorkerHello hello;
  if (device == "absent") hello.error = "cuda:7: this machine has 1 GPU";
  if (device == "arguments")
    for (int i = 4; i < argc; ++i) hello.error += std::string(" ") + argv[i];
  if (device == "old") hello.protocol_version = kProtocolVersion + 1;
  if (device == "absent" || device == "old" || device == "arguments") return write_frame(encode(hello)), 3;
  if (device != "fake") return 7;
  nsajit::testing::FakeDevice fake;
  return serve_requests(fake, STDIN_FILENO, STDOUT_FILENO);
}
