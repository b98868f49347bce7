// bench decode: per length the step as a whole, each branch alone, dense attention over the same cache, and what is read.

#include "cli/bench_decode.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <memory>
#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/decode_csv.h"
#include "cli/forward_race.h"
#include "cli/fused_step.h"
#include "cli/interrupt.h"
#include "cli/output_file.h"
#include "cli/session.h"
#include "core/compressed_count.h"
#include "nsajit/error.h"

namespace nsajit::cli {
namespace {

using runtime::ForwardPlan;

struct DecodeBench {
  std::int64_t B = 1, heads = 8, groups = 2;
  int dim = 256;
  Problem problem{.dtype = DType::BF16, .dk = 32, .dv = 32};
  std::string dtype = "bf16";
  std::vector<std::int64_t> lengths{128, 256, 512, 1024};
  std::string force_mode = "env";
  std::string device = "auto", cache, csv, json, summarize;
  tuner::MeasureOptions measure{.warmup = 8, .rounds = 32};
};

std::string read_text(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf()))
    throw Error(ErrorCode::Io,
                fmt::format("read {}: cannot be opened, or is empty; `nsajit bench decode --csv` writes such a file", path));
  return text.str();
}

Workload make_workload(const DecodeBench& bench, std::int64_t length) {
  Workload workload{.problem = bench.problem, .B = bench.B, .S = 1, .S_kv = length, .G = bench.groups, .n = bench.problem.n_sel};
  workload.problem.dtype = parse_dtype(bench.dtype);
  workload.problem.branch = Branch::Gate;  // no other branch's rules hold for a whole step
  if (bench.groups < 1 || bench.heads % bench.groups != 0)
    throw Error(
        ErrorCode::InvalidArgument,
        fmt::format("bench decode: {} heads in {} groups; --heads is to be a multiple of --groups", bench.heads, bench.groups));
  workload.problem.group = static_cast<int>(bench.heads / bench.groups);
  validate(workload);
  return workload;
}

// Gates of one branch, the same for every row.
class OneHotGates {
 public:
  OneHotGates(runtime::Device& device, nsajit_tensor gates) : tensor_(gates) {
    std::fill(tensor_.strides, tensor_.strides + tensor_.ndim - 1, 0);
    for (std::size_t branch = 0; branch < buffers_.size(); ++branch) {
      std::array<float, 3> values{};
      values[branch] = 1;
      buffers_[branch] = device.allocate(sizeof values);
      device.copy_in(*buffers_[branch], std::as_bytes(std::span(values)));
    }
  }
  nsajit_tensor of(std::size_t branch) const {
    nsajit_tensor gates = tensor_;
    gates.data = buffers_[branch]->address();
    return gates;
  }

 private:
  nsajit_tensor tensor_;
  std::array<std::unique_ptr<runtime::Buffer>, 3> buffers_;
};

// Tokens that a step reads of a KV group: compressed, selected, in the window. Selected ones are counted in what was chosen.
std::int64_t count_reads(runtime::Device& device, const Workload& w, const nsajit_tensor& ranges) {
  std::vector<std::int32_t> entries(static_cast<std::size_t>(w.B * w.G * w.problem.n_sel * 2));
  device.read(std::as_writable_bytes(std::span(entries)), ranges.data, nullptr);
  std::int64_t selected = 0;
  for (std::size_t i = 0; i < entries.size(); i += 2) selected += entries[i + 1] - entries[i];
  return count_compressed(w.problem, w.S_kv) + selected / (w.B * w.G) + std::min<std::int64_t>(w.problem.w, w.S_kv);
}

std::int64_t expect_reads(const Workload& w) {
  return count_compressed(w.problem, w.S_kv) + std::int64_t{w.problem.n_sel} * w.problem.l_sel +
         std::min<std::int64_t>(w.problem.w, w.S_kv);
}

struct DecodeCase {
  DecodeRow csv;
  ForwardRow race;  // "forward", "beside", "cmp", "sel", "win", "fused", "dense"
};

// The passes that a length is timed by, and the memory that they run in.
class DecodeLanes {
 public:
  DecodeLanes(RaceTools& tools, const DecodeBench& bench, const ForwardTensors& tensors)
      : tools_(tools),
        call_(tensors.call()),
        gates_(tools.kernels.device(), call_.gates),
        side_(tools.kernels.device().make_stream()) {
    call_.sel = tensors.ranges();
    add("forward", call_);
    if (side_ != nullptr) {
      nsajit_forward_call beside = call_;
      beside.side_stream = side_->get();
      add("beside", beside);
    }
    const char* const branches[] = {"cmp", "sel", "win"};
    for (std::size_t branch = 0; branch < 3; ++branch) {
      nsajit_forward_call one = call_;
      if (bench.force_mode == "env")
        one.only_branch = static_cast<std::int32_t>(branch) + 1;
      else
        one.gates = gates_.of(branch);
      add(branches[branch], one);
    }
  }
  DecodeLanes(const DecodeLanes&) = delete;
  DecodeLanes& operator=(const DecodeLanes&) = delete;

