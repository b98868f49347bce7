#pragma once
// Counts what the calling thread allocates: this program's operator new, which libnsajit.so uses too.

#include <cstdint>

namespace nsajit::testing {

std::int64_t count_allocations();  // of this thread, since it started

}  // namespace nsajit::testing
