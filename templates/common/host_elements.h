#pragma once
// Host elements: the values of tensors as inputs and references know them (core/element_values.h), and loops over all hardware
// threads.

#include <cstdint>
#include <functional>

#include "core/element_values.h"

namespace nsajit::templates {

using nsajit::from_bf16;
using nsajit::from_fp16;
using nsajit::load_element;
using nsajit::round_element;
using nsajit::store_element;
using nsajit::to_bf16;
using nsajit::to_fp16;

// Calls body(begin, end) over [0, count) in pieces of `grain`, on all hardware threads. An exception of the body is
// rethrown here. The pieces do not depend on the number of threads.
void for_each_piece(std::int64_t count, std::int64_t grain, const std::function<void(std::int64_t, std::int64_t)>& body);

}  // namespace nsajit::templates
