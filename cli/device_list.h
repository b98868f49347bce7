#pragma once
// Device list: how "cuda:0,cuda:1" is read.

#include <string>
#include <vector>

namespace nsajit::cli {

// The devices in their order; a single one may be any word that make_device takes. Throws Error{InvalidArgument} where one is
// named twice (`cuda` is `cuda:0`), since each would disturb the other's times, and for anything but GPUs beside others.
std::vector<std::string> split_devices(const std::string& list);

}  // namespace nsajit::cli
