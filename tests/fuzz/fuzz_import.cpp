// Fuzz target: the import parser. What it accepts is written again and read back as the same.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <string>

#include "cache/content.h"
#include "cache/export_file.h"
#include "nsajit/error.h"

namespace {

std::string write_text(const nsajit::cache::Content& content) {
  std::ostringstream out;
  nsajit::cache::write_export(out, content);
  return out.str();
}

nsajit::cache::Content read_text(const std::string& text) {
  std::istringstream in(text);
  return nsajit::cache::read_export(in, "fuzz.jsonl");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string written;
  try {
    written = write_text(read_text({reinterpret_cast<const char*>(data), size}));
  } catch (const nsajit::Error&) { return 0; }
  if (write_text(read_text(written)) != written) std::abort();
  return 0;
}
