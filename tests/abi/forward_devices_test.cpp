// The whole forward pass on tensors of a device: the bits of its five calls, or of a decode step, also with a second stream and
// from a captured graph. On the CPU in every run, on a GPU where there is one.

#include <catch2/catch_all.hpp>

#include <algorithm>
#include <cmath>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "cli/forward_tensors.h"
#include "core/element_values.h"
#include "core/env.h"
#include "nsajit/forward.h"
#include "runtime/device.h"
#include "tests/support/temporary_folder.h"

namespace nsajit::testing {
namespace {

void require_ok(nsajit_status status) {
  if (status != NSAJIT_OK) throw std::runtime_error(nsajit_last_error());
}

enum class Choice { Inside, Taken };  // Taken: by the caller, so that one query takes five launches, too

class Bench {
 public:
  Bench(const std::string& device, const Workload& workload, Choice choice)
      : choice_(choice),
        device_(runtime::make_device(device, read_environment())),
        tensors_(*device_, workload),
        workload_(workload) {
    const std::string path = folder_.path() + "/cache.db";
    const nsajit_context_options options{sizeof options, device.c_str(), path.c_str(), 0};
    require_ok(nsajit_context_create(&options, &context_));
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;
  ~Bench() { nsajit_context_destroy(context_); }

  // What a pass writes to o.
  std::vector<std::byte> run(runtime::Stream side) {
    nsajit_forward_call call = with_workspace(side);
    require_ok(nsajit_forward(context_, &call));
    return output();
  }
  std::vector<std::byte> run_captured(runtime::Stream side) {
    nsajit_forward_call call = with_workspace(side);
    const auto graph = device_->capture([&](runtime::Stream stream) {
      call.stream = stream;
      require_ok(nsajit_forward(context_, &call));
    });
    device_->synchronize();
    fill(call.o, std::byte{0xff});
    graph->launch(nullptr);
    return output();
  }
  std::vector<std::byte> run_parts() {
    const nsajit_forward_call whole = tensors_.call();
    nsajit_call part{};
    part.struct_bytes = sizeof part;
    part.q = whole.q, part.sparsity = whole.sparsity, part.S_kv = workload_.S_kv, part.dv = workload_.problem.dv;
    part.k = whole.k_cmp, part.v = whole.v_cmp, part.o = like(whole.o), part.lse = like(whole.q);
    part.lse.dtype = NSAJIT_FP32, part.lse.ndim -= 1;
    for (int i = 0; i < part.lse.ndim; ++i) part.lse.strides[i] /= whole.q.shape[whole.q.ndim - 1];
    const nsajit_tensor o_cmp = part.o;
    launch(part, nsajit_compressed_workspace_bytes, nsajit_compressed_forward);
    part.sel = tensors_.ranges();
    launch(part, nsajit_select_blocks_workspace_bytes, nsajit_select_blocks);
    part.lse = {}, part.k = whole.k_sel, part.v = whole.v_sel, part.o = like(whole.o);
    const nsajit_tensor o_sel = part.o;
    launch(part, nsajit_selection_workspace_bytes, nsajit_selection_forward);
    part.k = whole.k_win, part.v = whole.v_win, part.o = like(whole.o);
    launch(part, nsajit_sliding_workspace_bytes, nsajit_sliding_forward);
    nsajit_combine_call gate{};
    gate.struct_bytes = sizeof gate;
    gate.o_cmp = o_cmp, gate.o_sel = o_sel, gate.o_win = part.o, gate.gates = whole.gates, gate.o = whole.o;
    gate.sparsity = whole.sparsity, gate.dk = workload_.problem.dk, gate.S_kv = workload_.S_kv;
    gate.groups = static_cast<std::int32_t>(workload_.G);
    launch(gate, nsajit_combine_workspace_bytes, nsajit_combine);
    return output();
  }
  std::vector<std::byte> run_step() {
    const nsajit_forward_call whole = tensors_.call();
    nsajit_decode_call step{};
    step.struct_bytes = sizeof step;
    step.q = whole.q, step.gates = whole.gates, step.o = whole.o, step.sparsity = whole.sparsity;
    step.k_cmp = whole.k_cmp, step.v_cmp = whole.v_cmp, step.k_sel = whole.k_sel, step.v_sel = whole.v_sel;
    step.k_win = whole.k_win, step.v_win = whole.v_win;
    launch(step, nsajit_decode_workspace_bytes, nsajit_decode);
    return output();
  }
  std::unique_ptr<runtime::OwnStream> make_stream() { return device_->make_stream(); }

 private:
  static std::int64_t bytes_of(const nsajit_tensor& tensor) {
    std::int64_t bytes = tensor.dtype == NSAJIT_FP32 ? 4 : 2;
    for (int i = 0; i < tensor.ndim; ++i) bytes *= tensor.shape[i];
    return bytes;
  }
  nsajit_tensor like(nsajit_tensor tensor) {
    buffers_.push_back(device_->allocate(2 * bytes_of(tensor)));
    tensor.data = buffers_.back()->address();
    return tensor;
  }
  void fill(const nsajit_tensor& tensor, std::byte value) {
    const std::vector<std::byte> values(static_cast<std::size_t>(bytes_of(tensor)), value);
    struct Borrowed final : runtime::Buffer {
      nsajit_tensor tensor;
      explicit Borrowed(const nsajit_tensor& own) : tensor(own) {}
      void* address() const override { return tensor.data; }
      std::int64_t bytes() const override { return bytes_of(tensor); }
    } borrowed(tensor);
    device_->copy_in(borrowed, values);
  }
  // Workspaces full of NaN: what is read before it is written shows.
  void* workspace(std::int64_t bytes) {
    buffers_.push_back(device_->allocate(bytes));
    device_->fill(*buffers_.back(), std::byte{0xff});
    return buffers_.back()->address();
  }
  nsajit_forward_call with_workspace(runtime::Stream side) {
    nsajit_forward_call call = tensors_.call();
    call.side_stream = side;
    if (choice_ == Choice::Taken) call.sel = tensors_.ranges();
    require_ok(nsajit_forward_workspace_bytes(context_, &call, &call.workspace_bytes));
    call.workspace = workspace(call.workspace_bytes);
    fill(call.o, std::byte{0xff});
    return call;
  }
  template <class Call, class Ask, class Launch>
  void launch(Call& call, const Ask& ask, const Launch& launch) {
    require_ok(ask(context_, &call, &call.workspace_bytes));
    call.workspace = workspace(call.workspace_bytes);
    require_ok(launch(context_, &call));
  }
  std::vector<std::byte> output() {
    device_->synchronize();
    std::vector<std::byte> values(static_cast<std::size_t>(bytes_of(tensors_.call().o)));
    device_->read(values, tensors_.call().o.data, nullptr);
    return values;
  }

  Choice choice_;
  TemporaryFolder folder_;
  std::unique_ptr<runtime::Device> device_;
  cli::ForwardTensors tensors_;
  Workload workload_;
  std::vector<std::unique_ptr<runtime::Buffer>> buffers_;
  nsajit_context* context_ = nullptr;
};

Workload sized(Layout layout, std::int64_t S, std::int64_t S_kv) {
  return {.problem = {.branch = Branch::Gate, .dk = 64, .dv = 64, .n_sel = 4, .w = 100, .group = 4, .layout = layout},
          .B = 2,
          .S = S,
          .S_kv = S_kv,
          .G = 2,
          .n = 4};
}

void check_runs(Bench& bench, const std::vector<std::byte>& expected) {
  CHECK(bench.run(nullptr) == expected);
  CHECK(bench.run_captured(nullptr) == expected);
  const auto side = bench.make_stream();
  if (side == nullptr) return;
  CHECK(bench.run(side->get()) == expected);
  CHECK(bench.run_captured(side->get()) == expected);
}

void check(const std::string& device) {
  for (const Layout layout : {Layout::Grouped, Layout::Flash}) {
    for (const auto& [S, S_kv] : {std::pair{333, 333}, std::pair{1, 700}}) {
      INFO(to_string(layout) << " S=" << S << " S_kv=" << S_kv);
      Bench bench(device, sized(layout, S, S_kv), Choice::Taken);
      check_runs(bench, bench.run_parts());
    }
  }
}

// As far as two ways to round to bf16 let them be apart.
double distance(const std::vector<std::byte>& a, const std::vector<std::byte>& b) {
  double worst = a.size() == b.size() ? 0 : INFINITY;
  for (std::size_t i = 0; i + 1 < std::min(a.size(), b.size()); i += 2) {
    const auto value = [i](const std::vector<std::byte>& of) {
      return from_bf16(static_cast<std::uint16_t>(std::to_integer<int>(of[i]) | std::to_integer<int>(of[i + 1]) << 8));
    };
    const double apart = std::abs(double{value(a)} - value(b));
    worst = std::isnan(apart) ? INFINITY : std::max(worst, apart);
  }
  return worst;
}

void check_step(const std::string& device) {
  for (const Layout layout : {Layout::Grouped, Layout::Flash}) {
    for (const std::int64_t S_kv : {9000, 700, 20}) {
      INFO(to_string(layout) << " S_kv=" << S_kv);
      Bench bench(device, sized(layout, 1, S_kv), Choice::Inside);
      const auto expected = bench.run_step();
      check_runs(bench, expected);
      CHECK(distance(expected, bench.run_parts()) < 0.05);
    }
  }
}

}  // namespace

TEST_CASE("a pass over a device's tensors has the bits of its five calls", "[abi]") { check("cpu"); }

TEST_CASE("a pass on a GPU has the bits of its five calls, on one stream, on two, and captured", "[gpu]") { check("cuda"); }

TEST_CASE("a pass of one query over a device's tensors is a decode step", "[abi]") { check_step("cpu"); }

TEST_CASE("a decode step on a GPU is near its five calls, and what a pass of one query gives, also captured", "[gpu]") {
  check_step("cuda");
}

}  // namespace nsajit::testing
