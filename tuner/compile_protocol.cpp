// Compile protocol: sources and results as JSON headers, code as payload.

#include "tuner/compile_protocol.h"

#include <utility>

#include "tuner/protocol_json.h"

namespace nsajit::tuner {
namespace {

using nlohmann::json;

json to_json(const codegen::KernelSource& source) {
  return {{"name", source.name},
          {"text", source.text},
          {"template_path", source.template_path},
          {"closure_digest", source.closure_digest},
          {"entries", source.entries},
          {"fields", source.fields}};
}

codegen::KernelSource to_source(const json& value) {
  return {.name = value.at("name"),
          .text = value.at("text"),
          .template_path = value.at("template_path"),
          .closure_digest = value.at("closure_digest"),
          .entries = value.at("entries"),
          .fields = value.at("fields")};
}

json to_json(const codegen::EntryResources& entry) {
  return {{"name", entry.name},
          {"registers", entry.registers},
          {"static_smem_bytes", entry.static_smem_bytes},
          {"stack_bytes", entry.stack_bytes},
          {"spill_store_bytes", entry.spill_store_bytes},
          {"spill_load_bytes", entry.spill_load_bytes},
          {"code_bytes", entry.code_bytes}};
}

codegen::EntryResources to_resources(const json& value) {
  return {.name = value.at("name"),
          .registers = value.at("registers"),
          .static_smem_bytes = value.at("static_smem_bytes"),
          .stack_bytes = value.at("stack_bytes"),
          .spill_store_bytes = value.at("spill_store_bytes"),
          .spill_load_bytes = value.at("spill_load_bytes"),
          .code_bytes = value.at("code_bytes")};
}

json to_json(const codegen::Binary& binary) {
  json resources = json::array();
  for (const auto& entry : binary.resources) resources.push_back(to_json(entry));
  return {{"backend", static_cast<int>(binary.backend)}, {"arch", binary.arch}, {"entries", binary.entries},
          {"resources", std::move(resources)},           {"log", binary.log},   {"compile_ms", binary.compile_ms}};
}

codegen::Binary to_binary(const json& value, const std::vector<std::byte>& code) {
  codegen::Binary binary{.backend = value.at("backend").get<int>() == 0 ? Backend::Cpu : Backend::Cuda,
                         .arch = value.at("arch"),
                         .code = code,
                         .entries = value.at("entries")};
  for (const json& entry : value.at("resources")) binary.resources.push_back(to_resources(entry));
  binary.log = value.at("log");
  binary.compile_ms = value.at("compile_ms");
  return binary;
}

json to_json(const codegen::CompileFailure& failure) {
  return {{"reason", failure.reason}, {"log", failure.log}, {"compile_ms", failure.compile_ms}, {"timed_out", failure.timed_out}};
}

codegen::CompileFailure to_failure(const json& value) {
  return {.reason = value.at("reason"),
          .log = value.at("log"),
          .compile_ms = value.at("compile_ms"),
          .timed_out = value.at("timed_out")};
}

}  // namespace

Frame encode(const CompileRequest& request) {
  return {.header = dump({{"source", to_json(request.source)}, {"target", to_json(request.target)}})};
}

Frame encode(const CompileReply& reply) {
  if (const auto* error = std::get_if<CompilerError>(&reply))
    return {.header = dump({{"error", error->message}, {"code", static_cast<int>(error->code)}})};
  const auto& result = std::get<codegen::CompileResult>(reply);
  if (const auto* failure = std::get_if<codegen::CompileFailure>(&result))
    return {.header = dump({{"failure", to_json(*failure)}})};
  const auto& binary = std::get<codegen::Binary>(result);
  return {.header = dump({{"binary", to_json(binary)}}), .payload = binary.code};
}

CompileRequest decode_compile_request(const Frame& frame) {
  return decode_header(frame, "compile request", [](const json& value) {
    return CompileRequest{.source = to_source(value.at("source")), .target = to_target(value.at("target"))};
  });
}

CompileReply decode_compile_reply(const Frame& frame) {
  return decode_header(frame, "compile reply", [&](const json& value) -> CompileReply {
    if (value.contains("error"))
      return CompilerError{.code = static_cast<ErrorCode>(value.at("code").get<int>()), .message = value.at("error")};
    if (value.contains("failure")) return codegen::CompileResult(to_failure(value.at("failure")));
    return codegen::CompileResult(to_binary(value.at("binary"), frame.payload));
  });
}

}  // namespace nsajit::tuner
