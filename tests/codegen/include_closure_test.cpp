// What a template reads, and the digest over it.
#include "codegen/include_closure.h"

#include <catch2/catch_all.hpp>

#include "nsajit/error.h"
#include "tests/codegen/test_templates.h"

using namespace nsajit::codegen;
using namespace nsajit::codegen::testing;
using Catch::Matchers::Contains;

namespace {
std::string digest_of_probe(const TemplateFolder& folder) {
  folder.use();
  return closure_digest("probe/probe.cuh");
}
}  // namespace

TEST_CASE("includes are found in both forms and in any spacing") {
  CHECK(scan_includes("#include \"a.cuh\"\n  #  include <b/c.cuh>  // why\nint include;") ==
        std::vector<std::string>{"a.cuh", "b/c.cuh"});
}

TEST_CASE("includes in comments are not followed") {
  CHECK(scan_includes("// #include \"a\"\n/* \n#include \"b\"\n*/\n").empty());
}

TEST_CASE("a last line without a newline is read") { CHECK(scan_includes("#include \"a\"").size() == 1); }

TEST_CASE("a closure holds the nested includes once each, in order of path") {
  const TemplateFolder folder;
  folder.use();
  const std::vector<std::string> roots{"probe/probe.cuh", "common/factor.cuh"};
  const auto files = include_closure(roots, "the test");
  REQUIRE(files.size() == 2);
  CHECK(files[0].path == "common/factor.cuh");
  CHECK(files[1].path == "probe/probe.cuh");
}

TEST_CASE("the digest is the same for the same texts elsewhere") {
  const TemplateFolder one, other;
  CHECK(digest_of_probe(one) == digest_of_probe(other));
}

TEST_CASE("a change of a nested include changes the digest") {
  const TemplateFolder one, other;
  other.write("common/factor.cuh", "#pragma once\n");
  CHECK(digest_of_probe(one) != digest_of_probe(other));
}

TEST_CASE("a change of a file outside the closure leaves the digest") {
  const TemplateFolder one, other;
  other.write("common/other.cuh", "#pragma once\n");
  CHECK(digest_of_probe(one) == digest_of_probe(other));
}

TEST_CASE("a missing include is named with the file that includes it") {
  const TemplateFolder folder;
  folder.write("common/factor.cuh", "#include \"common/gone.cuh\"\n");
  folder.use();
  CHECK_THROWS_WITH(closure_digest("probe/probe.cuh"),
                    Contains("common/gone.cuh") && Contains("included by common/factor.cuh"));
}

TEST_CASE("a missing include is an error of kind NotFound") {
  const TemplateFolder folder;
  folder.use();
  CHECK_THROWS_AS(closure_digest("probe/nowhere.cuh"), nsajit::Error);
}

TEST_CASE("headers that include each other end") {
  const TemplateFolder folder;
  folder.write("common/factor.cuh", "#include \"probe/probe.cuh\"\n");
  folder.use();
  CHECK(closure_digest("probe/probe.cuh").size() == 32);
}
