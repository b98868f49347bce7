// Text table: widths and alignment.

#include "cli/text_table.h"

#include <catch2/catch_all.hpp>

TEST_CASE("columns are as wide as their widest cell and numbers are flush right") {
  CHECK(nsajit::cli::format_text_table({"name", "ms"}, {{"a", "1.5"}, {"longer", "10"}}) ==
        "name     ms\n"
        "-----------\n"
        "a       1.5\n"
        "longer   10\n");
}

TEST_CASE("a table without rows is its headings") {
  CHECK(nsajit::cli::format_text_table({"name", "ms"}, {}) == "name  ms\n--------\n");
}
