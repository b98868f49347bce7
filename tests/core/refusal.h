#pragma once
// Refusal: what a call is refused with, so that a test can look at the code and the message.

#include <optional>
#include <string>

#include "nsajit/error.h"

namespace nsajit::tests {

struct Refusal {
  std::optional<ErrorCode> code;  // nullopt: the call was not refused
  std::string message;
};

template <typename Call>
Refusal refusal_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) { return {.code = error.code(), .message = error.what()}; }
  return {};
}

}  // namespace nsajit::tests
