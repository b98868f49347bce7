#pragma once
// WinnerTable: the decisions of the tuner. A winner says which trial won and against what; problem, workload,
// device and config are its trial's, so they cannot contradict it. Free functions over an open connection.

#include <optional>
#include <string>
#include <vector>

#include "cache/records.h"

namespace nsajit::cache {

class SqliteDatabase;
class WarnOnce;

// Requires: inside a transaction. Replaces the winner of the same key. Throws Error{Cache} where the trial does
// not carry the decision: not measured, of something else, or not gated.
void replace_winner(SqliteDatabase& database, const WinnerRecord& winner, WarnOnce& warnings);

// A row whose key and key text differ is left out, with a warning.
std::optional<WinnerRecord> find_winner_by_key(SqliteDatabase& database, const std::string& key, WarnOnce& warnings);
// Newest first.
std::vector<WinnerRecord> find_winners_of(SqliteDatabase& database, const std::string& problem, const std::string& device,
                                          WarnOnce& warnings);
std::vector<WinnerRecord> find_all_winners(SqliteDatabase& database, WarnOnce& warnings);
// Damaged ones too, as they lie there.
std::vector<WinnerRecord> find_winners_as_stored(SqliteDatabase& database);

}  // namespace nsajit::cache
