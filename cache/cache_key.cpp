// CacheKey and TrialKey: the text that names every field, and its digest.

#include "cache/cache_key.h"

#include <algorithm>
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

std::string unescaped(std::string_view value) {
  std::string text;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const bool escape = value[i] == '\\' && i + 1 < value.size();
    if (escape) ++i;
    text.push_back(escape && value[i] == 'n' ? '\n' : value[i]);
  }
  return text;
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

std::optional<std::string> find_key_field(std::string_view key_text, std::string_view name) {
  while (!key_text.empty()) {
    const std::string_view line = key_text.substr(0, key_text.find('\n'));
    key_text.remove_prefix(std::min(line.size() + 1, key_text.size()));
    if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == '=') {
      return unescaped(line.substr(name.size() + 1));
    }
  }
  return std::nullopt;
}

std::string_view kernel_key_text(std::string_view key_text) {
  const auto end = key_text.find("\nworkload=");
  return end == std::string_view::npos ? std::string_view() : key_text.substr(0, end + 1);
}

}  // namespace nsajit::cache
