// make_device and list_devices: words to devices, and why a backend has none. No GPU needed: the machine's own
// driver is never opened.

#include <catch2/catch_all.hpp>

#include "core/env.h"
#include "nsajit/error.h"
#include "runtime/device.h"

namespace nsajit::runtime {
using Catch::Matchers::Contains;
namespace {

Environment with_driver(const std::string& path) { return Environment{.cuda_path = path, .cpu_threads = 1}; }

Environment without_driver() { return with_driver("libcuda-that-is-not-there.so.1"); }

ErrorCode code_of(const std::string& device) {
  try {
    make_device(device, without_driver());
  } catch (const Error& error) {
    return error.code();
  }
  FAIL("make_device accepted " << device);
  return ErrorCode::Io;
}

}  // namespace

TEST_CASE("an unknown device word lists the known ones", "[runtime]") {
  const std::string word = GENERATE("gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:1x", "");
  CHECK(code_of(word) == ErrorCode::InvalidArgument);
  CHECK_THROWS_WITH(make_device(word, without_driver()), Contains("auto, cpu, cuda or cuda:N"));
}

TEST_CASE("auto is the CPU where there is no GPU", "[runtime]") {
  CHECK(make_device("auto", without_driver())->target().backend == Backend::Cpu);
  CHECK(make_device("cpu", without_driver())->target().backend == Backend::Cpu);
}

TEST_CASE("asking for a GPU without one is an error of the driver", "[runtime]") {
  CHECK(code_of("cuda") == ErrorCode::Driver);
  CHECK(code_of("cuda:3") == ErrorCode::Driver);
}

TEST_CASE("the list of devices says why there is no GPU", "[runtime]") {
  const DeviceList list = list_devices(without_driver());
  CHECK(list.cuda.empty());
  CHECK(list.cuda_absent_reason.value_or("").size() > 20);
  CHECK(list.cpu.backend == Backend::Cpu);
}

}  // namespace nsajit::runtime
