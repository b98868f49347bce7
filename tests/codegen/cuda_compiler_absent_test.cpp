// The CUDA compiler of a build without CUDA's headers.
#include <catch2/catch_all.hpp>

#include "codegen/compiler.h"
#include "core/env.h"
#include "nsajit/error.h"

using namespace nsajit;

TEST_CASE("a build without CUDA says how to get it") {
  CHECK_THROWS_WITH(codegen::make_compiler(Backend::Cuda, Environment{}), Catch::Matchers::Contains("NSAJIT_CUDA=ON"));
}
