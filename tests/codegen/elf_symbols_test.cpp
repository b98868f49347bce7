// Function sizes in ELF files, on an object of our own and on damaged ones.
#include "codegen/elf_symbols.h"

#include <catch2/catch_all.hpp>

#include "codegen/llvm_compiler.h"
#include "tests/codegen/test_templates.h"

using namespace nsajit::codegen;
using namespace nsajit::codegen::testing;

namespace {
std::vector<std::byte> probe_object() {
  const TemplateFolder folder;
  folder.use();
  return std::get<Binary>(make_llvm_compiler()->compile(probe_cpu_source(), {})).code;
}
}  // namespace

TEST_CASE("a function of an object has a size") {
  CHECK(find_function_bytes(probe_object(), "probe_sum").value_or(0) > 0);
}

TEST_CASE("a name that is the start of another is not that function") {
  CHECK_FALSE(find_function_bytes(probe_object(), "probe_su").has_value());
}

TEST_CASE("bytes that are no ELF file are a miss") {
  CHECK_FALSE(find_function_bytes({}, "k").has_value());
  CHECK_FALSE(find_function_bytes(std::vector<std::byte>(1000, std::byte{7}), "k").has_value());
}

TEST_CASE("an object cut anywhere is a miss, never a read outside") {
  const std::vector<std::byte> object = probe_object();
  for (std::size_t size = 0; size < object.size(); ++size) {
    const std::vector<std::byte> cut(object.begin(), object.begin() + static_cast<std::ptrdiff_t>(size));
    find_function_bytes(cut, "probe_sum");
  }
  SUCCEED("every length was read");
}
