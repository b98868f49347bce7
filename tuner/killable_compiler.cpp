// KillableCompiler: idle children wait in a list; a call takes one or starts another.

#include "tuner/killable_compiler.h"

#include <chrono>
#include <mutex>
#include <utility>

#include <fmt/format.h>

#include "nsajit/error.h"
#include "tuner/compile_protocol.h"
#include "tuner/worker_process.h"

namespace nsajit::tuner {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kEndPatience = 2s;  // between the end of a child's stream and its exit status

class KillableCompiler final : public codegen::Compiler {
 public:
  KillableCompiler(codegen::CompilerIdentity identity, KillableOptions options)
      : identity_(std::move(identity)), options_(std::move(options)) {}

  codegen::CompilerIdentity identity() const override { return identity_; }

  codegen::CompileResult compile(const codegen::KernelSource& source, const Target& target) override {
    const auto begin = Clock::now();
    const Deadline deadline =
        begin + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options_.limit_s));
    auto child = take_child();
    Asked asked = ask(*child, source, target, deadline);
    if (asked.answered) {
      give_back(std::move(child));
    } else {
      std::get<codegen::CompileFailure>(asked.result).compile_ms =
          std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
    }
    return std::move(asked.result);
  }

 private:
  struct Asked {
    codegen::CompileResult result;
    bool answered = false;  // else the child is gone, and the result is a failure
  };

  std::unique_ptr<WorkerProcess> take_child() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        auto child = std::move(idle_.back());
        idle_.pop_back();
        return child;
      }
    }
    return std::make_unique<WorkerProcess>(options_.command);
  }

  void give_back(std::unique_ptr<WorkerProcess> child) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(child));
  }

  Asked ask(WorkerProcess& child, const codegen::KernelSource& source, const Target& target, Deadline deadline) {
    Received received{.state = child.send(encode(CompileRequest{.source = source, .target = target}), deadline)};
    if (received.state == Exchange::Done) received = child.receive(deadline);
    if (received.state == Exchange::TimedOut) {
      child.kill();
      return {codegen::CompileFailure{
          .reason = fmt::format("the compiler did not end within {:g} s and was killed", options_.limit_s), .timed_out = true}};
    }
    if (received.state == Exchange::Closed)
      return {codegen::CompileFailure{.reason = fmt::format("the compiler {}", child.reap(Clock::now() + kEndPatience).text)}};
    auto reply = decode_compile_reply(received.frame);
    if (const auto* error = std::get_if<CompilerError>(&reply)) throw Error(error->code, error->message);
    return {.result = std::get<codegen::CompileResult>(std::move(reply)), .answered = true};
  }

  const codegen::CompilerIdentity identity_;
  const KillableOptions options_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<WorkerProcess>> idle_;
};

}  // namespace

std::unique_ptr<codegen::Compiler> make_killable_compiler(codegen::CompilerIdentity identity, const KillableOptions& options) {
  return std::make_unique<KillableCompiler>(std::move(identity), options);
}

}  // namespace nsajit::tuner
