// WorkerRunner over fake_worker: every way in which a child can fail has its class, and the next trial runs.

#include "tuner/worker_runner.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include <catch2/catch_all.hpp>

#include "nsajit/error.h"
#include "tests/tuner/fake_candidates.h"
#include "tuner/worker_process.h"

namespace {

using namespace nsajit;
using cache::TrialStatus;
using nsajit::testing::fake_binary;
using nsajit::testing::fake_config;
using nsajit::testing::fake_workload;
using nsajit::testing::Fault;
using tuner::TrialResult;

// Beside the test program, wherever the tree was moved to.
std::string fake_worker() { return std::filesystem::read_symlink("/proc/self/exe").replace_filename("fake_worker"); }

std::unique_ptr<tuner::TrialRunner> start(const std::string& device, double timeout_s = 10) {
  return tuner::make_worker_runner({.program = fake_worker(), .device = device, .timeout_s = timeout_s});
}

TrialResult run(tuner::TrialRunner& runner, const Config& config) {
  const codegen::Binary binary = fake_binary(fake_config(Fault::None));
  return runner.run({.workload = fake_workload(), .config = config, .binary = &binary, .measure = {.warmup = 1, .rounds = 3}});
}

// What a worker that tells its arguments was started with.
std::string arguments_with(const std::vector<std::string>& selections) {
  try {
    tuner::make_worker_runner({.program = fake_worker(), .device = "arguments", .selections = selections});
  } catch (const Error& error) { return error.what(); }
  return "none";
}

TrialResult command(tuner::TrialRunner& runner, const std::string& variant) { return run(runner, {.variant = variant}); }

TrialResult run_fault(tuner::TrialRunner& runner, Fault fault) {
  const codegen::Binary binary = fake_binary(fake_config(fault));
  return runner.run(
      {.workload = fake_workload(), .config = fake_config(fault), .binary = &binary, .measure = {.warmup = 1, .rounds = 3}});
}

double seconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

bool has_ended(const std::string& pid) {
  std::ifstream stat("/proc/" + pid + "/stat");
  std::string number, name, state;
  stat >> number >> name >> state;
  return !stat || state == "Z";  // a zombie waits for its new parent only
}

std::ptrdiff_t open_descriptors() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
}

}  // namespace

TEST_CASE("a worker names its target") { CHECK(start("fake")->target() == nsajit::testing::fake_target()); }

TEST_CASE("a right candidate is gated and measured in the child") {
  const auto runner = start("fake");
  const TrialResult result = run_fault(*runner, Fault::None);
  CHECK(result.reason.empty());
  CHECK(result.status == TrialStatus::Measured);
  CHECK(result.parity.verdicts.size() == 4);
  CHECK(result.timing.samples_us.size() == 3);
}

TEST_CASE("a candidate that fails in the child costs its own trial") {
  const auto [fault, status] = GENERATE(table<Fault, TrialStatus>({
      {Fault::NanRow, TrialStatus::Parity},
      {Fault::OutOfMemory, TrialStatus::OutOfMemory},
      {Fault::IllegalAccess, TrialStatus::IllegalAccess},
      {Fault::Crash, TrialStatus::Crash},
      {Fault::Hang, TrialStatus::Hang},
  }));
  const auto runner = start("fake", fault == Fault::Hang ? 0.5 : 10);
  CHECK(run_fault(*runner, Fault::None).status == TrialStatus::Measured);
  CHECK(run_fault(*runner, fault).status == status);
  CHECK(run_fault(*runner, Fault::None).status == TrialStatus::Measured);
}

TEST_CASE("a child that ends or breaks the protocol is a crash with its reason, and is replaced") {
  const auto [what, reason] = GENERATE(table<const char*, const char*>({
      {"segv", "the worker was killed by SIGSEGV (signal 11) while running the candidate"},
      {"abort", "the worker was killed by SIGABRT (signal 6) while running the candidate"},
      {"kill",
       "the worker was killed by SIGKILL (signal 9, from outside or by the kernel for lack of memory) while running the "
       "candidate"},
      {"exit", "the worker exited with status 7 while running the candidate"},
      {"short", "the worker exited with status 0 while running the candidate"},
      {"garbage", "the worker broke off while running the candidate: worker protocol: the bytes are not a frame"},
      {"nonsense", "the worker broke off while running the candidate: worker protocol: malformed reply"},
      {"empty", "the worker answered a trial without a result"},
  }));
  const auto runner = start("script");
  const TrialResult result = command(*runner, what);
  CHECK(result.status == TrialStatus::Crash);
  CHECK_THAT(result.reason, Catch::Matchers::StartsWith(reason));
  CHECK(command(*runner, "fine").status == TrialStatus::Measured);
}

TEST_CASE("a candidate that never ends is killed at its deadline and recorded as a hang") {
  const auto runner = start("script", 0.3);
  const double seconds = seconds_of([&] {
    const TrialResult result = command(*runner, "hang");
    CHECK(result.status == TrialStatus::Hang);
    CHECK(result.reason == "no answer within 0.3 s while running the candidate; the worker was killed");
  });
  CHECK(seconds >= 0.3);
  CHECK(seconds < 5);
}

