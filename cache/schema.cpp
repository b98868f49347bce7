// Schema: the SQL of each version, applied in order.

#include "cache/schema.h"

#include <array>
#include <chrono>
#include <string_view>
#include <thread>

#include <fmt/format.h>

#include "cache/cache.h"
#include "cache/network_disk.h"
#include "cache/sqlite_database.h"
#include "cache/utc_time.h"
#include "core/log.h"

namespace nsajit::cache {
namespace {

constexpr const char* kTables = R"sql(
CREATE TABLE migration (
  version INTEGER PRIMARY KEY,
  purpose TEXT NOT NULL,
  applied_utc TEXT NOT NULL
) STRICT;

CREATE TABLE device (
  id INTEGER PRIMARY KEY,
  identity TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL DEFAULT '',
  backend TEXT NOT NULL DEFAULT '',
  arch TEXT NOT NULL DEFAULT '',
  processors INTEGER NOT NULL DEFAULT 0,
  memory_bytes INTEGER NOT NULL DEFAULT 0,
  l2_bytes INTEGER NOT NULL DEFAULT 0,
  features TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE toolchain (
  id INTEGER PRIMARY KEY,
  identity TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE problem (
  id INTEGER PRIMARY KEY,
  tuple TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE run (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  command TEXT NOT NULL,
  device INTEGER NOT NULL REFERENCES device(id),
  toolchain INTEGER NOT NULL REFERENCES toolchain(id),
  nsajit_version TEXT NOT NULL,
  started_utc TEXT NOT NULL,
  finished_utc TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE trial (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  key TEXT NOT NULL,
  key_text TEXT NOT NULL,
  kernel_key TEXT NOT NULL,
  op TEXT NOT NULL,
  problem INTEGER NOT NULL REFERENCES problem(id),
  workload TEXT NOT NULL,
  device INTEGER NOT NULL REFERENCES device(id),
  config TEXT NOT NULL,
  baseline INTEGER NOT NULL CHECK (baseline IN (0, 1)),
  status TEXT NOT NULL CHECK (status IN ('measured', 'compile_error', 'compile_timeout', 'resources', 'launch',
                                         'illegal_access', 'hang', 'out_of_memory', 'parity', 'crash')),
  reason TEXT NOT NULL,
  log TEXT NOT NULL,
  time_us REAL NOT NULL CHECK (time_us >= 0),
  low_us REAL NOT NULL,
  high_us REAL NOT NULL,
  samples INTEGER NOT NULL,
  sm_mhz INTEGER NOT NULL,
  memory_mhz INTEGER NOT NULL,
  registers INTEGER NOT NULL,
  smem_bytes INTEGER NOT NULL,
  spill_bytes INTEGER NOT NULL,
  compile_ms REAL NOT NULL,
  parity_ms REAL NOT NULL,
  measure_ms REAL NOT NULL,
  run INTEGER NOT NULL REFERENCES run(id),
  created_utc TEXT NOT NULL
) STRICT;
CREATE INDEX trial_key ON trial(key);
CREATE INDEX trial_tuple ON trial(problem, device);

CREATE TABLE parity (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  trial INTEGER NOT NULL REFERENCES trial(id),
  parity_case TEXT NOT NULL,
  tensor TEXT NOT NULL,
  max_error REAL,
  mean_error REAL,
  l2_error REAL,
  max_allowed REAL,
  mean_allowed REAL,
  l2_allowed REAL,
  passed INTEGER NOT NULL CHECK (passed IN (0, 1)),
  reason TEXT NOT NULL,
  UNIQUE (trial, id)
) STRICT;

CREATE TABLE winner (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  key TEXT NOT NULL UNIQUE,
  key_text TEXT NOT NULL,
  trial INTEGER NOT NULL REFERENCES trial(id),
  parity INTEGER NOT NULL,
  baseline_trial INTEGER REFERENCES trial(id),
  run INTEGER NOT NULL REFERENCES run(id),
  time_us REAL NOT NULL CHECK (time_us >= 0),
  baseline_us REAL NOT NULL CHECK (baseline_us >= 0),
  candidates INTEGER NOT NULL,
  created_utc TEXT NOT NULL,
  FOREIGN KEY (trial, parity) REFERENCES parity(trial, id)
) STRICT;
CREATE INDEX winner_trial ON winner(trial);

CREATE TABLE threshold (
  name TEXT NOT NULL,
  problem INTEGER NOT NULL REFERENCES problem(id),
  device INTEGER NOT NULL REFERENCES device(id),
  key TEXT NOT NULL,
  value INTEGER NOT NULL CHECK (value >= -1),
  margin REAL NOT NULL,
  ladder_json TEXT NOT NULL,
  run INTEGER NOT NULL REFERENCES run(id),
  created_utc TEXT NOT NULL,
  PRIMARY KEY (name, problem, device)
) STRICT;

CREATE TABLE binary (
  kernel_key TEXT PRIMARY KEY NOT NULL,
  key_text TEXT NOT NULL,
  backend TEXT NOT NULL,
  arch TEXT NOT NULL,
  entries_json TEXT NOT NULL,
  code BLOB NOT NULL,
  code_bytes INTEGER NOT NULL,
  content_digest TEXT NOT NULL,
  log TEXT NOT NULL,
  compile_ms REAL NOT NULL,
  created_utc TEXT NOT NULL
) STRICT;
)sql";

// What no writer may do, whichever program it is: foreign keys can be switched off, triggers cannot.
constexpr const char* kTriggers = R"sql(
CREATE TRIGGER winner_passed_the_gate BEFORE INSERT ON winner BEGIN
  SELECT RAISE(ABORT, 'the trial of a winner must be measured')
    WHERE NOT EXISTS (SELECT 1 FROM trial WHERE id = NEW.trial AND status = 'measured');
  SELECT RAISE(ABORT, 'the trial of a winner must have a parity row')
    WHERE NOT EXISTS (SELECT 1 FROM parity WHERE trial = NEW.trial);
  SELECT RAISE(ABORT, 'every parity row of a winner must have passed')
    WHERE EXISTS (SELECT 1 FROM parity WHERE trial = NEW.trial AND passed = 0);
  SELECT RAISE(ABORT, 'the baseline of a winner must be a measured baseline of the same workload and device')
    WHERE NEW.baseline_trial IS NOT NULL AND NOT EXISTS (
      SELECT 1 FROM trial AS won JOIN trial AS base ON base.op = won.op AND base.problem = won.problem
        AND base.workload = won.workload AND base.device = won.device
      WHERE won.id = NEW.trial AND base.id = NEW.baseline_trial AND base.baseline = 1 AND base.status = 'measured');
END;

CREATE TRIGGER winner_is_replaced_whole BEFORE UPDATE ON winner BEGIN
  SELECT RAISE(ABORT, 'a winner is replaced, never edited');
END;

CREATE TRIGGER trial_of_a_winner_stays BEFORE UPDATE OF id, key, kernel_key, op, problem, workload, device, config,
  baseline, status ON trial
WHEN EXISTS (SELECT 1 FROM winner WHERE trial = OLD.id OR baseline_trial = OLD.id) BEGIN
  SELECT RAISE(ABORT, 'what a winner rests on cannot be edited');
END;

CREATE TRIGGER parity_of_a_winner_gets_no_failure BEFORE INSERT ON parity
WHEN NEW.passed = 0 AND EXISTS (SELECT 1 FROM winner WHERE trial = NEW.trial) BEGIN
  SELECT RAISE(ABORT, 'the trial of a winner cannot get a failed parity row');
END;

CREATE TRIGGER parity_is_final BEFORE UPDATE ON parity BEGIN
  SELECT RAISE(ABORT, 'a parity row is never edited');
END;
)sql";

// Aliases, and when binaries were last asked for. A table beside `binary` rather than a column of it: a row with code
// is rewritten whole.
constexpr const char* kAliasesAndUse = R"sql(
CREATE TABLE alias (
  model TEXT NOT NULL,
  measured_on TEXT NOT NULL,
  created_utc TEXT NOT NULL,
  PRIMARY KEY (model, measured_on)
) STRICT;

CREATE TABLE binary_use (
  kernel_key TEXT PRIMARY KEY NOT NULL,
  used_utc TEXT NOT NULL
) STRICT;

CREATE INDEX trial_kernel ON trial(kernel_key);
)sql";

// A threshold counts one size and depends on all: it is fitted at those of a workload. What was fitted before is of the last
// that was tuned, whichever that was.
constexpr const char* kThresholdOfWorkload = R"sql(
ALTER TABLE threshold RENAME TO threshold_of_tuple;

CREATE TABLE threshold (
  name TEXT NOT NULL,
  problem INTEGER NOT NULL REFERENCES problem(id),
  workload TEXT NOT NULL,
  device INTEGER NOT NULL REFERENCES device(id),
  key TEXT NOT NULL,
  value INTEGER NOT NULL CHECK (value >= -1),
  margin REAL NOT NULL,
  ladder_json TEXT NOT NULL,
  run INTEGER NOT NULL REFERENCES run(id),
  created_utc TEXT NOT NULL,
  PRIMARY KEY (name, problem, workload, device)
) STRICT;

INSERT INTO threshold (name, problem, workload, device, key, value, margin, ladder_json, run, created_utc)
  SELECT name, problem, '', device, key, value, margin, ladder_json, run, created_utc FROM threshold_of_tuple;

DROP TABLE threshold_of_tuple;
)sql";

struct Migration {
  std::int64_t version;
  std::string_view purpose;
  std::array<const char*, 2> scripts;
};

// One entry per version, oldest first. An entry that was released never changes: the next version gets its own.
constexpr std::array<Migration, 3> kMigrations{{
    {1, "first format", {kTables, kTriggers}},
    {2, "aliases of device models, use of binaries", {kAliasesAndUse, ""}},
    {3, "thresholds of a workload", {kThresholdOfWorkload, ""}},
}};
static_assert(kMigrations.back().version == kSchemaVersion);

// Requires: inside a transaction.
SchemaReport read_schema(SqliteDatabase& database) {
  const std::int64_t version = database.query_integer("PRAGMA user_version");
  const std::int64_t application = database.query_integer("PRAGMA application_id");
  if (database.query_integer("SELECT count(*) FROM sqlite_schema") == 0 && version == 0 && application == 0) {
    return {SchemaState::Empty, 0};
  }
  if (application != kApplicationId || version < 1) return {SchemaState::Foreign, version};
  if (version > kSchemaVersion) return {SchemaState::Newer, version};
  return {version < kSchemaVersion ? SchemaState::Older : SchemaState::Current, version};
}

void apply(SqliteDatabase& database, const Migration& migration) {
  for (const char* script : migration.scripts) database.execute(script);
  database.prepare("INSERT INTO migration (version, purpose, applied_utc) VALUES (?, ?, ?)")
      .bind_all(migration.version, migration.purpose, utc_now())
      .run();
  database.execute(fmt::format("PRAGMA user_version = {}; PRAGMA application_id = {}", migration.version, kApplicationId));
}

// SQLite answers at once, whatever the busy timeout, where another connection is in the way of a switch.
bool try_journal(SqliteDatabase& database, const std::string& mode) {
  constexpr int kAttempts = 20;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    try {
      return database.query_text("PRAGMA journal_mode = " + mode) == mode;
    } catch (const SqliteFailure& failure) {
      if (failure.fault() != SqliteFault::Busy) return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

}  // namespace

SchemaReport inspect_schema(SqliteDatabase& database) {
  Transaction snapshot(database, TransactionKind::Snapshot);
  const SchemaReport report = read_schema(database);
  snapshot.commit();
  return report;
}

void migrate(SqliteDatabase& database) {
  Transaction transaction(database, TransactionKind::Write);
  // Another process may have done it, or more, while this one waited for the lock.
  const SchemaReport report = read_schema(database);
  if (report.state != SchemaState::Empty && report.state != SchemaState::Older) return;
  for (const Migration& migration : kMigrations) {
    if (migration.version > report.version) apply(database, migration);
  }
  transaction.commit();
}

void choose_journal(SqliteDatabase& database, const std::string& path) {
  const std::string wanted = is_on_network_disk(path) ? "delete" : "wal";
  std::string mode = database.query_text("PRAGMA journal_mode");
  if (mode != wanted && try_journal(database, wanted)) mode = wanted;
  if (mode != wanted) log_debug(fmt::format("cache {} keeps journal mode {}; {} could not be had", path, mode, wanted));
  // With the log, a commit survives the end of the process without an fsync; a rollback journal needs its fsyncs.
  database.execute(mode == "wal" ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL");
}

}  // namespace nsajit::cache
