#pragma once
// Decode CSV: what a decode benchmark found per length, in the form that users' scripts parse, and the summary that they
// print of it.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nsajit::cli {

inline constexpr const char* kDecodeCsvHeader =
    "S,ms_total,ms_cmp,ms_sel,ms_win,reads_actual,reads_expected,reads_actual_decode,reads_expected_decode";

struct DecodeRow {
  std::int64_t S = 0;  // tokens in the caches
  double ms_total = 0, ms_cmp = 0, ms_sel = 0, ms_win = 0;
  std::int64_t reads_actual = 0, reads_expected = 0;                // tokens that one step reads, per KV group
  std::int64_t reads_actual_decode = 0, reads_expected_decode = 0;  // of decoding alone; both 0: the file does not say
};

std::string format_decode_csv(const std::vector<DecodeRow>& rows);
// By the names in the header, in any order; columns of other names are passed over, the last two may be missing.
// Throws Error{InvalidArgument} that names `path`, the line and what is wrong with it.
std::vector<DecodeRow> parse_decode_csv(std::string_view text, const std::string& path);

// S, total, cmp%, sel%, win%, reads(dec), reads(tot): shares of the total, reads as actual/expected.
std::string format_decode_summary(const std::vector<DecodeRow>& rows);

}  // namespace nsajit::cli