TEST_CASE("a killed worker is back within three seconds") {
  const auto runner = start("script");
  command(*runner, "kill");
  CHECK(seconds_of([&] { CHECK(command(*runner, "fine").status == TrialStatus::Measured); }) < 3);
}

TEST_CASE("a worker killed between two trials costs the next one at most") {
  const auto runner = start("script");
  const pid_t pid = std::stoi(command(*runner, "pid").reason);
  REQUIRE(kill(pid, SIGKILL) == 0);
  while (!has_ended(std::to_string(pid))) std::this_thread::yield();
  CHECK(command(*runner, "fine").status == TrialStatus::Crash);
  CHECK(command(*runner, "fine").status == TrialStatus::Measured);
}

TEST_CASE("after a fault that loses the device the next trial has a new child") {
  const auto runner = start("script");
  const std::string before = command(*runner, "pid").reason;
  CHECK(command(*runner, "lost").status == TrialStatus::IllegalAccess);
  const TrialResult result = command(*runner, "pid");
  CHECK(result.status == TrialStatus::Measured);
  CHECK(result.reason != before);
}

TEST_CASE("a child serves trial after trial") {
  const auto runner = start("script");
  CHECK(command(*runner, "pid").reason == command(*runner, "pid").reason);
}

TEST_CASE("a race runs in the child, and a hang in it is every entry's class") {
  const auto runner = start("fake", 0.5);
  const codegen::Binary good = fake_binary(fake_config(Fault::None)), bad = fake_binary(fake_config(Fault::Hang));
  const std::vector<tuner::RaceEntry> fine{{fake_config(Fault::None), &good}, {fake_config(Fault::None), &good}};
  const auto race = runner->race(fake_workload(), fine, {.warmup = 1, .rounds = 4});
  REQUIRE(race.entries.size() == 2);
  CHECK(race.entries[1].status == TrialStatus::Measured);
  const std::vector<tuner::RaceEntry> hanging{{fake_config(Fault::None), &good}, {fake_config(Fault::Hang), &bad}};
  const auto lost = runner->race(fake_workload(), hanging, {.warmup = 1, .rounds = 4, .max_total_us = 1e5});
  REQUIRE(lost.entries.size() == 2);
  CHECK(lost.entries[0].status == TrialStatus::Hang);
  CHECK(lost.entries[1].status == TrialStatus::Hang);
}

TEST_CASE("a worker that cannot start says why") {
  const auto [device, reason] = GENERATE(table<const char*, const char*>({
      {"absent", "--device absent: cuda:7: this machine has 1 GPU"},
      {"old", "--device old: is another version of nsajit"},
      {"garbage", "worker protocol: the bytes are not a frame"},
      {"none", "--device none: exited with status 7 before it said hello"},
  }));
  try {
    start(device);
    FAIL("the worker started");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::Worker);
    INFO(error.what());
    CHECK(std::string(error.what()).find(reason) != std::string::npos);
  }
}

TEST_CASE("a program that is not there is an error that names it") {
  CHECK_THROWS_WITH(tuner::make_worker_runner({.program = "/nowhere/nsajit"}),
                    "start worker /nowhere/nsajit: No such file or directory");
}

TEST_CASE("a worker inherits no descriptors, and a hundred lost ones leave none open and no zombies") {
  const int leak = open("/dev/null", O_RDONLY);  // without close-on-exec
  const auto before = open_descriptors();
  {
    const auto runner = start("script");
    CHECK(command(*runner, "descriptors").reason == "0");
    for (int i = 0; i < 100; ++i) command(*runner, "exit");
  }
  CHECK(open_descriptors() == before);
  close(leak);
  CHECK(waitpid(-1, nullptr, WNOHANG) == -1);
  CHECK(errno == ECHILD);
}

TEST_CASE("a worker has a process group of its own, so that Ctrl-C leaves its trial alone") {
  const tuner::WorkerProcess worker({fake_worker(), "worker", "--device", "script"});
  CHECK(getpgid(worker.pid()) == worker.pid());
  CHECK(getpgid(worker.pid()) != getpgrp());
}

TEST_CASE("a worker in mid-trial ends with its tuner") {
  tuner::WorkerProcess parent({fake_worker(), "worker", "--device", "parent"});
  const auto told = parent.receive(std::chrono::steady_clock::now() + std::chrono::seconds(20));
  REQUIRE(told.state == tuner::Exchange::Done);
  const std::string orphan = tuner::decode_hello(told.frame).error;
  REQUIRE_FALSE(has_ended(orphan));
  parent.kill();
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!has_ended(orphan) && std::chrono::steady_clock::now() < give_up)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  CHECK(has_ended(orphan));
}

TEST_CASE("a worker is started with the files of the recorded selections") {
  CHECK_THAT(arguments_with({"a.npy", "folder/b c.npy"}),
             Catch::Matchers::EndsWith(":  --selection=a.npy --selection=folder/b c.npy"));
}
