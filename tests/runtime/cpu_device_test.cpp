// CpuDevice: its facts, its memory, and kernels over rows.

#include "runtime/cpu_device.h"

#include <catch2/catch_all.hpp>
#include <cstring>

#include "core/env.h"
#include "nsajit/error.h"
#include "runtime/host_facts.h"
#include "runtime/thread_pool.h"
#include "tests/runtime/embedded_objects.h"

namespace nsajit::runtime {
using Catch::Matchers::Contains;
namespace {

struct RowArgs { float* out; long long total; };   // of object_rows.cpp

std::unique_ptr<Device> make_two_threads() { return make_cpu_device(Environment{.cpu_threads = 2}); }

codegen::Binary rows_binary(std::vector<std::string> entries) {
  const auto object = testing::rows_object();
  return {.backend = Backend::Cpu, .arch = "host", .code = {object.begin(), object.end()}, .entries = std::move(entries)};
}

std::span<const std::byte> bytes_of(const RowArgs& args) { return std::as_bytes(std::span(&args, 1)); }

std::vector<float> read_floats(Device& device, const Buffer& buffer, std::size_t count) {
  std::vector<float> values(count);
  device.copy_out(std::as_writable_bytes(std::span(values)), buffer);
  return values;
}

}  // namespace

TEST_CASE("the CPU's target holds this machine's facts", "[runtime]") {
  const auto device = make_two_threads();
  CHECK(device->target().backend == Backend::Cpu);
  CHECK(device->target().name == read_host_facts().cpu_name);
  CHECK(device->target().processors == 2);
  CHECK_FALSE(device->target().features.empty());
  CHECK(device->target() == read_cpu_target(Environment{.cpu_threads = 2}));
  CHECK(read_cpu_target(Environment{}).processors == read_host_facts().threads);
}

TEST_CASE("bytes copied into a buffer come back, from an offset too", "[runtime]") {
  const auto device = make_two_threads();
  const auto buffer = device->allocate(1000);
  CHECK(reinterpret_cast<std::uintptr_t>(buffer->address()) % 256 == 0);
  CHECK(buffer->bytes() == 1000);
  device->fill(*buffer, std::byte{0xAB});
  const std::vector<std::byte> written{std::byte{1}, std::byte{2}, std::byte{3}};
  device->copy_in(*buffer, written);
  std::vector<std::byte> read(3);
  device->copy_out(read, *buffer, 1);
  CHECK(read == std::vector<std::byte>{std::byte{2}, std::byte{3}, std::byte{0xAB}});
}

TEST_CASE("copies past the end of a buffer are refused", "[runtime]") {
  const auto device = make_two_threads();
  const auto buffer = device->allocate(8);
  std::vector<std::byte> bytes(9);
  CHECK_THROWS_AS(device->copy_in(*buffer, bytes), Error);
  CHECK_THROWS_AS(device->copy_out(bytes, *buffer), Error);
  CHECK_THROWS_AS(device->copy_out(std::span(bytes).first(1), *buffer, 8), Error);
  CHECK_THROWS_AS(device->copy_out(std::span(bytes).first(1), *buffer, -1), Error);
}

TEST_CASE("more memory than there is is refused with the numbers", "[runtime]") {
  const auto device = make_two_threads();
  CHECK_THROWS_WITH(device->allocate(std::int64_t{1} << 50), Contains("allocate 1125899906842624 bytes") && Contains("out of memory"));
  CHECK_THROWS_AS(device->allocate(-1), Error);
  CHECK(device->allocate(0)->bytes() == 0);
}

TEST_CASE("a plan's steps run in order over their rows, and no further", "[runtime]") {
  const auto device = make_two_threads();
  const auto kernel = device->load(rows_binary({"add_rows", "double_rows"}));
  const auto out = device->allocate(8 * sizeof(float));
  device->fill(*out, std::byte{0});
  const RowArgs args{.out = static_cast<float*>(out->address()), .total = 7};
  const LaunchPlan plan{.steps = {{.entry = 0, .grid = {4, 1, 1}, .block = {2, 1, 1}},
                                  {.entry = 1, .grid = {2, 1, 1}, .block = {2, 1, 1}, .smem_bytes = 64, .first_row = 3}}};
  kernel->launch(plan, bytes_of(args), nullptr);
  CHECK(read_floats(*device, *out, 8) == std::vector<float>{1, 2, 3, 8, 10, 12, 14, 0});
}

TEST_CASE("a kernel outlives the device that loaded it", "[runtime]") {
  auto device = make_two_threads();
  const auto kernel = device->load(rows_binary({"add_rows"}));
  device.reset();
  float value = 0;
  const RowArgs args{.out = &value, .total = 1};
  kernel->launch({.steps = {{}}}, bytes_of(args), nullptr);
  CHECK(value == 1);
}

TEST_CASE("what a CPU kernel cannot be is said at load", "[runtime]") {
  const auto device = make_two_threads();
  CHECK_THROWS_WITH(device->load({.backend = Backend::Cuda, .arch = "90a"}), Contains("cuda binary on the CPU"));
  CHECK_THROWS_WITH(device->load({.backend = Backend::Cpu, .arch = "90a"}), Contains("90a"));
  CHECK_THROWS_WITH(device->load(rows_binary({"absent"})), Contains("absent"));
}

TEST_CASE("a plan that does not fit a CPU kernel is refused", "[runtime]") {
  const auto device = make_two_threads();
  const auto kernel = device->load(rows_binary({"add_rows"}));
  const auto launch = [&](LaunchStep step) { kernel->launch({.steps = {step}}, {}, nullptr); };
  CHECK_THROWS_WITH(launch({.entry = 1}), Contains("entry 1"));
  CHECK_THROWS_WITH(launch({.grid = {1, 2, 1}}), Contains("1x2x1"));
  CHECK_THROWS_WITH(launch({.smem_bytes = ThreadPool::kScratchBytes + 1}), Contains("scratch"));
}

TEST_CASE("a timed launch runs the kernel once and takes time", "[runtime]") {
  const auto device = make_two_threads();
  const auto kernel = device->load(rows_binary({"add_rows"}));
  std::vector<float> out(1000);
  const RowArgs args{.out = out.data(), .total = 1000};
  device->flush_cache();
  CHECK(device->time_us(*kernel, {.steps = {{.grid = {10, 1, 1}, .block = {100, 1, 1}}}}, bytes_of(args)) > 0);
  CHECK(out[999] == 1000);
  device->synchronize();
  CHECK(device->clocks().sm_mhz == 0);
}

}  // namespace nsajit::runtime
