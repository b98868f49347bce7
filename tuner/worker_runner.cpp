// The tuner's side of a worker: one request, one reply, a deadline, and a class for every way in which the reply
// may fail to come. A dead child is replaced at once, so that its start overlaps with what the tuner does next.

#include "tuner/worker_runner.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "core/log.h"
#include "nsajit/error.h"
#include "tuner/fault.h"
#include "tuner/worker_process.h"
#include "tuner/worker_protocol.h"

namespace nsajit::tuner {
namespace {

using namespace std::chrono_literals;
using cache::TrialStatus;

constexpr auto kStartPatience = 30s;   // opening a GPU takes 0.3 s, and many seconds where eight start together
constexpr auto kEndPatience = 2s;      // between the end of a child's stream and its exit status
constexpr auto kRestartPause = 500ms;  // the driver may still be taking back a killed child's memory
constexpr int kRestarts = 4;
// Inputs and float64 references of a large case are made on the host, and that is no fault of the candidate.
constexpr double kPreparePatience = 10;

Deadline after(double seconds) {
  return std::chrono::steady_clock::now() +
         std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::chrono::duration<double>(seconds));
}

double seconds_since(Deadline begin) { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); }

struct Answer {
  WorkerReply reply;
  TrialResult failure;  // where there was no reply
  bool answered = false;
};

class WorkerRunner final : public TrialRunner {
 public:
  explicit WorkerRunner(const WorkerOptions& options) : options_(options) {
    start();
    greet();
  }

  const Target& target() const override { return target_; }
  void make_ready(const Workload& workload) override { prepare(workload, true); }
  TrialResult run(const TrialRequest& request) override;
  RaceResult race(const Workload& workload, std::span<const RaceEntry> entries, const MeasureOptions& options) override;

 private:
  void start();
  void greet();
  void ensure_ready();
  void replace();
  Answer prepare(const Workload& workload, bool gate);
  Answer ask(const Frame& request, double seconds, std::string_view doing);
  Answer lose(TrialStatus status, std::string reason);
  MeasureOptions within_timeout(MeasureOptions options) const;

  WorkerOptions options_;
  Target target_;
  std::optional<WorkerProcess> process_;
  bool greeted_ = false;
  Deadline asked_{};              // when the request under way, or the last one, was sent
  std::optional<Deadline> lost_;  // when the last child was, until the next one has answered
  std::string prepared_;          // workload that the running child has made ready, and whether for the gate
};

void WorkerRunner::start() {
  prepared_.clear();
  greeted_ = false;
  std::vector<std::string> command{options_.program, "worker", "--device", options_.device};
  for (const std::string& selection : options_.selections) command.push_back("--selection=" + selection);
  process_.emplace(command);
}

// Waits for the child's hello. Throws Error{Worker}, with the child gone, where none comes.
void WorkerRunner::greet() {
  const std::string what = fmt::format("worker {} worker --device {}", options_.program, options_.device);
  try {
    const Received received = process_->receive(std::chrono::steady_clock::now() + kStartPatience);
    if (received.state == Exchange::TimedOut)
      throw Error(ErrorCode::Worker, fmt::format("{}: no hello within {} s", what, kStartPatience.count()));
    if (received.state == Exchange::Closed)
      throw Error(ErrorCode::Worker, fmt::format("{}: {} before it said hello", what,
                                                 process_->reap(std::chrono::steady_clock::now() + kEndPatience).text));
    const WorkerHello hello = decode_hello(received.frame);
    if (!hello.error.empty()) throw Error(ErrorCode::Worker, fmt::format("{}: {}", what, hello.error));
    if (hello.protocol_version != kProtocolVersion || hello.gate_version != kGateVersion ||
        hello.measure_version != kMeasureVersion)
      throw Error(ErrorCode::Worker, fmt::format("{}: is another version of nsajit than this one; give the path of the program "
                                                 "that was built with this library",
                                                 what));
    target_ = hello.target;
    greeted_ = true;
    if (lost_) log_debug(fmt::format("the new worker answered {:.2f} s after the last one was lost", seconds_since(*lost_)));
    lost_.reset();
  } catch (const Error&) {
    process_.reset();
    throw;
  }
}

// A restarted child may find the device still busy with the end of the last one.
void WorkerRunner::ensure_ready() {
  for (int attempt = 1; !greeted_; ++attempt) {
    try {
      if (!process_) start();
      greet();
    } catch (const Error& error) {
      if (attempt == kRestarts) throw;
      log_warn(fmt::format("{}; trying again", error.what()));
      std::this_thread::sleep_for(kRestartPause);
    }
  }
}