  std::vector<RaceLane> lanes() const { return lanes_; }
  nsajit_tensor ranges() const { return call_.sel; }  // what scoring chose
  std::int64_t workspace_bytes() const { return bound_.front()->plan().workspace_bytes(); }

 private:
  void add(const char* name, const nsajit_forward_call& call) {
    bound_.push_back(std::make_unique<BoundForward>(tools_, call, ForwardPlan::Pieces::Shared));
    ForwardPlan& plan = bound_.back()->plan();
    lanes_.push_back({.name = name, .kernel = "", .work = [&plan](runtime::Stream stream) { plan.launch(stream); }});
  }

  RaceTools& tools_;
  nsajit_forward_call call_;
  OneHotGates gates_;
  std::unique_ptr<runtime::OwnStream> side_;
  std::vector<std::unique_ptr<BoundForward>> bound_;
  std::vector<RaceLane> lanes_;
};

DecodeCase run_length(RaceTools& tools, const DecodeBench& bench, std::int64_t length) {
  const Workload workload = make_workload(bench, length);
  runtime::Device& device = tools.kernels.device();
  const ForwardTensors tensors(device, workload);
  const std::int64_t longest = *std::max_element(bench.lengths.begin(), bench.lengths.end());
  const DenseContender dense(tools.kernels, tools.decisions, tensors.call(), longest);
  const auto fused = FusedStep::make(tools, tensors.call());
  const DecodeLanes passes(tools, bench, tensors);
  std::vector<RaceLane> lanes = passes.lanes();
  if (fused) {
    const auto work = [&](runtime::Stream stream) { fused->launch(stream); };
    lanes.push_back({.name = "fused", .kernel = describe_kernel(fused->kernel()), .work = work});
  }
  const auto work = [&](runtime::Stream stream) { dense.launch(stream); };
  lanes.push_back({.name = "dense", .kernel = to_string(dense.config()), .work = work});

  DecodeCase made{.race = {.workload = workload,
                           .contenders = race_lanes(device, lanes, bench.measure),
                           .workspace_bytes = passes.workspace_bytes(),
                           .tensor_bytes = tensors.bytes()}};
  const auto ms = [&](const char* name) { return find_contender(made.race, name)->timing.summary.median / 1e3; };
  const std::int64_t actual = count_reads(device, workload, passes.ranges()), expected = expect_reads(workload);
  // No prefill is run here: all reads are those of decoding.
  made.csv = {.S = length,
              .ms_total = ms(fused ? "fused" : "forward"),
              .ms_cmp = ms("cmp"),
              .ms_sel = ms("sel"),
              .ms_win = ms("win"),
              .reads_actual = actual,
              .reads_expected = expected,
              .reads_actual_decode = actual,
              .reads_expected_decode = expected};
  return made;
}

void print_heading(const DecodeBench& bench, const Target& target) {
  fmt::print(
      "B={}, {} heads in {} groups, dk={}, dv={}, {}, on {}; {} iterations of one step, interleaved, cold cache, medians\n",
      bench.B, bench.heads, bench.groups, bench.problem.dk, bench.problem.dv, bench.dtype, target.name, bench.measure.rounds);
  fmt::print("{:<9} {:<10} {:<8} {:<9} {:<9} {:<9} {:<12} {:<11} {:<10} {:<10} {:<12} {}\n", "Context", "Total(ms)", "by",
             "cmp(ms)", "sel(ms)", "win(ms)", "forward(ms)", "beside(ms)", "fused(ms)", "dense(ms)", "Reads(dec)", "spread");
}

void print_case(const DecodeCase& found) {
  const DecodeRow& row = found.csv;
  const auto ms = [&](const char* name) {
    const ForwardContender* contender = find_contender(found.race, name);
    return contender != nullptr ? fmt::format("{:.4f}", contender->timing.summary.median / 1e3) : std::string("-");
  };
  const ForwardContender* const fastest = find_fastest_pass(found.race);
  fmt::print("{:<9} {:<10} {:<8} {:<9} {:<9} {:<9} {:<12} {:<11} {:<10} {:<10} {:<12} {:.1f} %\n", row.S,
             ms(fastest->name.c_str()), fastest->name, ms("cmp"), ms("sel"), ms("win"), ms("forward"), ms("beside"), ms("fused"),
             ms("dense"), fmt::format("{}/{}", row.reads_actual, row.reads_expected), worst_spread(found.race));
  std::fflush(stdout);
}

