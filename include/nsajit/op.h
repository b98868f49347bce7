#pragma once
// Op: all that the framework knows about one operation: its search space, its kernels, its inputs and
// its reference. One implementation per folder of templates/; the rest of nsajit is written against this.
// Implementations are immutable and safe to share between threads.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nsajit/config.h"
#include "nsajit/launch_plan.h"
#include "nsajit/prediction.h"
#include "nsajit/search_space.h"
#include "nsajit/target.h"
#include "nsajit/workload.h"

namespace nsajit {

class Recordings;  // recording.h

// The two values of one CUDA entry's __launch_bounds__.
struct EntryBounds {
  int threads = 0;        // per block
  int blocks_per_sm = 1;  // resident at least; caps the registers of a thread
  int cluster = 1;        // blocks of a cluster along x; divides the grid. More than 1 needs SM 90
};

// What the generator needs to write a compilation unit: which template, instantiated with which fields.
struct Unit {
  std::string template_path;                        // "selection/query_major.cuh"; CPU: name of an embedded bitcode module
  std::vector<std::string> entries;                 // kernel names, in LaunchStep::entry order
  std::vector<std::pair<std::string, int>> fields;  // named compile-time constants
  std::string element = "bf16";                     // storage type of Q, K, V, O
  std::vector<std::string> bodies;                  // CUDA: what each entry calls, one per entry
  std::string args_type;                            // the argument struct
  std::string args_header;                          // the header that declares it
  std::vector<EntryBounds> bounds;                  // CUDA: one per entry
};

enum class ElementType : std::uint8_t { BF16, FP16, FP32, INT32 };
std::size_t element_bytes(ElementType type);

// A tensor of a launch. Allocated densely in the order of `shape`.
struct TensorSpec {
  std::string name;  // "q", "k", "v", "o", "lse", "sel"
  ElementType type = ElementType::FP32;
  std::vector<std::int64_t> shape;
  bool output = false;
  std::int64_t elements() const;
  std::int64_t bytes() const { return elements() * static_cast<std::int64_t>(element_bytes(type)); }
};

// Host copy of a tensor.
struct HostTensor {
  TensorSpec spec;
  std::vector<std::byte> data;
};

enum class InputKind : std::uint8_t {
  Random,       // normal values, random causal selections with block 0 and the two local blocks
  LargeLogits,  // queries scaled so that logits reach +-1e3
  Ties,         // scores of many blocks equal to the last bit, and exact in every order of summation
  GivenSums,    // scoring: the log-sum-exp of the compressed branch is handed in
  OneBranch,    // gate: one branch is forced, the outputs of the others and all gates are NaN
  TwoBranches,  // gate: one branch is absent, its output and gates are NaN
  Ragged,       // rows empty, of one token, partly filled, unused entries scattered, adjacent blocks merged
};

struct InputRecipe {
  InputKind kind = InputKind::Random;
  std::uint64_t seed = 1;
  const Recordings* recordings = nullptr;  // where a workload that names a recorded selection finds it
};

// One thing a candidate must compute right before it may be timed.
struct ParityCase {
  std::string name;  // "ragged S=193 seed=2"
  Workload workload;
  InputRecipe recipe;
  std::int64_t sampled_rows = 0;  // 0: every row is compared; else this many, spread evenly, plus the last
};

// Expected values of a case, in float64, for the rows that are compared.
struct Reference {
  std::vector<std::int64_t> rows;               // flattened (b, s, g)
  std::vector<std::vector<double>> oracle;      // per output tensor: values of those rows, in order
  std::vector<std::vector<double>> same_dtype;  // the same computed with the problem's dtype's roundings
  // Per output: relative change that one more fp32 rounding of the largest intermediate (a logit) may cause; another
  // order of summation is as right as the reference's. Empty: none.
  std::vector<double> intermediate_rounding;
  // Of a discrete output (int32), where more than one answer is right: what is wrong with `values` as row `rows[index]`;
  // empty: nothing. Null: they have to equal the oracle's.
  std::function<std::string(std::size_t index, std::span<const double> values)> judge;
};

class Op {
 public:
  virtual ~Op() = default;
  virtual std::string_view name() const = 0;  // "selection"
  virtual bool supports(const Problem& problem) const = 0;
  // Whether `target` has a kernel for a problem that is supported: false where space() would throw Error{Unsupported}. Cheap.
  virtual bool serves(const Problem&, const Target&) const { return true; }
  // The tuple under which results are kept for all whose kernels are the same code: what the operation never reads has its
  // usual value. Idempotent.
  virtual Problem canonical(const Problem& problem) const { return problem; }

