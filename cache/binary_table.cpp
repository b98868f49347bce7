// BinaryTable: the SQL of binary, compression and the content digest.

#include "cache/binary_table.h"

#include <string_view>

#include <fmt/format.h>

#include "cache/compression.h"
#include "cache/key_check.h"
#include "cache/sqlite_database.h"
#include "cache/utc_time.h"
#include "cache/warn_once.h"
#include "core/digest.h"

namespace nsajit::cache {
namespace {

// Covers all that decides how the code is loaded, not the code alone: a changed entry name is as wrong as a
// changed instruction.
std::string content_digest(const BinaryRecord& binary) {
  return digest_text(fmt::format("{}\n{}\n{}\n{}\n{}", binary.kernel_key, binary.backend, binary.arch, binary.entries_json,
                                 digest_bytes(binary.code)));
}

}  // namespace

void replace_binary(SqliteDatabase& database, const BinaryRecord& binary) {
  require_key("binary", binary.kernel_key, binary.key_text);
  const std::vector<std::byte> compressed = compress(binary.code);
  database
      .prepare(
          "INSERT OR REPLACE INTO binary (kernel_key, key_text, backend, arch, entries_json, code, code_bytes, "
          "content_digest, log, compile_ms, created_utc) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .bind_all(binary.kernel_key, binary.key_text, binary.backend, binary.arch, binary.entries_json,
                std::span<const std::byte>(compressed), static_cast<std::int64_t>(binary.code.size()), content_digest(binary),
                binary.log, binary.compile_ms, utc_now())
      .run();
}

std::optional<BinaryRecord> find_intact_binary(SqliteDatabase& database, const std::string& kernel_key, WarnOnce& warnings) {
  Statement row = database.prepare(
      "SELECT kernel_key, key_text, backend, arch, entries_json, code, code_bytes, content_digest, log, compile_ms "
      "FROM binary WHERE kernel_key = ?");
  if (!row.bind_all(kernel_key).step()) return std::nullopt;
  BinaryRecord binary;
  binary.kernel_key = row.text();
  binary.key_text = row.text();
  binary.backend = row.text();
  binary.arch = row.text();
  binary.entries_json = row.text();
  const std::vector<std::byte> compressed = row.blob();
  const auto code_bytes = row.integer<std::size_t>();
  const std::string digest = row.text();
  binary.log = row.text();
  binary.compile_ms = row.real();
  if (!is_key_intact("binary", binary.kernel_key, binary.key_text, warnings)) return std::nullopt;
  auto code = find_decompressed(compressed, code_bytes);
  if (code) {
    binary.code = std::move(*code);
    if (content_digest(binary) == digest) return binary;
  }
  warnings.warn("binary " + kernel_key,
                fmt::format("cache: binary {} is damaged (content digest differs); it will be compiled again", kernel_key));
  return std::nullopt;
}

}  // namespace nsajit::cache
