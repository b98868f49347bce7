// bench lookup: times lookups with readers and a writer, binds of growing lengths, and launches beside the driver's own.

#include "cli/bench_lookup.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <latch>
#include <memory>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/session.h"
#include "cli/tuple_options.h"
#include "nsajit/error.h"
#include "runtime/bare_launch.h"
#include "runtime/server.h"

namespace nsajit::cli {
namespace {

struct LookupBench {
  TupleOptions tuples;
  std::string device = "auto";
  std::string cache;
  std::string json;
  std::vector<int> readers{1, 32};
  int lookups = 200'000;  // of each reader
};

using Clock = std::chrono::steady_clock;

double elapsed_ns(Clock::time_point start) { return std::chrono::duration<double, std::nano>(Clock::now() - start).count(); }

struct Quantiles {
  double p50 = 0, p99 = 0;
};

Quantiles quantiles_of(std::vector<double>& samples) {
  std::sort(samples.begin(), samples.end());
  return {samples[samples.size() / 2], samples[samples.size() * 99 / 100]};
}

// What two readings of the clock are apart when nothing lies between them: part of every sample below.
double clock_cost_ns() {
  std::vector<double> samples(100'001);
  for (double& sample : samples) sample = elapsed_ns(Clock::now());
  return quantiles_of(samples).p50;
}

// Sizes that a serving program has bound: the workload's own and shorter sequences.
std::vector<Workload> make_workloads(const Workload& workload) {
  std::vector<Workload> workloads;
  for (std::int64_t i = 0; i < 64; ++i) {
    Workload sized = workload;
    sized.S_kv = std::max<std::int64_t>(1, workload.S_kv - i);
    sized.S = std::min(sized.S, sized.S_kv);
    workloads.push_back(sized);
  }
  return workloads;
}

// Lengths that nobody asked for before, one after the other, as long as a decode goes on. Made, it is at work: on a busy
// machine the readers might be done before its thread begins.
class Writer {
 public:
  Writer(runtime::Server& server, const Workload& workload) : thread_([this, &server, workload] { run(server, workload); }) {
    at_work_.wait();
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() { stop(); }
  std::vector<double>& stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
    return samples_;
  }

 private:
  void run(runtime::Server& server, Workload workload) {
    workload.S = 1;
    while (!stopping_) {
      ++workload.S_kv;
      const auto start = Clock::now();
      server.find(workload);
      samples_.push_back(elapsed_ns(start));
      if (samples_.size() == 1) at_work_.count_down();
    }
  }

  std::vector<double> samples_;
  std::latch at_work_{1};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

struct LookupResult {
  int readers = 0;
  bool writer = false;
  Quantiles lookup;  // ns, the clock's cost taken off
  Quantiles bind;    // of the writer
  std::size_t binds = 0;
};

LookupResult time_lookups(runtime::Server& server, const Workload& workload, int readers, bool with_writer, int lookups,
                          double clock_ns) {
  const std::vector<Workload> workloads = make_workloads(workload);
  for (const Workload& sized : workloads) server.find(sized);
  std::unique_ptr<Writer> writer;
  if (with_writer) writer = std::make_unique<Writer>(server, workload);
  std::vector<std::vector<double>> samples(static_cast<std::size_t>(readers),
                                           std::vector<double>(static_cast<std::size_t>(lookups)));
  std::vector<std::thread> threads;
  for (std::vector<double>& own : samples)
    threads.emplace_back([&server, &workloads, &own] {
      std::size_t at = 0;
      for (double& sample : own) {
        const auto start = Clock::now();
        server.find(workloads[at]);
        sample = elapsed_ns(start);
        at = (at + 7) % workloads.size();
      }
    });
  for (std::thread& thread : threads) thread.join();
  std::vector<double> all;
  for (const auto& own : samples) all.insert(all.end(), own.begin(), own.end());
  LookupResult result{.readers = readers, .writer = with_writer, .lookup = quantiles_of(all)};
  result.lookup = {std::max(0.0, result.lookup.p50 - clock_ns), std::max(0.0, result.lookup.p99 - clock_ns)};
  if (writer) {
    std::vector<double>& binds = writer->stop();
    result.binds = binds.size();
    if (!binds.empty()) result.bind = quantiles_of(binds);
  }
  return result;
}

struct LaunchResult {
  double bare_us = 0;    // the driver alone
  double kernel_us = 0;  // of a bound kernel
  double served_us = 0;  // with the lookup
};

// The tensors of one launch on a device.
struct Launch {
  std::vector<std::unique_ptr<runtime::Buffer>> buffers;
  std::vector<std::byte> args;
};

Launch make_launch(runtime::Device& device, const Op& op, const Workload& workload, const LaunchPlan& plan) {
  const std::vector<HostTensor> inputs = op.make_inputs(workload, {});
  Launch launch;
  std::vector<void*> addresses;
  for (const TensorSpec& spec : op.tensors(workload)) {
    launch.buffers.push_back(device.allocate(spec.bytes()));
    addresses.push_back(launch.buffers.back()->address());
    const auto input =
        std::find_if(inputs.begin(), inputs.end(), [&](const HostTensor& tensor) { return tensor.spec.name == spec.name; });
    if (input != inputs.end()) device.copy_in(*launch.buffers.back(), input->data);
  }
  launch.buffers.push_back(device.allocate(plan.workspace_bytes));
  launch.args = op.arguments(workload, addresses, plan.workspace_bytes > 0 ? launch.buffers.back()->address() : nullptr);
  return launch;
}

// Host time; short batches, so that the driver's queue never fills, interleaved, the median of each.
std::optional<LaunchResult> time_launches(runtime::Server& server, runtime::Device& device, const Workload& workload) {
  const auto served = server.bind(workload);
  const Launch launch = make_launch(device, find_op(workload.problem), workload, served->plan);
  constexpr int kBatch = 100, kBatches = 201;
  const auto time_batch = [&](auto&& work) {
    const auto start = Clock::now();
    for (int i = 0; i < kBatch; ++i) work();
    const double us = elapsed_ns(start) / 1e3 / kBatch;
    device.synchronize();
    return us;
  };
  std::vector<double> bare, kernel, whole;
  for (int batch = 0; batch < kBatches; ++batch) {
    const auto own = runtime::time_bare_launch_us(*served->kernel, served->plan, launch.args, kBatch);
    if (!own) return std::nullopt;
    device.synchronize();
    bare.push_back(*own);
    kernel.push_back(time_batch([&] { served->kernel->launch(served->plan, launch.args, nullptr); }));
    whole.push_back(time_batch([&] {
      const runtime::Server::Lease lease = server.find(workload);
      lease->kernel->launch(lease->plan, launch.args, nullptr);
    }));
  }
  return LaunchResult{quantiles_of(bare).p50, quantiles_of(kernel).p50, quantiles_of(whole).p50};
}

void write_json(const LookupBench& bench, const Workload& workload, const Target& target, double clock_ns,
                const std::vector<LookupResult>& results, const std::optional<LaunchResult>& launch) {
  if (bench.json.empty()) return;
  nlohmann::json lookups = nlohmann::json::array();
  for (const LookupResult& result : results) {
    nlohmann::json row{
        {"readers", result.readers}, {"writer", result.writer}, {"p50_ns", result.lookup.p50}, {"p99_ns", result.lookup.p99}};
    if (result.writer)
      row.update({{"binds", result.binds}, {"bind_p50_us", result.bind.p50 / 1e3}, {"bind_p99_us", result.bind.p99 / 1e3}});
    lookups.push_back(row);
  }
  nlohmann::json text{{"workload", to_string(workload)},
                      {"device", to_string(target)},
                      {"clock_ns", clock_ns},
                      {"host_threads", std::thread::hardware_concurrency()},
                      {"lookups", lookups}};
  if (launch) text["launch"] = {{"bare_us", launch->bare_us}, {"kernel_us", launch->kernel_us}, {"served_us", launch->served_us}};
  std::ofstream file(bench.json);
  if (!(file << text.dump(2) << "\n").flush())
    throw Error(ErrorCode::Io, fmt::format("write {}: refused; does its folder exist, is it writable?", bench.json));
}

ExitCode run_bench_lookup(const Session& session, const LookupBench& bench) {
  const Workload workload = read_tuple(bench.tuples).workload;
  runtime::Server server({.device = bench.device, .cache_path = bench.cache, .read_only = true}, session.environment);
  const double clock_ns = clock_cost_ns();
  fmt::print("{}\non {}, {} host threads; the clock's own {:.0f} ns are taken off\n\n", to_string(workload), server.target().name,
             std::thread::hardware_concurrency(), clock_ns);
  std::vector<LookupResult> results;
  for (const int readers : bench.readers)
    for (const bool writer : {false, true}) {
      results.push_back(time_lookups(server, workload, readers, writer, bench.lookups, clock_ns));
      const LookupResult& result = results.back();
      fmt::print("lookup, {:2} reader{}{}: p50 {:.0f} ns, p99 {:.0f} ns", readers, readers == 1 ? "" : "s",
                 writer ? " and a writer" : "", result.lookup.p50, result.lookup.p99);
      if (writer)
        fmt::print("; {} new lengths bound, p50 {:.1f} us, p99 {:.1f} us", result.binds, result.bind.p50 / 1e3,
                   result.bind.p99 / 1e3);
      fmt::print("\n");
    }
  const auto device = runtime::make_device(bench.device, session.environment);
  const auto launch = time_launches(server, *device, workload);
  if (launch)
    fmt::print("launch: the driver alone {:.2f} us, a bound kernel +{:.2f} us, with the lookup +{:.2f} us\n", launch->bare_us,
               launch->kernel_us - launch->bare_us, launch->served_us - launch->bare_us);
  else
    fmt::print("launch: measured on CUDA devices only\n");
  write_json(bench, workload, server.target(), clock_ns, results, launch);
  return ExitCode::Done;
}

}  // namespace

void add_bench_lookup(CLI::App& bench, Session& session) {
  auto* command = bench.add_subcommand("lookup", "What serving costs on the host: lookups, binds of new lengths, launches");
  command->footer(
      "Example:\n  nsajit bench lookup --dtype bf16 --dk 128 --dv 128 --group 16 --S 1 --S-kv 4096 --G 4 --device cuda --json "
      "lookup.json");
  const auto values = std::make_shared<LookupBench>();
  add_tuple_options(*command, values->tuples, TupleSource::OneTuple);
  add_device_option(*command, values->device);
  add_cache_option(*command, values->cache, session);
  command->add_option("--readers", values->readers, "Numbers of threads that look up at once")
      ->delimiter(',')
      ->check(CLI::Range(1, 1024));
  command->add_option("--lookups", values->lookups, "Lookups of each thread")
      ->check(CLI::Range(1000, 10'000'000))
      ->capture_default_str();
  command->add_option("--json", values->json, "File for the figures");
  command->callback([&session, values] { session.result = run_bench_lookup(session, *values); });
}

}  // namespace nsajit::cli
