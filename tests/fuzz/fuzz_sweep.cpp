// Fuzz target: the sweep parser. Whatever the text, it is read or refused with an Error.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "cli/sweep_file.h"
#include "nsajit/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    nsajit::cli::parse_sweep({reinterpret_cast<const char*>(data), size}, "fuzz.toml");
  } catch (const nsajit::Error&) { return 0; }  // what a bad file is answered with
  return 0;
}
