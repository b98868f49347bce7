// Decode CSV: what is written is read back, older files are read, and what is wrong is named by line.

#include "cli/decode_csv.h"

#include <catch2/catch_all.hpp>

namespace nsajit::cli {
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
namespace {

const DecodeRow kRow{.S = 512,
                     .ms_total = 0.04,
                     .ms_cmp = 0.01,
                     .ms_sel = 0.02,
                     .ms_win = 0.005,
                     .reads_actual = 1055,
                     .reads_expected = 1567,
                     .reads_actual_decode = 3,
                     .reads_expected_decode = 4};

}  // namespace

TEST_CASE("the file begins with the header that users parse, and is read back") {
  const std::string text = format_decode_csv({kRow});
  CHECK(text ==
        "S,ms_total,ms_cmp,ms_sel,ms_win,reads_actual,reads_expected,reads_actual_decode,reads_expected_decode\n"
        "512,0.040000,0.010000,0.020000,0.005000,1055,1567,3,4\n");
  const auto rows = parse_decode_csv(text, "d.csv");
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].S == 512);
  CHECK(rows[0].ms_win == 0.005);
  CHECK(rows[0].reads_expected_decode == 4);
}

TEST_CASE("a file without the decode columns, with others and with carriage returns is read") {
  const auto rows = parse_decode_csv(
      "ms_total,S,ms_cmp,ms_sel,ms_win,reads_actual,reads_expected,note\r\n1.5,64,0.5,0.25,0.75,9,10,x\r\n\r\n", "d.csv");
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].S == 64);
  CHECK(rows[0].reads_actual_decode == 0);
  CHECK(format_decode_summary(rows) ==
        "     S     total    cmp%    sel%    win%      reads(dec)      reads(tot)\n"
        "    64    1.5000    33.3    16.7    50.0             -/-            9/10\n");
}

TEST_CASE("the summary shows shares of the total") {
  CHECK_THAT(format_decode_summary({kRow}),
             Contains("   512    0.0400    25.0    50.0    12.5             3/4       1055/1567\n"));
}

TEST_CASE("what is wrong with a file is named by line") {
  const std::string header = "S,ms_total,ms_cmp,ms_sel,ms_win,reads_actual,reads_expected\n";
  CHECK_THROWS_WITH(parse_decode_csv("", "d.csv"), Contains("d.csv: there are no rows"));
  CHECK_THROWS_WITH(parse_decode_csv(header, "d.csv"), Contains("there are no rows"));
  CHECK_THROWS_WITH(parse_decode_csv(header + "1,2,3\n", "d.csv"), StartsWith("d.csv, line 2: 3 values under 7 names"));
  CHECK_THROWS_WITH(parse_decode_csv(header + "1,fast,3,4,5,6,7\n", "d.csv"),
                    Contains("line 2: ms_total is 'fast', which is no number"));
  CHECK_THROWS_WITH(parse_decode_csv("S,ms_total\n1,2\n", "d.csv"), Contains("line 2: there is no ms_cmp"));
}

}  // namespace nsajit::cli
