// The templates inside the binary, and a folder in their place.
#include "codegen/embedded_templates.h"

#include <catch2/catch_all.hpp>

#include <algorithm>

#include "nsajit/error.h"
#include "tests/codegen/test_templates.h"

using namespace nsajit::codegen;
using namespace nsajit::codegen::testing;

TEST_CASE("the argument headers are embedded whole") {
  const auto text = find_embedded("nsajit/selection_args.h");
  REQUIRE(text.has_value());
  CHECK(text->starts_with("#ifndef NSAJIT_SELECTION_ARGS_H"));
  CHECK(text->ends_with("#endif\n"));
}

TEST_CASE("the device headers of this build are embedded and closed under inclusion") {
  const auto is_header = [](const EmbeddedFile& file) { return file.path.ends_with(".cuh"); };
  CHECK(std::ranges::count_if(embedded_files(), is_header) > 0);
  for (const EmbeddedFile& file : embedded_files()) CHECK_NOTHROW(closure_digest(file.path));
}

TEST_CASE("CPU templates are embedded as bitcode") {
  const auto is_module = [](const EmbeddedFile& file) { return file.path.ends_with(".bc"); };
  const auto at = std::ranges::find_if(embedded_files(), is_module);
  REQUIRE(at != embedded_files().end());
  CHECK(at->text.starts_with("BC\xC0\xDE"));
}

TEST_CASE("a path that is not embedded is a miss") { CHECK_FALSE(find_embedded("selection/nowhere.cuh").has_value()); }

TEST_CASE("a template folder replaces every .cuh") {
  const std::string embedded(embedded_files().front().path);
  const TemplateFolder folder;
  folder.use();
  CHECK(find_embedded("probe/probe.cuh").has_value());
  CHECK_FALSE(find_embedded("common/mma.cuh").has_value());
}

TEST_CASE("argument headers stay when a template folder is in use") {
  const TemplateFolder folder;
  folder.use();
  CHECK(find_embedded("nsajit/selection_args.h").has_value());
}

TEST_CASE("texts handed out stay valid after the folder is gone") {
  std::string_view text;
  {
    const TemplateFolder folder;
    folder.use();
    text = *find_embedded("common/factor.cuh");
  }
  CHECK_FALSE(find_embedded("common/factor.cuh").has_value());
  CHECK(text.starts_with("#pragma once"));
}

TEST_CASE("a template folder that is not there is refused by name") {
  CHECK_THROWS_WITH(use_template_directory("/nonexistent/templates"),
                    Catch::Matchers::Contains("/nonexistent/templates"));
}
