// Device list: several GPUs, each once.

#include "cli/device_list.h"

#include <catch2/catch_all.hpp>

#include "nsajit/error.h"

using nsajit::cli::split_devices;

TEST_CASE("devices come in the order of the list") {
  CHECK(split_devices("auto") == std::vector<std::string>{"auto"});
  CHECK(split_devices("cpu") == std::vector<std::string>{"cpu"});
  CHECK(split_devices("cuda:1,cuda:0") == std::vector<std::string>{"cuda:1", "cuda:0"});
  CHECK(split_devices("cuda,cuda:2") == std::vector<std::string>{"cuda:0", "cuda:2"});
}

TEST_CASE("a device that is named twice is refused, by whichever name") {
  CHECK_THROWS_WITH(split_devices("cuda,cuda:0"), Catch::Matchers::Contains("cuda:0 is named twice"));
  CHECK_THROWS_WITH(split_devices("cpu,cpu"), Catch::Matchers::Contains("cpu is named twice"));
}

TEST_CASE("only GPUs stand beside others") {
  CHECK_THROWS_WITH(split_devices("cpu,cuda:0"), Catch::Matchers::Contains("several devices are GPUs"));
  CHECK_THROWS_WITH(split_devices("cuda:0,"), Catch::Matchers::Contains("several devices are GPUs"));
}
