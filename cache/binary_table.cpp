// BinaryTable: the SQL of binary, compression and the content digest.

#include "cache/binary_table.h"

#include <string_view>

#include <fmt/format.h>

#include "cache/cache_key.h"
#include "cache/compression.h"
#include "cache/key_check.h"
#include "cache/record_json.h"
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

// A row as it lies there, and what is wrong with it.
struct StoredBinary {
  BinaryRecord record;
  std::optional<std::string> fault;
};

std::optional<StoredBinary> find_stored(SqliteDatabase& database, const std::string& kernel_key) {
  Statement row = database.prepare(
      "SELECT kernel_key, key_text, backend, arch, entries_json, code, code_bytes, content_digest, log, compile_ms "
      "FROM binary WHERE kernel_key = ?");
  if (!row.bind_all(kernel_key).step()) return std::nullopt;
  StoredBinary stored;
  BinaryRecord& binary = stored.record;
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
  if (digest_text(binary.key_text) != binary.kernel_key) {
    stored.fault = "key and key text differ";
    return stored;
  }
  auto code = find_decompressed(compressed, code_bytes);
  if (code) binary.code = std::move(*code);
  if (!code || content_digest(binary) != digest) stored.fault = "content digest differs";
  return stored;
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
  auto stored = find_stored(database, kernel_key);
  if (!stored) return std::nullopt;
  if (!stored->fault) return std::move(stored->record);
  warnings.warn("binary " + kernel_key,
                fmt::format("cache: binary {} is damaged ({}); it will be compiled again", kernel_key, *stored->fault));
  return std::nullopt;
}

std::optional<std::string> find_binary_fault(SqliteDatabase& database, const std::string& kernel_key) {
  const auto stored = find_stored(database, kernel_key);
  if (!stored || stored->fault) return stored ? stored->fault : "the row is not there";
  if (!is_entry_list(stored->record.entries_json)) return "its list of entries cannot be read";
  if (find_key_field(stored->record.key_text, "arch") != stored->record.arch) return "its arch is not that of its key";
  return std::nullopt;
}

std::vector<std::string> find_binary_keys(SqliteDatabase& database) {
  std::vector<std::string> keys;
  Statement row = database.prepare("SELECT kernel_key FROM binary ORDER BY kernel_key");
  while (row.step()) keys.push_back(row.text());
  return keys;
}

void drop_unused_binary(SqliteDatabase& database, const std::string& kernel_key) {
  database
      .prepare(
          "DELETE FROM binary WHERE kernel_key = ?1 "
          "AND NOT EXISTS (SELECT 1 FROM trial WHERE kernel_key = ?1 AND status = 'measured')")
      .bind_all(kernel_key)
      .run();
}

bool is_use_stale(SqliteDatabase& database, const std::string& kernel_key) {
  Statement row = database.prepare("SELECT used_utc FROM binary_use WHERE kernel_key = ?");
  return !row.bind_all(kernel_key).step() || row.text() < utc_before(std::chrono::hours(24));
}

void note_use(SqliteDatabase& database, const std::string& kernel_key) {
  database.prepare("INSERT OR REPLACE INTO binary_use (kernel_key, used_utc) VALUES (?, ?)")
      .bind_all(kernel_key, utc_now())
      .run();
}

}  // namespace nsajit::cache
