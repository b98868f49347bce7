#pragma once
// Protocol JSON: what the headers of both protocols with child processes (trials, compilations) have in common.

#include <string>

#include <nlohmann/json.hpp>

#include "nsajit/target.h"
#include "tuner/worker_protocol.h"

namespace nsajit::tuner {

// Reasons carry text of drivers and compilers, which need not be UTF-8: what is not is replaced.
std::string dump(const nlohmann::json& value);

nlohmann::json to_json(const Target& target);
Target to_target(const nlohmann::json& value);

[[noreturn]] void refuse_header(const char* what, const nlohmann::json::exception& error);

// Runs `decode` on the parsed header; whatever is malformed in it becomes one Error{Worker}.
template <typename Decode>
auto decode_header(const Frame& frame, const char* what, Decode decode) {
  try {
    return decode(nlohmann::json::parse(frame.header));
  } catch (const nlohmann::json::exception& error) { refuse_header(what, error); }
}

}  // namespace nsajit::tuner
