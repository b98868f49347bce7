// TuneLanes: the workers of all devices start at once, since opening a GPU takes its time.

#include "cli/tune_lanes.h"

#include <algorithm>
#include <future>
#include <thread>
#include <utility>

#include <unistd.h>

#include <fmt/format.h>

#include "cli/child_compiler.h"
#include "cli/device_list.h"
#include "nsajit/error.h"
#include "runtime/compile_once.h"
#include "tuner/frozen_runner.h"
#include "tuner/shared_work.h"
#include "tuner/worker_runner.h"

namespace nsajit::cli {
namespace {

// The runner and what it borrows.
struct OwnedRunner {
  std::unique_ptr<runtime::Device> device;
  std::unique_ptr<tuner::TrialRunner> runner;
};

OwnedRunner make_runner(const std::string& device, const LaneSettings& settings, const Recordings& recordings,
                        const Environment& environment) {
  OwnedRunner owned;
  if (settings.in_process) {
    owned.device = runtime::make_device(device, environment);
    owned.runner = tuner::make_local_runner(*owned.device, &recordings);
  } else {
    owned.runner = tuner::make_worker_runner(
        {.program = own_program(), .device = device, .timeout_s = settings.worker_timeout_s, .selections = recordings.paths()});
  }
  if (environment.frozen) owned.runner = tuner::make_frozen_runner(std::move(owned.runner));
  return owned;
}

constexpr std::size_t kMostCompileThreads = 16;  // of a device; each NVRTC compilation holds some hundred MiB

// Compiling beside a kernel that is being timed on the same processors would spoil its time.
int count_compile_threads(Backend backend, std::size_t devices) {
  if (backend == Backend::Cpu) return 0;
  return static_cast<int>(std::clamp<std::size_t>(std::thread::hardware_concurrency() / 2 / devices, 1, kMostCompileThreads));
}

std::vector<OwnedRunner> make_runners(const std::vector<std::string>& devices, const LaneSettings& settings,
                                      const Recordings& recordings, const Environment& environment) {
  std::vector<std::future<OwnedRunner>> starting;
  for (const std::string& device : devices)
    starting.push_back(std::async(devices.size() == 1 ? std::launch::deferred : std::launch::async,
                                  [&] { return make_runner(device, settings, recordings, environment); }));
  std::vector<OwnedRunner> runners;
  for (auto& runner : starting) runners.push_back(runner.get());
  return runners;
}

void check_devices(const std::vector<std::string>& devices, const std::vector<OwnedRunner>& runners) {
  std::vector<Target> targets;
  for (const auto& owned : runners) targets.push_back(owned.runner->target());
  tuner::check_same_model(devices, targets);
}

// In process, nothing bounds a compilation, as nothing bounds a trial.
std::unique_ptr<codegen::Compiler> make_tune_compiler(const LaneSettings& settings, Backend backend,
                                                      const Environment& environment) {
  return settings.in_process ? codegen::make_compiler(backend, environment)
                             : make_child_compiler(backend, settings.compile_timeout_s, environment);
}

}  // namespace

TuneLanes open_lanes(const LaneSettings& settings, const Recordings& recordings, const Environment& environment) {
  const auto devices = split_devices(settings.device);
  if (settings.in_process && devices.size() > 1)
    throw Error(ErrorCode::InvalidArgument, "--in-process works on one device; leave it out, or name one with --device");
  auto runners = make_runners(devices, settings, recordings, environment);
  check_devices(devices, runners);
  TuneLanes made{.compiler = make_tune_compiler(settings, runners.front().runner->target().backend, environment)};
  const auto mode = environment.frozen ? cache::OpenMode::ReadOnly : cache::OpenMode::ReadWrite;
  for (std::size_t index = 0; index < devices.size(); ++index)
    made.lanes.push_back({.name = devices[index],
                          .device = std::move(runners[index].device),
                          .runner = std::move(runners[index].runner),
                          .cache = cache::Cache::open(settings.cache, mode),
                          .progress = ProgressLine(isatty(STDERR_FILENO) != 0)});
  const int threads = count_compile_threads(made.target().backend, devices.size());
  for (TuneLane& lane : made.lanes)
    lane.compilations =
        std::make_unique<tuner::CompileQueue>(*made.compiler, made.target(), threads, runtime::shared_cache_path(lane.cache));
  return made;
}

}  // namespace nsajit::cli
