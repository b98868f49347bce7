#pragma once
// TrialTable: trials and the parity rows that judge them. Free functions over an open connection; those that
// store run inside the caller's transaction.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cache/records.h"

namespace nsajit::cache {

class SqliteDatabase;
class WarnOnce;

// Returns the new trial's id.
std::int64_t insert_trial(SqliteDatabase& database, const TrialRecord& trial, const std::vector<ParityRecord>& parity);
void update_trial_timing(SqliteDatabase& database, const TrialRecord& trial);

// A row whose key and key text differ is left out, with a warning.
std::optional<TrialRecord> find_trial_by_key(SqliteDatabase& database, const std::string& key, WarnOnce& warnings);
std::optional<TrialRecord> find_trial_by_id(SqliteDatabase& database, std::int64_t id, WarnOnce& warnings);
std::vector<TrialRecord> find_all_trials(SqliteDatabase& database, WarnOnce& warnings);
// Damaged ones too, as they lie there.
std::vector<TrialRecord> find_trials_as_stored(SqliteDatabase& database);
std::vector<ParityRecord> find_parity_rows(SqliteDatabase& database, std::int64_t trial);

}  // namespace nsajit::cache