void WorkerRunner::replace() {
  process_.reset();
  greeted_ = false;
  lost_ = std::chrono::steady_clock::now();
  log_debug(fmt::format("the worker is gone {:.2f} s after it was asked", seconds_since(asked_)));
  try {
    start();
  } catch (const Error& error) { log_warn(fmt::format("{}; trying again with the next trial", error.what())); }
}

Answer WorkerRunner::lose(TrialStatus status, std::string reason) {
  replace();
  return {.failure = {.status = status, .reason = std::move(reason)}};
}

Answer WorkerRunner::ask(const Frame& request, double seconds, std::string_view doing) {
  const Deadline deadline = after(seconds);
  asked_ = std::chrono::steady_clock::now();
  Received received;
  try {
    received.state = process_->send(request, deadline);
    if (received.state == Exchange::Done) received = process_->receive(deadline);
    if (received.state == Exchange::TimedOut)
      return lose(TrialStatus::Hang, fmt::format("no answer within {:g} s while {}; the worker was killed", seconds, doing));
    if (received.state == Exchange::Closed)
      return lose(TrialStatus::Crash, fmt::format("the worker {} while {}",
                                                  process_->reap(std::chrono::steady_clock::now() + kEndPatience).text, doing));
    Answer answer{.reply = decode_reply(received.frame), .answered = true};
    if (answer.reply.device_lost) replace();
    return answer;
  } catch (const Error& error) {
    return lose(TrialStatus::Crash, fmt::format("the worker broke off while {}: {}", doing, error.what()));
  }
}

Answer WorkerRunner::prepare(const Workload& workload, bool gate) {
  ensure_ready();
  const std::string wanted = fmt::format("{} {}", to_string(workload), gate ? "gated" : "timed");
  const std::string stronger = fmt::format("{} gated", to_string(workload));
  if (prepared_ == wanted || prepared_ == stronger) return {.answered = true};
  Answer answer = ask(encode_request(RequestKind::Prepare, workload, gate, {}, {}), kPreparePatience * options_.timeout_s,
                      "preparing the workload");
  if (!answer.answered) return answer;
  if (!answer.reply.error.empty()) {
    const Fault fault = classify_fault(Error(ErrorCode::Driver, answer.reply.error));
    return {.failure = {.status = fault.status, .reason = fmt::format("preparing the workload: {}", fault.reason)}};
  }
  prepared_ = wanted;
  return answer;
}

// A slow kernel must reach the end of its measurement before the deadline takes it for a hang.
MeasureOptions WorkerRunner::within_timeout(MeasureOptions options) const {
  options.max_total_us = std::min(options.max_total_us, options_.timeout_s * 1e6 / 3);
  return options;
}

TrialResult WorkerRunner::run(const TrialRequest& request) {
  Answer answer = prepare(request.workload, request.gate);
  if (!answer.answered) return answer.failure;
  const RaceEntry entry{.config = request.config, .binary = request.binary};
  const Frame frame =
      encode_request(RequestKind::Trial, request.workload, request.gate, within_timeout(request.measure), {&entry, 1});
  answer = ask(frame, options_.timeout_s, "running the candidate");
  if (!answer.answered) return answer.failure;
  if (answer.reply.results.size() != 1) return lose(TrialStatus::Crash, "the worker answered a trial without a result").failure;
  return std::move(answer.reply.results.front());
}

RaceResult WorkerRunner::race(const Workload& workload, std::span<const RaceEntry> entries, const MeasureOptions& options) {
  const auto all = [&](const TrialResult& failure) {
    return RaceResult{.entries = std::vector<TrialResult>(entries.size(), failure)};
  };
  if (entries.empty()) return {};
  Answer answer = prepare(workload, false);
  if (!answer.answered) return all(answer.failure);
  const Frame frame = encode_request(RequestKind::Race, workload, false, options, entries);
  answer = ask(frame, options_.timeout_s + options.max_total_us * 1e-6, "racing the finalists");
  if (!answer.answered) return all(answer.failure);
  if (answer.reply.results.size() != entries.size())
    return all(lose(TrialStatus::Crash, "the worker answered a race with another number of results").failure);
  return {.entries = std::move(answer.reply.results)};
}

}  // namespace

std::unique_ptr<TrialRunner> make_worker_runner(const WorkerOptions& options) { return std::make_unique<WorkerRunner>(options); }

}  // namespace nsajit::tuner
