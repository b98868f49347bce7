// Shape text: what the short form means, and what each complaint says.

#include "cli/shape_text.h"

#include <catch2/catch_all.hpp>

#include "nsajit/error.h"

namespace {

using namespace nsajit;

void check_complaint(std::string_view text, const std::vector<std::string>& parts) {
  std::string message = "accepted";
  try {
    cli::parse_shape(text);
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::InvalidArgument);
    message = error.what();
  }
  INFO(message);
  for (const auto& part : parts) CHECK(message.find(part) != std::string::npos);
}

}  // namespace

TEST_CASE("a short form names heads, head sizes and blocks") {
  const auto workload = cli::parse_shape("S=8192,Hq/Hkv=64/4,dk/dv=192/128,128x8,B=4");
  CHECK(workload == parse_workload("selection,forward,bf16,dk=192,dv=128,l_sel=128,n_sel=8,group=16;B=4,S=8192,G=4"));
}

TEST_CASE("parts come in any order, and fields of a tuple may be given by name") {
  const auto workload = cli::parse_shape("64x4, dtype=fp16, dk/dv=64/64, l=16, overlap=50, S=512, S_kv=1024, Hq/Hkv=6/6");
  CHECK(workload == parse_workload("fp16,dk=64,dv=64,l=16,l_sel=64,n_sel=4,group=1;B=1,S=512,S_kv=1024,G=6,overlap=50"));
}

TEST_CASE("a malformed or impossible shape is refused with the part that is wrong") {
  check_complaint("S=8192,Hq/Hkv=64", {"Hq/Hkv", "'64'", "S=8192,Hq/Hkv=64/4"});
  check_complaint("S=8192,Hq/Hkv=6/4", {"Hq=6", "Hkv=4"});
  check_complaint("S=8192,Hq/Hkv=6/0", {"Hkv=0"});
  check_complaint("S=8192,heads=6", {"'heads'", "group"});
  check_complaint("S=many", {"S", "many"});
  check_complaint("S=8192,fp16", {"fp16"});
  check_complaint("S=8192,dk/dv=7/64", {"dk=7"});
  check_complaint("S=64,64x16", {"blocks"});
}
