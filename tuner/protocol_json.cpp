// Protocol JSON: field by field.

#include "tuner/protocol_json.h"

#include <fmt/format.h>

#include "nsajit/error.h"

namespace nsajit::tuner {

using nlohmann::json;

std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

json to_json(const Target& target) {
  return {{"backend", static_cast<int>(target.backend)},
          {"name", target.name},
          {"arch", target.arch},
          {"features", target.features},
          {"processors", target.processors},
          {"smem_bytes", target.smem_bytes},
          {"smem_sm_bytes", target.smem_sm_bytes},
          {"registers_sm", target.registers_sm},
          {"l2_bytes", target.l2_bytes},
          {"memory_bytes", target.memory_bytes},
          {"driver_version", target.driver_version}};
}

Target to_target(const json& value) {
  const int backend = value.at("backend").get<int>();
  if (backend != static_cast<int>(Backend::Cpu) && backend != static_cast<int>(Backend::Cuda))
    throw Error(ErrorCode::Worker, fmt::format("worker protocol: backend {} is not known", backend));
  return {.backend = static_cast<Backend>(backend),
          .name = value.at("name"),
          .arch = value.at("arch"),
          .features = value.at("features"),
          .processors = value.at("processors"),
          .smem_bytes = value.at("smem_bytes"),
          .smem_sm_bytes = value.at("smem_sm_bytes"),
          .registers_sm = value.at("registers_sm"),
          .l2_bytes = value.at("l2_bytes"),
          .memory_bytes = value.at("memory_bytes"),
          .driver_version = value.at("driver_version")};
}

void refuse_header(const char* what, const json::exception& error) {
  throw Error(ErrorCode::Worker, fmt::format("worker protocol: malformed {}: {}", what, error.what()));
}

}  // namespace nsajit::tuner