ExitCode run_bench_decode(const Session& session, const DecodeBench& bench) {
  if (!bench.summarize.empty()) {
    fmt::print("{}", format_decode_summary(parse_decode_csv(read_text(bench.summarize), bench.summarize)));
    return ExitCode::Done;
  }
  for (const std::int64_t length : bench.lengths) make_workload(bench, length);  // refuse before anything is done
  if (session.environment.frozen)
    throw Error(ErrorCode::Frozen,
                "cannot run a benchmark: frozen mode never measures; run it without --frozen and NSAJIT_FROZEN");
  OutputFile csv(bench.csv), json(bench.json);
  RaceBench race(session, bench.device, bench.cache);
  const InterruptGuard interrupt;
  print_heading(bench, race.target());
  std::vector<DecodeRow> rows;
  std::vector<ForwardRow> races;
  for (const std::int64_t length : bench.lengths) {
    if (interrupt.requested()) break;
    const DecodeCase found = run_length(race.tools(), bench, length);
    print_case(found);
    rows.push_back(found.csv), races.push_back(found.race);
  }
  csv.write(format_decode_csv(rows));
  json.write(race.describe(std::move(races), bench.measure.rounds));
  return interrupt.requested() ? ExitCode::Interrupted : ExitCode::Done;
}

void add_flags(CLI::App& command, DecodeBench& values) {
  command.add_option("--B", values.B, "Sequences")->check(CLI::Range(1, 1 << 20))->capture_default_str();
  command.add_option("--dim", values.dim, "Width of the model; its projections are not part of the step")->capture_default_str();
  command.add_option("--heads", values.heads, "Query heads")->check(CLI::Range(1, 4096))->capture_default_str();
  command.add_option("--groups", values.groups, "KV heads")->check(CLI::Range(1, 4096))->capture_default_str();
  command.add_option("--dk", values.problem.dk, "Head size of Q and K")->capture_default_str();
  command.add_option("--dv", values.problem.dv, "Head size of V")->capture_default_str();
  command.add_option("--l", values.problem.l, "Compression block length")->capture_default_str();
  command.add_option("--d", values.problem.d, "Compression stride")->capture_default_str();
  command.add_option("--l_sel,--l-sel", values.problem.l_sel, "Selection block length")->capture_default_str();
  command.add_option("--n_sel,--n-sel", values.problem.n_sel, "Selected blocks")->capture_default_str();
  command.add_option("--w", values.problem.w, "Sliding window")->capture_default_str();
  command.add_option("--dtype", values.dtype, "bf16, fp16 or fp32")->capture_default_str();
  command.add_option("--S_list,--S-list", values.lengths, "Tokens in the caches, one row each")
      ->delimiter(',')
      ->check(CLI::Range(1, 1 << 30))
      ->capture_default_str();
  command.add_option("--iters", values.measure.rounds, "Samples of each")->check(CLI::Range(3, 100000))->capture_default_str();
  command.add_option("--warmup", values.measure.warmup, "Runs before them")->check(CLI::Range(0, 100000))->capture_default_str();
  command
      .add_option("--branch_force_mode,--branch-force-mode", values.force_mode,
                  "How a branch is timed alone. env: only its kernels are launched, as under NSA_FORCE_BRANCH; gate: all are, "
                  "with one-hot gates")
      ->check(CLI::IsMember({"env", "gate"}))
      ->capture_default_str();
}

}  // namespace

void add_bench_decode(CLI::App& bench, Session& session) {
  auto* command = bench.add_subcommand(
      "decode",
      "One decode step against caches of growing length\n\n"
      "The step as five kernels on one stream (forward) and with sliding beside the others (beside), as the one kernel of "
      "branch\n"
      "decode (fused), each branch alone, and dense attention over the same cache: this project's dense kernel, which does not "
      "split\n"
      "a cache among thread blocks; bench/torch_forward.py --decode times cuDNN's. On a GPU each is a captured CUDA graph. Total "
      "is\n"
      "the fastest and by says which; the CSV's total is what is served: fused where there is one, as nsajit_decode does.\n"
      "Reads: tokens of a KV group in one step, actual/expected.");
  command->footer(
      "Examples:\n  nsajit bench decode --B 1 --dim 256 --heads 8 --groups 2 --dk 32 --dv 32 --S_list 512,1024,2048,4096 --csv "
      "decode.csv\n"
      "  nsajit bench decode --B 64 --heads 64 --groups 4 --dk 192 --dv 128 --S_list 65536 --json decode.json\n"
      "  nsajit bench decode --summarize decode.csv");
  const auto values = std::make_shared<DecodeBench>();
  add_flags(*command, *values);
  add_device_option(*command, values->device);
  add_cache_option(*command, values->cache, session);
  command->add_option("--csv", values->csv, fmt::format("File of {}", kDecodeCsvHeader));
  command->add_option("--json", values->json, "File for everything: machine, clocks, samples");
  command->add_option("--summarize", values->summarize, "Print the shares of such a file, and run nothing")->type_name("FILE");
  command->callback([&session, values] { session.result = run_bench_decode(session, *values); });
}

}  // namespace nsajit::cli
