#pragma once
// UtcTime: the wall clock as the cache writes it. For people to read, and to put what several machines stored into
// one order; within a file, row ids decide.

#include <chrono>
#include <string>
#include <string_view>

namespace nsajit::cache {

// "2026-01-31T17:05:09Z". Texts of this form sort as their times do.
std::string utc_now();
std::string utc_before(std::chrono::seconds age);  // the time that was `age` ago

// Has `text` that form? Whether the day exists is not asked.
bool is_utc(std::string_view text);

}  // namespace nsajit::cache