  virtual SearchSpace space(const Problem& problem, const Target& target) const = 0;
  virtual Config default_config(const Problem& problem, const Target& target) const = 0;
  virtual Config baseline_config(const Problem& problem, const Target& target) const = 0;  // packed SDPA
  // What serves sizes that nothing was tuned for, and what tuning tries first; nullopt: the baseline and the default config.
  virtual std::optional<Config> untuned_config(const Workload&, const Target&) const { return std::nullopt; }

  virtual Unit unit(const Problem& problem, const Config& config, const Target& target) const = 0;
  virtual LaunchPlan plan(const Workload& workload, const Config& config, const Target& target) const = 0;

  // The tensors of a launch in a fixed order, and the argument struct over their device addresses.
  virtual std::vector<TensorSpec> tensors(const Workload& workload) const = 0;
  virtual std::vector<std::byte> arguments(const Workload& workload, std::span<void* const> tensors, void* workspace) const = 0;
  // The same for a case whose recipe says more than its tensors do: a mode that launches choose.
  virtual std::vector<std::byte> case_arguments(const ParityCase& parity_case, std::span<void* const> tensors,
                                                void* workspace) const {
    return arguments(parity_case.workload, tensors, workspace);
  }

  virtual std::vector<HostTensor> make_inputs(const Workload& workload, const InputRecipe& recipe) const = 0;
  virtual std::vector<ParityCase> parity_cases(const Workload& workload) const = 0;
  // `inputs` as made by make_inputs. Runs on the host, in parallel, inside float64.
  virtual Reference reference(const ParityCase& parity_case, std::span<const HostTensor> inputs) const = 0;
  // Where row `row` of an output lies in its host copy: elements [begin, begin + count).
  struct RowSlice {
    std::int64_t begin = 0;
    std::int64_t count = 0;
  };
  virtual RowSlice output_row(const Workload& workload, std::string_view tensor, std::int64_t row) const = 0;
  // Inputs with every token after position t changed: used to prove that row t does not look ahead.
  virtual std::vector<HostTensor> change_future(const Workload& workload, std::span<const HostTensor> inputs,
                                                std::int64_t position) const = 0;

  // The length a threshold counts, the name it is exported by, and the ladder of workloads it is fitted on. An empty name:
  // there is no threshold, and the winner is served at every length.
  virtual std::string_view threshold_name(const Problem&) const { return {}; }
  virtual std::int64_t threshold_length(const Workload&) const { return 0; }
  virtual std::vector<Workload> threshold_ladder(const Workload&) const { return {}; }

  // What a launch must do at least: floating-point operations and bytes through device memory.
  struct Work {
    double flops = 0;
    double bytes = 0;
  };
  virtual Work work(const Workload& workload) const = 0;
  // The same for a workload of a recorded selection, whose tokens only the recording knows.
  virtual Work recorded_work(const Workload& workload, const Recordings&) const { return work(workload); }

  // What a model expects of a config that plan() takes; nullopt: there is none. To rank and to explain, never to refuse.
  virtual std::optional<Prediction> predict(const Workload&, const Config&, const Target&) const { return std::nullopt; }
};

// The same workload of the canonical tuple.
Workload canonical(const Op& op, Workload workload);

// Every operation of this build. templates/registry.cpp holds the list.
std::span<const Op* const> all_ops();
// Throws Error{Unsupported} where no operation serves the problem.
const Op& find_op(const Problem& problem);

}  // namespace nsajit
