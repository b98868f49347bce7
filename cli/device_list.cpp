// Device list: see the header.

#include "cli/device_list.h"

#include <algorithm>

#include <fmt/format.h>

#include "nsajit/error.h"

namespace nsajit::cli {

std::vector<std::string> split_devices(const std::string& list) {
  std::vector<std::string> devices;
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    std::string device = list.substr(begin, end - begin);
    if (device == "cuda") device = "cuda:0";
    if (std::find(devices.begin(), devices.end(), device) != devices.end())
      throw Error(
          ErrorCode::InvalidArgument,
          fmt::format("--device {}: {} is named twice; kernels that are timed side by side slow each other down", list, device));
    devices.push_back(std::move(device));
    begin = end + 1;
  }
  const auto is_gpu = [](const std::string& device) { return device.starts_with("cuda:"); };
  if (devices.size() > 1 && !std::all_of(devices.begin(), devices.end(), is_gpu))
    throw Error(ErrorCode::InvalidArgument, fmt::format("--device {}: several devices are GPUs, as cuda:0,cuda:1", list));
  return devices;
}

}  // namespace nsajit::cli
