// Host CPU: see the header.

#include "codegen/host_cpu.h"

#include <llvm/ADT/StringMap.h>
#include <llvm/TargetParser/Host.h>

#include <map>

namespace nsajit::codegen {

std::string host_cpu_name() { return llvm::sys::getHostCPUName().str(); }

std::string host_cpu_features() {
  // Sorted: a StringMap iterates in hash order, and the string is part of cache keys.
  std::map<std::string, bool> sorted;
  for (const auto& feature : llvm::sys::getHostCPUFeatures())
    sorted.emplace(feature.getKey().str(), feature.getValue());
  std::string text;
  for (const auto& [name, present] : sorted) {
    if (!text.empty()) text += ',';
    text += (present ? '+' : '-') + name;
  }
  return text;
}

}  // namespace nsajit::codegen
