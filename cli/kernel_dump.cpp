// Kernel dump: four files of one stem.

#include "cli/kernel_dump.h"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <span>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "nsajit/error.h"

namespace nsajit::cli {
namespace {

void write_file(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream file(path, std::ios::binary);
  if (!file.write(bytes.data(), static_cast<std::streamsize>(bytes.size())) || !file.flush()) {
    throw Error(ErrorCode::Io, fmt::format("write {}: refused; is the folder writable and the disk not full?", path.string()));
  }
}

nlohmann::json describe_plan(const LaunchPlan& plan) {
  auto steps = nlohmann::json::array();
  for (const auto& step : plan.steps) {
    steps.push_back({{"entry", step.entry},
                     {"grid", step.grid},
                     {"block", step.block},
                     {"smem_bytes", step.smem_bytes},
                     {"first_row", step.first_row}});
  }
  return {{"steps", steps}, {"workspace_bytes", plan.workspace_bytes}};
}

std::string_view type_name(ElementType type) {
  switch (type) {
    case ElementType::BF16: return "bf16";
    case ElementType::FP16: return "fp16";
    case ElementType::FP32: return "fp32";
    case ElementType::INT32: return "int32";
  }
  return "unknown";
}

std::string to_hex(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte byte : bytes) text += fmt::format("{:02x}", std::to_integer<int>(byte));
  return text;
}

// An address that no size or stride looks like, nor another one that a struct points into.
void* marker(std::size_t index) { return reinterpret_cast<void*>(std::uintptr_t{0x5eed5eed00000000} + 256 * index); }

// Where the marker lies in the argument struct, and 0 in its place. Nothing: the launch does without.
std::optional<std::size_t> take_marker(std::vector<std::byte>& arguments, std::size_t index) {
  const void* const wanted = marker(index);
  for (std::size_t offset = 0; offset + sizeof(wanted) <= arguments.size(); offset += alignof(void*)) {
    if (std::memcmp(&arguments[offset], &wanted, sizeof(wanted)) != 0) continue;
    std::memset(&arguments[offset], 0, sizeof(wanted));
    return offset;
  }
  return std::nullopt;
}

nlohmann::json to_json(const std::optional<std::size_t>& offset) { return offset ? nlohmann::json(*offset) : nlohmann::json(); }

// The argument struct over dense tensors of the workload: its bytes with 0 for every address, and where each address goes.
// The offsets are found, not listed: an operation lays out its struct in one place, Op::arguments.
nlohmann::json describe_arguments(const Op& op, const Workload& workload) {
  const auto specs = op.tensors(workload);
  std::vector<void*> addresses;
  for (std::size_t index = 0; index < specs.size(); ++index) addresses.push_back(marker(index));
  auto arguments = op.arguments(workload, addresses, marker(specs.size()));
  auto tensors = nlohmann::json::array();
  for (std::size_t index = 0; index < specs.size(); ++index) {
    tensors.push_back({{"name", specs[index].name},
                       {"type", type_name(specs[index].type)},
                       {"shape", specs[index].shape},
                       {"output", specs[index].output},
                       {"offset", to_json(take_marker(arguments, index))}});
  }
  const auto workspace_offset = to_json(take_marker(arguments, specs.size()));
  return {{"bytes", arguments.size()},
          {"bytes_hex", to_hex(arguments)},
          {"tensors", std::move(tensors)},
          {"workspace_offset", workspace_offset}};
}

nlohmann::json describe_resources(const codegen::Binary& binary) {
  auto entries = nlohmann::json::array();
  for (const auto& entry : binary.resources) {
    entries.push_back({{"name", entry.name},
                       {"registers", entry.registers},
                       {"static_smem_bytes", entry.static_smem_bytes},
                       {"stack_bytes", entry.stack_bytes},
                       {"spill_store_bytes", entry.spill_store_bytes},
                       {"spill_load_bytes", entry.spill_load_bytes},
                       {"code_bytes", entry.code_bytes}});
  }
  return entries;
}

nlohmann::json describe(const DumpedKernel& kernel) {
  auto fields = nlohmann::json::object();
  for (const auto& [name, value] : kernel.source.fields) fields[name] = value;
  nlohmann::json text{{"workload", to_string(kernel.workload)},
                      {"config", to_string(kernel.config)},
                      {"template", kernel.source.template_path},
                      {"entries", kernel.source.entries},
                      {"key", kernel.key.digest()},
                      {"key_text", kernel.key.text()},
                      {"fields", std::move(fields)},
                      {"launch", describe_plan(kernel.plan)},
                      {"arguments", describe_arguments(kernel.op, kernel.workload)}};
  if (const auto* binary = std::get_if<codegen::Binary>(&kernel.result)) {
    text["arch"] = binary->arch;
    text["resources"] = describe_resources(*binary);
    text["compile_ms"] = binary->compile_ms;
  } else {
    text["failure"] = std::get<codegen::CompileFailure>(kernel.result).reason;
  }
  return text;
}

}  // namespace

std::string dump_name(const Problem& problem, const Config& config, const Target& target, const cache::CacheKey& key) {
  const std::string arch = target.backend == Backend::Cuda ? "sm" + arch_name(target) : arch_name(target);
  return fmt::format("{}_{}_{}x{}_h{}_{}x{}_{}_{}_{}", to_string(problem.branch), to_string(problem.dtype), problem.dk,
                     problem.dv, problem.group, problem.l_sel, problem.n_sel, arch, config.variant, key.digest().substr(0, 8));
}

void dump_kernel(const DumpedKernel& kernel, const std::string& directory, const std::string& name) {
  std::error_code refused;
  std::filesystem::create_directories(directory, refused);
  if (refused) throw Error(ErrorCode::Io, fmt::format("create folder {}: {}", directory, refused.message()));
  const auto stem = (std::filesystem::path(directory) / name).string();
  const auto* binary = std::get_if<codegen::Binary>(&kernel.result);
  write_file(stem + ".cu", kernel.source.text);
  write_file(stem + ".log", binary != nullptr ? binary->log : std::get<codegen::CompileFailure>(kernel.result).log);
  write_file(stem + ".json", describe(kernel).dump(2) + "\n");
  if (binary == nullptr) return;
  write_file(stem + (binary->backend == Backend::Cuda ? ".cubin" : ".o"),
             {reinterpret_cast<const char*>(binary->code.data()), binary->code.size()});
}

}  // namespace nsajit::cli
