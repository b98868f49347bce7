// CacheKey and TrialKey: the text that names every field, and its digest.

#include "cache/cache_key.h"

#include <string_view>

#include "core/digest.h"

namespace nsajit::cache {
namespace {

// A value may hold newlines (compiler options, feature strings); escaped, no value can pass for another field.
void append_field(std::string& text, std::string_view name, std::string_view value) {
  text.append(name).push_back('=');
  for (const char character : value) {
    if (character == '\\') {
      text += "\\\\";
    } else if (character == '\n') {
      text += "\\n";
    } else {
      text.push_back(character);
    }
  }
  text.push_back('\n');
}

void append_field(std::string& text, std::string_view name, int value) { append_field(text, name, std::to_string(value)); }

}  // namespace

std::string CacheKey::text() const {
  std::string text;
  append_field(text, "op", op);
  append_field(text, "problem", problem);
  append_field(text, "config", config);
  append_field(text, "arch", arch);
  append_field(text, "cpu_features", cpu_features);
  append_field(text, "closure", closure);
  append_field(text, "generator_version", generator_version);
  append_field(text, "compiler", compiler);
  append_field(text, "compiler_version", compiler_version);
  append_field(text, "compiler_options", compiler_options);
  append_field(text, "format_version", format_version);
  return text;
}

std::string CacheKey::digest() const { return digest_text(text()); }

std::string TrialKey::text() const {
  std::string text = kernel.text();
  append_field(text, "workload", workload);
  append_field(text, "device", device);
  append_field(text, "driver_version", driver_version);
  append_field(text, "gate_version", gate_version);
  append_field(text, "measure_version", measure_version);
  return text;
}

std::string TrialKey::digest() const { return digest_text(text()); }

}  // namespace nsajit::cache
