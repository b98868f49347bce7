#pragma once
// says: a matcher for a part of a message, by the name that Catch2 2 and 3 share.

#include <string>

#include <catch2/catch_all.hpp>

namespace nsajit::cache {

// `part`: a regular expression.
inline auto says(const std::string& part) { return Catch::Matchers::Matches("[^]*" + part + "[^]*"); }

}  // namespace nsajit::cache
