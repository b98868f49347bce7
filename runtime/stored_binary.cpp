// StoredBinary: entries and their resources as JSON, the rest field by field.

#include "runtime/stored_binary.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/log.h"
#include "nsajit/error.h"

namespace nsajit::runtime {
namespace {

Backend parse_backend(const cache::BinaryRecord& record) {
  for (const Backend backend : {Backend::Cpu, Backend::Cuda}) {
    if (record.backend == to_string(backend)) return backend;
  }
  throw Error(ErrorCode::Cache, fmt::format("load stored binary {}: backend \"{}\" is not known; delete the cache file "
                                            "or tune into another one (--cache)",
                                            record.kernel_key, record.backend));
}

}  // namespace

cache::BinaryRecord make_binary_record(const cache::CacheKey& key, const codegen::Binary& binary) {
  auto entries = nlohmann::json::array();
  for (std::size_t index = 0; index < binary.entries.size(); ++index) {
    nlohmann::json entry{{"name", binary.entries[index]}};
    if (index < binary.resources.size()) {
      const auto& used = binary.resources[index];
      entry.update({{"registers", used.registers},
                    {"static_smem_bytes", used.static_smem_bytes},
                    {"stack_bytes", used.stack_bytes},
                    {"spill_store_bytes", used.spill_store_bytes},
                    {"spill_load_bytes", used.spill_load_bytes},
                    {"code_bytes", used.code_bytes}});
    }
    entries.push_back(std::move(entry));
  }
  return {
      .kernel_key = key.digest(),
      .key_text = key.text(),
      .backend = std::string(to_string(binary.backend)),
      .arch = binary.arch,
      .code = binary.code,
      .entries_json = entries.dump(),
      .log = binary.log,
      .compile_ms = binary.compile_ms,
  };
}

codegen::Binary make_binary(const cache::BinaryRecord& record) {
  codegen::Binary binary{.backend = parse_backend(record),
                         .arch = record.arch,
                         .code = record.code,
                         .log = record.log,
                         .compile_ms = record.compile_ms};
  try {
    for (const auto& entry : nlohmann::json::parse(record.entries_json)) {
      binary.entries.push_back(entry.at("name"));
      binary.resources.push_back({
          .name = binary.entries.back(),
          .registers = entry.value("registers", 0),
          .static_smem_bytes = entry.value("static_smem_bytes", 0),
          .stack_bytes = entry.value("stack_bytes", 0),
          .spill_store_bytes = entry.value("spill_store_bytes", 0),
          .spill_load_bytes = entry.value("spill_load_bytes", 0),
          .code_bytes = entry.value("code_bytes", std::int64_t{0}),
      });
    }
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorCode::Cache,
                fmt::format("load stored binary {}: its list of entries cannot be read: {}", record.kernel_key, error.what()));
  }
  return binary;
}

std::optional<codegen::Binary> find_stored_binary(cache::Cache& cache, const cache::CacheKey& key) {
  const auto record = cache.find_binary(key);
  if (!record) return std::nullopt;
  try {
    return make_binary(*record);
  } catch (const Error& error) {
    log_warn(error.what());
    return std::nullopt;
  }
}

}  // namespace nsajit::runtime
