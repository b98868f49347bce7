// The CUDA files against fake_libcuda: reasons for having no GPU, and every error text, without a GPU.

#include <dlfcn.h>

#include <catch2/catch_all.hpp>
#include <memory>

#include "core/env.h"
#include "nsajit/error.h"
#include "runtime/bare_launch.h"
#include "runtime/device.h"
#include "runtime/fork_pool.h"
#include "tests/runtime/beside_program.h"

namespace nsajit::runtime {
using Catch::Matchers::Contains;
namespace {

Environment with_driver(const std::string& path) { return Environment{.cuda_path = path, .cpu_threads = 1}; }

Environment with_fake_driver() { return with_driver(testing::beside_program("libfake_cuda_working.so")); }

std::string absent_reason(const std::string& driver) {
  return list_devices(with_driver(driver)).cuda_absent_reason.value_or("no reason");
}

// `image`: a letter that the fake driver understands.
codegen::Binary fake_cubin(char image, std::string entry = "count", std::string arch = "90a") {
  return {.backend = Backend::Cuda, .arch = std::move(arch), .code = {static_cast<std::byte>(image)}, .entries = {std::move(entry)}};
}

std::span<const std::byte> as_args(long long* const& pointer) { return std::as_bytes(std::span(&pointer, 1)); }

}  // namespace

TEST_CASE("a missing driver, the toolkit's stub and a driver without GPU are told apart", "[runtime]") {
  CHECK_THAT(absent_reason("libcuda-that-is-not-there.so.1"), Contains("libcuda-that-is-not-there.so.1") && Contains("NSAJIT_LIBCUDA"));
  CHECK_THAT(absent_reason(testing::beside_program("libfake_cuda_stub.so")), Contains("stub"));
  CHECK_THAT(absent_reason(testing::beside_program("libfake_cuda_no_gpu.so")),
             Contains("CUDA_ERROR_NO_DEVICE") && Contains("CUDA_VISIBLE_DEVICES"));
}

TEST_CASE("a library that is not a driver is named", "[runtime]") {
  CHECK_THAT(absent_reason("libm.so.6"), Contains("libm.so.6 has no function cuInit"));
}

TEST_CASE("a GPU's facts come from its driver", "[runtime]") {
  const DeviceList list = list_devices(with_fake_driver());
  CHECK_FALSE(list.cuda_absent_reason);
  REQUIRE(list.cuda.size() == 1);
  const Target expected{.backend = Backend::Cuda, .name = "Fake H200", .arch = 90, .processors = 132, .smem_bytes = 102400,
                        .smem_sm_bytes = 131072, .registers_sm = 65536, .l2_bytes = 1 << 20, .memory_bytes = 1 << 30,
                        .driver_version = 12040};
  CHECK(list.cuda.front() == expected);
  CHECK(make_device("auto", with_fake_driver())->target() == expected);
}

TEST_CASE("a GPU number that is not there says how many are", "[runtime]") {
  CHECK_THROWS_WITH(make_device("cuda:1", with_fake_driver()), Contains("open cuda:1: this machine shows 1 GPU ("));
}

TEST_CASE("device memory is copied, filled and bounded", "[runtime]") {
  const auto device = make_device("cuda", with_fake_driver());
  const auto buffer = device->allocate(100);
  device->fill(*buffer, std::byte{7});
  device->copy_in(*buffer, std::vector<std::byte>{std::byte{1}, std::byte{2}});
  std::vector<std::byte> read(3);
  device->copy_out(read, *buffer);
  CHECK(read == std::vector<std::byte>{std::byte{1}, std::byte{2}, std::byte{7}});
  CHECK_THROWS_AS(device->copy_out(read, *buffer, 98), Error);
  CHECK(device->allocate(0)->address() != nullptr);
  device->flush_cache();
}

TEST_CASE("out of memory says what was asked and what is free", "[runtime]") {
  const auto device = make_device("cuda", with_fake_driver());
  CHECK_THROWS_WITH(device->allocate(std::int64_t{1} << 40),
                    Contains("allocate 1099511627776 bytes on Fake H200: out of memory, 536870912 of 1073741824 bytes are free: "
                             "CUDA_ERROR_OUT_OF_MEMORY"));
}

TEST_CASE("a kernel is launched with its arguments and its first row", "[runtime]") {
  const auto device = make_device("cuda", with_fake_driver());
  const auto kernel = device->load(fake_cubin('k'));
  long long sum = 0;
  kernel->launch({.steps = {{.first_row = 5}, {.first_row = 7}}}, as_args(&sum), nullptr);
  CHECK(sum == 12);
  CHECK(device->time_us(*kernel, {.steps = {{.first_row = 1}}}, as_args(&sum)) == 250);
}

TEST_CASE("a launch leaves the caller on the context that it found", "[runtime]") {
  const std::string driver = testing::beside_program("libfake_cuda_working.so");
  const auto device = make_device("cuda", with_driver(driver));
  const auto kernel = device->load(fake_cubin('k'));
  const std::unique_ptr<void, int (*)(void*)> library(::dlopen(driver.c_str(), RTLD_NOW), ::dlclose);
  const auto set_current = reinterpret_cast<int (*)(void*)>(::dlsym(library.get(), "cuCtxSetCurrent"));
  const auto get_current = reinterpret_cast<int (*)(void**)>(::dlsym(library.get(), "cuCtxGetCurrent"));
  int own = 0;   // its address stands for the caller's context
  set_current(&own);
  long long sum = 0;
  kernel->launch({.steps = {{.first_row = 5}}}, as_args(&sum), nullptr);
  void* current = nullptr;
  get_current(&current);
  CHECK(current == &own);
  CHECK(sum == 5);
}

TEST_CASE("a bare launch runs the steps as often as it is asked to, and says what the driver refuses", "[runtime]") {
  const auto device = make_device("cuda", with_fake_driver());
  const auto kernel = device->load(fake_cubin('k'));
  long long sum = 0;
  CHECK(time_bare_launch_us(*kernel, {.steps = {{.first_row = 5}, {.first_row = 2}}}, as_args(&sum), 3).has_value());
  CHECK(sum == 21);
  CHECK_THROWS_WITH(time_bare_launch_us(*kernel, {.steps = {{.smem_bytes = 102400}}}, as_args(&sum), 1), Contains("CUDA_ERROR_INVALID_VALUE"));
}

TEST_CASE("captured launches run when the graph does, as often as it does", "[runtime]") {
  const auto device = make_device("cuda", with_fake_driver());
  const auto kernel = device->load(fake_cubin('k'));
  long long sum = 0;
  const auto work = [&](Stream stream) {
    kernel->launch({.steps = {{.first_row = 5}}}, as_args(&sum), stream);
    kernel->launch({.steps = {{.first_row = 2}}}, as_args(&sum), stream);
  };
  const auto graph = device->capture(work);
  CHECK(sum == 7);  // once, before it was captured
  graph->launch(nullptr);
  graph->launch(nullptr);
  CHECK(sum == 21);
  CHECK(device->time_work_us([&](Stream stream) { graph->launch(stream); }) == 250);
}

TEST_CASE("work that fails leaves no stream captured", "[runtime]") {
  const auto device = make_device("cuda", with_fake_driver());
  int calls = 0;
  const auto fails_when_captured = [&](Stream stream) {
    CHECK(device->is_capturing(stream) == (calls > 0));
    if (++calls == 2) throw Error(ErrorCode::Driver, "refused");
  };
  CHECK_THROWS_WITH(device->capture(fails_when_captured), Contains("refused"));
  CHECK_NOTHROW(device->capture([](Stream) {}));
}

TEST_CASE("a device has streams, forks and a look at foreign memory", "[runtime]") {
  const auto device = make_device("cuda", with_fake_driver());
  const auto main = device->make_stream(), side = device->make_stream();
  REQUIRE(main != nullptr);
  CHECK(main->get() != side->get());
  const auto fork = device->make_fork();
  REQUIRE(fork != nullptr);
  CHECK_NOTHROW(fork->begin(main->get(), side->get()));
  CHECK_NOTHROW(fork->end(main->get(), side->get()));
  const int value = 17;
  int read = 0;
  device->read(std::as_writable_bytes(std::span(&read, 1)), &value, main->get());
  CHECK(read == 17);
}

TEST_CASE("forks are lent to as many launches as there are, and come back", "[runtime]") {
  const auto device = make_device("cuda", with_fake_driver());
  ForkPool pool(*device);
  std::vector<ForkPool::Loan> loans;
  for (int i = 0; i < 8; ++i) {
    loans.push_back(pool.borrow());
    REQUIRE(loans.back().get() != nullptr);
  }
  CHECK(pool.borrow().get() == nullptr);  // the launch goes on one stream then
  const StreamFork* const last = loans.back().get();
  loans.pop_back();
  CHECK(pool.borrow().get() == last);
}

TEST_CASE("shared memory is opened up to the opt-in limit less the static part, and no further", "[runtime]") {
  const auto device = make_device("cuda", with_fake_driver());
  const auto kernel = device->load(fake_cubin('k'));
  long long sum = 0;
  kernel->launch({.steps = {{.smem_bytes = 102400 - 1024}}}, as_args(&sum), nullptr);
  CHECK_THROWS_WITH(kernel->launch({.steps = {{.smem_bytes = 102400}}}, as_args(&sum), nullptr),
                    Contains("launch count with grid 1x1x1") && Contains("CUDA_ERROR_INVALID_VALUE") && Contains("at most 101376 bytes"));
}

TEST_CASE("arguments of the wrong size are refused before the launch", "[runtime]") {
  const auto device = make_device("cuda", with_fake_driver());
  const auto kernel = device->load(fake_cubin('k'));
  CHECK_THROWS_WITH(kernel->launch({.steps = {{}}}, std::vector<std::byte>(4), nullptr), Contains("has 8 bytes, 4 were given"));
  CHECK_THROWS_WITH(kernel->launch({.steps = {{.entry = 1}}}, std::vector<std::byte>(8), nullptr), Contains("entry 1"));
}

TEST_CASE("a cubin for another SM is refused by name", "[runtime]") {
  const auto device = make_device("cuda", with_fake_driver());
  const std::string arch = GENERATE("80", "100a", "91", "host", "");
  CHECK_THROWS_WITH(device->load(fake_cubin('k', "count", arch)), Contains("sm_" + arch + " on Fake H200 (sm_90a)"));
  CHECK_NOTHROW(device->load(fake_cubin('k', "count", "90")));
  CHECK_THROWS_WITH(device->load({.backend = Backend::Cpu, .arch = "host"}), Contains("cpu binary"));
}

TEST_CASE("a driver older than the cubin is explained with its version and a way out", "[runtime]") {
  const auto device = make_device("cuda", with_fake_driver());
  CHECK_THROWS_WITH(device->load(fake_cubin('n')), Contains("CUDA_ERROR_NO_BINARY_FOR_GPU") && Contains("CUDA 12.4") && Contains("NSAJIT_NVRTC"));
  CHECK_THROWS_WITH(device->load(fake_cubin('p')), Contains("CUDA_ERROR_UNSUPPORTED_PTX_VERSION") && Contains("CUDA 12.4"));
}

TEST_CASE("a kernel that a cubin does not hold is named", "[runtime]") {
  const auto device = make_device("cuda", with_fake_driver());
  CHECK_THROWS_WITH(device->load(fake_cubin('k', "missing")), Contains("find kernel missing") && Contains("CUDA_ERROR_NOT_FOUND"));
}

TEST_CASE("an illegal access surfaces at synchronize, by its CUDA name, and stays", "[runtime]") {
  const auto device = make_device("cuda", with_fake_driver());
  const auto buffer = device->allocate(16);
  const auto kernel = device->load(fake_cubin('k', "illegal"));
  long long unused = 0;
  kernel->launch({.steps = {{}}}, as_args(&unused), nullptr);
  CHECK_THROWS_WITH(device->synchronize(), Contains("CUDA_ERROR_ILLEGAL_ADDRESS"));
  CHECK_THROWS_WITH(device->fill(*buffer, std::byte{0}), Contains("CUDA_ERROR_ILLEGAL_ADDRESS"));
}

TEST_CASE("buffers and kernels outlive the GPU device that made them", "[runtime]") {
  auto device = make_device("cuda", with_fake_driver());
  const auto buffer = device->allocate(16);
  const auto kernel = device->load(fake_cubin('k'));
  device.reset();
  long long sum = 0;
  kernel->launch({.steps = {{.first_row = 3}}}, as_args(&sum), nullptr);
  CHECK(sum == 3);
}

}  // namespace nsajit::runtime
