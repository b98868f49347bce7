#pragma once
// The objects of object_rows.cpp and object_calls_unknown.cpp, as bytes.

#include <cstddef>
#include <span>

namespace nsajit::testing {

std::span<const std::byte> rows_object();             // add_rows, double_rows, call_expf
std::span<const std::byte> calls_unknown_object();    // calls_unknown

}  // namespace nsajit::testing
